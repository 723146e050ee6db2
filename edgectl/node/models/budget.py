"""Whether a node's budget of models can hold what is to come beside what it must be able to go back to.

Owns that sum and its sentence, and which names may become those of folders and files. Two versions that share a file
hold it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edgectl.node.io.places import Places
from edgectl.node.models.registry import CANDIDATE, CURRENT, PREVIOUS, Registry
from edgectl.wire.errors import Refused
from edgectl.wire.payload import Model, Models
from edgectl.wire.registry import amount
from edgectl.wire.safename import is_safe

HINT = "raise model_budget in the inventory; the node keeps what runs, what ran before, and what is to come"


def over(places: Places, coming: Iterable[Model], sizes: Mapping[str, int], budget: int) -> str:
    """Say why the budget cannot hold current, previous, candidate and what comes; "" when it can, or there is none."""
    if not budget:
        return ""
    registry = Registry(places)
    files: dict[str, int] = {}
    said: dict[tuple[str, str], str] = {}
    for name in registry.names():
        for link in (CURRENT, PREVIOUS, CANDIDATE):
            note = registry.note(name, registry.linked(name, link))
            if note is not None:
                files |= note.sizes
                said.setdefault((name, note.folder), f"{name} {note.version} ({link})")
    for model in coming:
        files |= {digest: sizes.get(digest, files.get(digest, 0)) for digest in model.files.values()}
        said.setdefault((model.name, model.folder), f"{model.name} {model.version} (new)")
    total = sum(files.values())
    if total <= budget:
        return ""
    return f"the model budget of {amount(budget)} cannot hold {', '.join(said.values())}: {amount(total)}"


def refuse_over(places: Places, coming: Iterable[Model], sizes: Mapping[str, int], budget: int) -> None:
    """Raise Refused when the budget cannot hold what comes."""
    if sentence := over(places, coming, sizes, budget):
        raise Refused(sentence, hint=HINT)


def judge_names(models: Models) -> None:
    """Raise Refused when a name would lead out of the registry."""
    named = [text for model in (*models.current, *models.next) for text in (model.name, model.folder, *model.files)]
    if wrong := [text for text in named if not is_safe(text)]:
        raise Refused(f"{wrong[0][:80]!r} is no name of a model's file", hint="build the bundle again")
