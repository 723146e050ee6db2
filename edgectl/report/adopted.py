"""The text of `edgectl adopt`: lines for the inventory, and as comments what no line declares. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgectl.control.blockyaml import dump
from edgectl.control.payload.adopt import Left


def proposed(store: str, patch: Mapping[str, Any], left: Sequence[Left]) -> str:
    """Say what would declare the hand edits."""
    if not patch and not left:
        return f"# {store}: nothing was changed by hand"
    lines = []
    if patch:
        text = dump({"stores": {store: dict(patch)}}, sort_keys=False)
        lines += ["# what would declare it; merge it into the inventory, then: edgectl deploy " + store, text.rstrip()]
    if left:
        lines.append("# not to be declared in the inventory; the next run puts it back:")
        lines += [f"#   {item.field}: {item.have} -> {item.want} ({item.why})" for item in left]
    return "\n".join(lines)
