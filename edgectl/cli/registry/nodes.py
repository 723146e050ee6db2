"""One question about models to every node of a store.

Owns what an unreached node means: the others' answers stand, and the exit code is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from edgectl.wire.errors import EdgectlError, Exit, NotReady

if TYPE_CHECKING:
    from edgectl.control.inventory.store import Store
    from edgectl.wire.registry import ModelsLook

Answers = Mapping[str, "dict[str, Any] | EdgectlError"]


def asked(store: Store, node: str, *, verbose: bool, **fields: object) -> Answers:
    """Ask; raises what stands against it where it stands against every node."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors as doors_of
    from edgectl.control.deploy.everywhere import everywhere
    from edgectl.control.deploy.look import ask

    nodes = (stores.node_of(store, node),) if node else store.nodes
    doors = doors_of(nodes, stores.runtime(), verbose=verbose)
    with stores.speaking_of(store.name):
        answers = everywhere({name: partial(ask, door.open, "models", **fields) for name, door in doors.items()})
        if all(isinstance(answer, EdgectlError) for answer in answers.values()):
            raise next(answer for answer in answers.values() if isinstance(answer, EdgectlError))
    return answers


def look_of(answer: dict[str, Any]) -> ModelsLook:
    """Return what a node has told; raises NotReady where it cannot be read."""
    from edgectl.wire.document import from_json
    from edgectl.wire.registry import ModelsLook

    try:
        return from_json(ModelsLook, answer["look"])
    except (KeyError, ValueError) as error:
        raise NotReady(f"the node's answer cannot be read: {error}", hint="use a matching edgectl") from error


def document(answers: Answers) -> dict[str, Any]:
    """Return the answers for `--output json`."""
    return {
        name: {"error": answer.message, "hint": answer.hint} if isinstance(answer, EdgectlError) else answer
        for name, answer in answers.items()
    }


def code(answers: Answers) -> int:
    """Return the exit code: that of the first node that gave no answer."""
    wrong = (int(answer.exit) for answer in answers.values() if isinstance(answer, EdgectlError))
    return next(wrong, int(Exit.OK))
