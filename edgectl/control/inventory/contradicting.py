"""Hours that two groups of a store say differently.

Owns that hours do not go by the order of groups, as all else does: whose group promises that nothing happens at noon
would not see that another group has taken the promise away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from edgectl.control.inventory.check import Where
from edgectl.control.inventory.tree import Tree

_GROUP = "group "


def hours_findings(tree: Tree) -> Iterator[tuple[Where, str]]:
    """Yield hours of one group that lie over other hours of another group, where nobody has said that they may."""
    windows = tree.get("windows")
    said: dict[Where, Tree | None] = {("windows", name): one for name, one in (windows.items() if windows else ())}
    said["policy", "deploy"] = tree.get("policy", "deploy")
    for where, found in said.items():
        if found is None or not found.layer.startswith(_GROUP):
            continue  # the store itself has the word
        below = found.over
        while below is not None and below.layer.startswith(_GROUP):
            if not _is_kept(below, found) and _alike(below.plain()) != _alike(found.plain()):
                yield where, _sentence(".".join(map(str, where)), found, below)
                break
            below = below.over


def _sentence(name: str, found: Tree, below: Tree) -> str:
    return (
        f"{name}: {found.layer} contradicts {below.layer} ({below.at.file}:{below.at.line}), and hours do not go by "
        f"the order of groups: say {name} in the store itself, or `!append` in one group to keep both"
    )


def _is_kept(below: Tree, found: Tree) -> bool:
    """Tell whether what is below stands in the list above: `!append` has kept both."""
    kept = below.value if isinstance(below.value, list) else []
    return bool(kept) and isinstance(found.value, list) and found.value[: len(kept)] == kept


def _alike(value: Any) -> str:
    """Return what is the same for the same hours, in whatever order they stand."""
    if isinstance(value, dict):
        return json.dumps({key: _alike(inside) for key, inside in value.items()}, sort_keys=True)
    if isinstance(value, list):
        return json.dumps(sorted(map(_alike, value)))
    return str(value)
