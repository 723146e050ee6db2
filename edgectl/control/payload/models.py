"""The models of a store's payload: each version's files, found in the bundle.

Owns what is said where the bundle lacks one. Must not look at the files that a build took them from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgectl.control.bundle.layout import Artifact, natural
from edgectl.control.bundle.model import KIND, called, held, whole
from edgectl.control.inventory.store import ModelSettings, ModelsSettings
from edgectl.wire.payload import Model, Models
from edgectl.wire.registry import amount

Find = Callable[..., None]  # (sentence, *path of the inventory)


def models(
    asked: ModelsSettings, artifacts: Sequence[Artifact], root: str, find: Find, take: Callable[[Artifact], object]
) -> tuple[Models | None, dict[str, Artifact]]:
    """Return the payload's models, and the files of those to come by digest; `take` gets what all nodes must hold.

    What the bundle lacks is told to `find`.
    """
    if not asked.current and not asked.next:
        return None, {}
    current = _found(asked.current, artifacts, root, find)
    coming = _found(asked.next, artifacts, root, find)
    sizes = {one.digest: one.size for files in current.values() for one in files.values()}
    total, budget = sum(sizes.values()), asked.budget_bytes
    if budget and total > budget:
        find(f"model_budget: {amount(budget)} cannot hold this store's models, {amount(total)}", "model_budget")
    for files in current.values():
        for one in files.values():
            take(one)
    ahead = {one.digest: one for files in coming.values() for one in files.values()}
    return (
        Models(
            tuple(map(_model, current.items())),
            tuple(map(_model, coming.items())),
            asked.budget_bytes,
            {name: ahead[name].size for name in sorted(ahead)},
            dict(asked.rollouts),
        ),
        ahead,
    )


def _model(found: tuple[ModelSettings, dict[str, Artifact]]) -> Model:
    asked, files = found
    return Model(asked.name, asked.version, {name: one.digest for name, one in files.items()}, asked.variant)


def _found(
    asked: Sequence[ModelSettings], artifacts: Sequence[Artifact], root: str, find: Find
) -> dict[ModelSettings, dict[str, Artifact]]:
    found = {}
    for one in sorted(asked, key=lambda model: model.name):
        files = held(artifacts, one.name, one.variant, one.version)
        what = f"model {called(one.name, one.variant)} {one.version}"
        if whole(files):
            found[one] = files
        elif files:
            find(f"{what} is in the bundle {root} in part; edgectl bundle build brings the rest", *one.where, "version")
        else:
            start = f"{called(one.name, one.variant)}/"
            versions = {other.version for other in artifacts if other.kind == KIND and other.name.startswith(start)}
            has = ", ".join(sorted(versions, key=natural)) or "none"
            find(f"{what} is not in the bundle {root} (it has {has}): edgectl bundle build", *one.where, "version")
    return found
