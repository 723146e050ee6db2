"""Hand edits of a store, as the lines of the inventory that would declare them. Pure but for the rendering it is given.

Owns the search for the value behind a live field: a value is proposed only when the chart, rendered with it, gives
exactly the live field and nothing else new. What no value explains is left, with a reason.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgectl.control.bundle.helm import Helm, Rendering
from edgectl.control.bundle.layout import Bundle
from edgectl.control.inventory.store import ReleaseSettings, Store, folder_of
from edgectl.control.payload.charts import chart
from edgectl.wire.document import canonical

Render = Callable[[ReleaseSettings, Mapping[str, Any]], tuple[dict[str, Any], ...]]
Path = tuple[str | int, ...]
_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Left:
    """A hand edit that no line of the inventory declares."""

    field: str
    have: str
    want: str
    why: str


@dataclass(frozen=True, slots=True)
class Charts:
    """What the search asks of a release's chart: its own default values, and its objects with others."""

    defaults: Callable[[ReleaseSettings], Mapping[str, Any]]
    render: Render


def charts(store: Store, bundle: Bundle) -> Charts:
    """Return the charts of a store's inventory and bundle."""
    template = Helm.of(bundle, store.helm_version).template if store.releases else None
    folder = folder_of(store.source)

    def defaults(release: ReleaseSettings) -> Mapping[str, Any]:
        return chart(release.chart, folder=folder, bundle=bundle).values()

    def render(release: ReleaseSettings, values: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        if template is None:
            return ()
        packed = chart(release.chart, folder=folder, bundle=bundle)
        version = store.nodes[0].k3s.version
        return template(Rendering(release.name, release.namespace, packed, dict(values), version))

    return Charts(defaults, render)


def adopt(
    store: Store, events: Sequence[Mapping[str, Any]], texts: Mapping[str, str], of: Charts
) -> tuple[dict[str, Any], list[Left]]:
    """Return what to add to the store's part of the inventory, and what cannot be declared there.

    `events` are those of a status, `texts` the live texts of managed files.
    """
    patch: dict[str, Any] = {}
    left: list[Left] = []
    releases = {f"release-{release.name}": release for release in store.releases}
    for event in events:
        step = str(event.get("step", ""))
        for field, have, want in event.get("differences", ()):
            if step == "host-files" and field in texts:
                patch.setdefault("host", {})["files"] = _files(store, texts)
            elif step == "sysctls" and have != "missing":
                patch.setdefault("host", {}).setdefault("sysctls", {})[field] = have
            elif step in releases and (found := _value(releases[step], field, have, want, of)) is not None:
                path, value = found
                _put(patch, ("releases", releases[step].name, "values", *path), value)
            elif event.get("word") == "drifted":
                left.append(Left(str(field), str(have), str(want), _why(step)))
    return patch, left


def _why(step: str) -> str:
    if step.startswith("release-"):
        return "no value of the chart gives it"
    return "the inventory has no line for it"


def _files(store: Store, texts: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the whole list: lists of the inventory replace each other."""
    return [
        {"path": file.path, "text": texts.get(file.path, file.text), "mode": file.mode}
        for file in store.node().host.files
    ]


def _value(release: ReleaseSettings, field: str, have: str, want: str, of: Charts) -> tuple[Path, Any] | None:
    """Find the one value whose change gives the live field; None when there is none."""
    name, _, where = field.partition(" ")
    before = of.render(release, release.values)
    for path, old in _leaves(_over(of.defaults(release), release.values)):
        if _said(old) != want:
            continue
        new = _like(old, have)
        if new is None:
            continue
        values = copy.deepcopy(release.values)
        _put(values, path, new)
        if _gives(before, of.render(release, values), name, where, have):
            return path, new
    return None


def _gives(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]], name: str, where: str, have: str) -> bool:
    """Tell whether rendered objects differ in this one field, and there as the live one."""
    steps = [key or f"[{item}" for key, item in _STEP.findall(where)]
    changed = [pair for pair in zip(before, after, strict=False) if canonical(pair[0]) != canonical(pair[1])]
    if len(before) != len(after) or len(changed) != 1:
        return False
    old, new = copy.deepcopy(changed[0][0]), copy.deepcopy(changed[0][1])
    if f"{old.get('kind')}/{(old.get('metadata') or {}).get('name')}" != name:
        return False
    holders = [_holder(item, steps) for item in (old, new)]
    if holders[0] is None or holders[1] is None:
        return False
    found = holders[1][0].pop(holders[1][1], None)
    holders[0][0].pop(holders[0][1], None)
    return _said(found) == have and canonical(old) == canonical(new)


def _holder(item: Any, steps: Sequence[str]) -> tuple[dict[str, Any], str] | None:
    """Follow a field's path (`spec.containers[app].image`) to the object that holds it."""
    for step in steps[:-1]:
        if step.startswith("[") and isinstance(item, list):
            item = next((one for index, one in enumerate(item) if _named(one, index) == step[1:]), None)
        elif isinstance(item, dict):
            item = item.get(step)
        else:
            return None
    return (item, steps[-1]) if isinstance(item, dict) and steps and steps[-1] in item else None


def _named(item: Any, index: int) -> str:
    return str(item.get("name", index)) if isinstance(item, dict) else str(index)


def _leaves(values: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _leaves(value, (*path, key))
    elif not isinstance(values, list):
        yield path, values


def _over(below: Any, above: Any) -> Any:
    """Lay values over a chart's defaults as Helm does: maps merge, the rest replaces."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {key: _over(below.get(key), above[key]) if key in above else below[key] for key in {**below, **above}}
    return below if above is None else above


def _said(value: Any) -> str:
    """Return a value as a difference shows it."""
    return "none" if value is None else str(value)


def _like(old: Any, have: str) -> Any:
    """Return the live text as the type that the value has; None when it does not fit."""
    if isinstance(old, bool):
        return {"True": True, "False": False}.get(have)
    if isinstance(old, (int, float)):
        try:
            return type(old)(have)
        except ValueError:
            return None
    return have


def _put(tree: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(str(key), {})
    tree[str(path[-1])] = value
