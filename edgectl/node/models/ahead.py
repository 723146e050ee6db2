"""What is brought ahead: judged and named before its first byte, a candidate when the last one is here.

Owns the node's side of a prefetch. The bytes come as those of every deploy do (receive.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.node.models import expected
from edgectl.node.models.budget import judge_names, refuse_over
from edgectl.node.models.expected import Expected
from edgectl.node.models.registry import CANDIDATE, Registry
from edgectl.node.models.turn import quiet
from edgectl.node.sweep import sweep
from edgectl.wire.document import from_json
from edgectl.wire.errors import Locked, Refused
from edgectl.wire.payload import Model, Models


def judge(places: Places, frame: dict[str, Any]) -> None:
    """Raise Refused where the node's budget cannot hold the models of an offer that will run."""
    if frame.get("models") is not None:
        models = _offered(frame)
        _fit(places, frame, models.current, models.budget_bytes)


def _offered(frame: dict[str, Any]) -> Models:
    try:
        models = from_json(Models, frame["models"])
    except ValueError as error:
        raise Refused(f"the models cannot be read here: {error}", hint="use the same edgectl everywhere") from error
    judge_names(models)
    return models


def _fit(places: Places, frame: dict[str, Any], coming: Sequence[Model], budget: int) -> None:
    sizes = {str(digest): int(size) for digest, size in frame["blobs"].items()}
    if any(digest not in sizes for model in coming for digest in model.files.values()):
        raise Refused("a model's file is offered without its size", hint="use the same edgectl everywhere")
    refuse_over(places, coming, sizes, budget)


def expect(places: Places, frame: dict[str, Any]) -> None:
    """Name what is about to come ahead. Raises Refused."""
    models, registry, sequence = _offered(frame), Registry(places), Slots(places).sequence
    _fit(places, frame, models.next, models.budget_bytes)
    for model in models.next:
        sizes = {digest: int(frame["blobs"][digest]) for digest in model.files.values()}
        expected.write(registry, Expected(model, sizes, sequence))


def settle(places: Places) -> None:
    """Make candidates of what has come; a run that holds this node does it within minutes, too."""
    with suppress(Locked), quiet(places, seconds=0.0):
        registry = Registry(places)
        for name in registry.names():
            found = expected.read(registry, name)
            if found is not None and found.is_here(places):
                if registry.wrong(found.model):
                    registry.bring(found.model)
                registry.point(name, CANDIDATE, found.model.folder)
        sweep(places, promoted=False)
