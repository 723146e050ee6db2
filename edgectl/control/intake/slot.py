"""Where a value of another inventory belongs in ours: `ssh.port`, `gpu.count`, `title`.

Owns paths as people write them in a column's head or behind --map, and text made into the type that stands there.
Knows the keys from the inventory's JSON Schema alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from edgectl.control.inventory.layers import NODE_KEYS
from edgectl.control.inventory.place import nearest
from edgectl.wire.errors import UsageError

Level = Literal["store", "node"]
STORE, NODE = "store", "node"  # not places, but the names of both
LEFT_OUT = "-"
_SECTIONS = {"store": "Store", "node": "Node", "layer": "Layer"}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_ITEMS = re.compile(r"\s*[,;|]\s*|\s+")


class NoSlot(ValueError):
    """There is nothing of this name; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a store or of a node. `kinds` are JSON Schema's types that may stand there, or "any"."""

    level: Level
    path: tuple[str, ...]
    kinds: frozenset[str]

    def typed(self, text: str) -> Any:
        """Return a text as what stands here; a text that cannot be stays one, for the loader's sentence."""
        kinds = self.kinds
        open_ended = "any" in kinds
        if _WHOLE.fullmatch(text) and (open_ended or "integer" in kinds):
            return int(text)
        if "number" in kinds and (_WHOLE.fullmatch(text) or _NUMBER.fullmatch(text)):
            return float(text)
        if text.lower() in ("true", "false") and (open_ended or "boolean" in kinds):
            return text.lower() == "true"
        if "array" in kinds:
            return [item for item in _ITEMS.split(text.strip()) if item]
        return text

    def fitted(self, value: Any) -> Any:
        """Return another tool's JSON value as what stands here: a number where a text is needed becomes one."""
        if isinstance(value, str):
            return self.typed(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if self.kinds == {"string"}:
                return str(value)
            if "number" in self.kinds:
                return float(value)
        return value


Meaning = Slot | str | None  # what a column means: a place, one of the two names, nothing


def slot(text: str) -> Slot:
    """Return the place that a path means, of the node where both have it; `store.` before it means the store.

    Raises NoSlot.
    """
    first, _, rest = text.partition(".")
    if first in ("store", "node") and rest:
        return Slot("store" if first == "store" else "node", *_found(_SECTIONS[first], rest))
    of_node = set(NODE_KEYS) - {"profile"} | (_keys("Node") - _keys("Store"))
    level: Level = "node" if first in of_node else "store"
    if first in (_keys("Store") | _keys("Node")) - {"nodes"}:
        return Slot(level, *_found(_SECTIONS[level], text))
    known = sorted((_keys("Store") | _keys("Node")) - {"nodes"})
    raise NoSlot(f'a store and its nodes have no "{first}".{nearest(first, known)}')


def in_layer(path: tuple[str, ...]) -> bool:
    """Tell whether something can be said for many stores at once."""
    return path[0] in _keys("Layer")


def mapping(texts: Iterable[str], what: str) -> dict[str, Meaning]:
    """Read `NAME=path` options; None is what is left out on purpose. UsageError says which one is none."""
    found: dict[str, Meaning] = {}
    for text in texts:
        name, sign, path = text.rpartition("=")
        if not sign or not name.strip() or not path.strip():
            raise UsageError(f"--map {text} is no mapping", hint=f"write --map {what}=path, as in --map Filiale=title")
        meant = path.strip()
        try:
            found[name.strip()] = None if meant == LEFT_OUT else meant if meant in (STORE, NODE) else slot(meant)
        except NoSlot as error:
            raise UsageError(f"--map {text}: {error}", hint="docs/inventory.md names all keys") from error
    return found


@cache
def _schema() -> dict[str, Any]:
    from edgectl.control.inventory.schema import Inventory

    return Inventory.model_json_schema()


def _options(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what a schema allows, without references and null."""
    if not isinstance(schema, dict) or not schema:
        yield {}
        return
    if name := schema.get("$ref"):
        yield from _options(_schema()["$defs"][name.rpartition("/")[2]])
    elif either := schema.get("anyOf"):
        for one in either:
            yield from _options(one)
    elif schema.get("type") != "null":
        yield schema


@cache
def _keys(section: str) -> frozenset[str]:
    return frozenset(_schema()["$defs"][section]["properties"])


def _found(section: str, dotted: str) -> tuple[tuple[str, ...], frozenset[str]]:
    options = list(_options({"$ref": f"#/$defs/{section}"}))
    words, path = dotted.split("."), list[str]()
    while words:
        inside = [one for one in options if one.get("type") == "object"]
        if not inside and any(one and "type" in one for one in options):
            raise NoSlot(f'{".".join(path)} holds one value, and no "{words[0]}"')
        if not inside:  # anything may stand here
            return (*path, *words), frozenset({"any"})
        word = words.pop(0)
        options, known = _below(inside, word)
        if not options:
            raise NoSlot(f'{".".join(path) or section.lower()} has no "{word}".{nearest(word, known)}')
        if words and not known and not any(one.get("type") in ("object", None) for one in options):
            word, words = ".".join((word, *words)), []  # a name may have dots, as those of sysctls do
        if not word:
            raise NoSlot(f'a name is missing in "{dotted}"')
        path.append(word)
    kinds = frozenset(str(one.get("type", "string" if "const" in one or "enum" in one else "any")) for one in options)
    if "object" in kinds:
        if kinds == {"object"} and not any(one.get("additionalProperties") is True for one in options):
            raise NoSlot(f"{dotted} is a map: name one of its keys, {dotted}.KEY")
        kinds -= {"object"}
    if any(one.get("type") == "array" and not _of_texts(one) for one in options):
        raise NoSlot(f"{dotted} is a list of maps, which one value cannot be")
    return tuple(path), kinds or frozenset({"any"})


def _of_texts(array: Mapping[str, Any]) -> bool:
    return all(item.get("type", "string") == "string" for item in _options(array.get("items")))


def _below(inside: list[Mapping[str, Any]], word: str) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return what may stand under a key, and the keys that there are where they are fixed."""
    known = [key for one in inside for key in one.get("properties", ())]
    found: list[Mapping[str, Any]] = []
    for one in inside:
        if word in one.get("properties", {}):
            found += _options(one["properties"][word])
        elif not one.get("properties"):
            for any_key in one.get("patternProperties", {}).values():
                found += _options(any_key)
            if (extra := one.get("additionalProperties", False)) is not False:
                found += _options(extra)
    return found, known
