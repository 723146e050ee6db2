"""A draft as the text of an inventory file.

Owns order, indentation and the comments on what was not taken over. Never writes a value into a comment: one of them
may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from edgectl.control.blockyaml import dump
from edgectl.control.intake.draft import Draft, Path

_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_FIRST = ("title", "profile", "groups", "role", "address", "host_key")


def text_of(draft: Draft, *, bundle: str) -> str:
    """Return the file: the layers in the order in which they lie over each other."""
    return "\n".join(_lines(draft, bundle)) + "\n"


def plain_of(draft: Draft, *, bundle: str) -> dict[str, Any]:
    """Return what a reader of the file must find in it."""
    return {"version": 1, "bundle": bundle, **draft.sections()}


def _lines(draft: Draft, bundle: str) -> Iterator[str]:
    yield _comment(f"Made from {draft.source}. What every key means: docs/inventory.md of edgectl.")
    for note in draft.notes:
        yield _comment(note)
    yield "version: 1"
    yield from _entry("bundle", bundle, 0)
    for name, section in draft.sections().items():
        yield ""
        if name == "defaults":
            yield "defaults:"
            yield from _left(draft, ("defaults",), 1)
            yield from _map(section, 1)
        elif not section:
            yield f"{name}: {{}}"
        else:
            yield f"{name}:"
            for key, layer in section.items():
                yield from _named(draft, (name, key), layer, 1)


def _named(draft: Draft, path: Path, layer: dict[str, Any], depth: int) -> Iterator[str]:
    """Write one group or store, or a node of it."""
    own = {key: value for key, value in layer.items() if key != "nodes" or not value}
    if not layer:
        yield from _left(draft, path, depth)
        yield from _entry(path[-1], {}, depth)
        return
    yield "  " * depth + f"{_key(path[-1])}:"
    yield from _left(draft, path, depth + 1)
    yield from _map(own, depth + 1)
    if len(own) < len(layer):
        yield "  " * (depth + 1) + "nodes:"
        for name, node in layer["nodes"].items():
            yield from _named(draft, (*path, "nodes", name), node, depth + 2)


def _map(layer: dict[str, Any], depth: int) -> Iterator[str]:
    first = [key for key in _FIRST if key in layer]
    for key in (*first, *(key for key in layer if key not in _FIRST)):
        yield from _entry(key, layer[key], depth)


def _entry(key: str, value: Any, depth: int) -> Iterator[str]:
    for line in dump({key: value}).rstrip("\n").split("\n"):
        yield "  " * depth + line if line else ""


def _left(draft: Draft, path: Path, depth: int) -> Iterator[str]:
    names = [left.name for left in draft.left if left.layer == path]
    if names:
        yield "  " * depth + _comment(f"not taken over: {', '.join(names)}")


def _key(name: str) -> str:
    """Return a name on one line, in quotes where YAML could take it for something else."""
    if re.fullmatch("[a-z][a-z0-9-]*", name) and name not in _WORDS:
        return name
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _comment(text: str) -> str:
    return "# " + "".join(char if char.isprintable() else "?" for char in text)
