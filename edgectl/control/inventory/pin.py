"""One value written into an inventory file, and nothing else changed: a node's `host_key`.

Owns where it goes, and the proof: the text is read again, and exactly this value differs. Comments, order, quotes and
line ends stay byte for byte. Must not know what a key is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from edgectl.control.inventory.build import STORES, Build
from edgectl.control.kubeyaml import Loader
from edgectl.control.staging import staged
from edgectl.wire.errors import InvalidInput

Node = tuple[str, str]  # names of its store and itself
_KEY, _BESIDE = "host_key", "address"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _Value:
    """One value of the text. `pairs` are those of a map; `end` is behind a scalar, 0 where nothing can follow."""

    event: Any  # of yaml.events; all that the parser gives have marks
    end: int
    pairs: Mapping[str, tuple[int, int, _Value]]  # key -> where the key begins (index, column), its value

    def get(self, *path: str) -> _Value | None:
        """Return what stands at a path, None where nothing does."""
        here: _Value | None = self
        for key in path:
            here = here.pairs[key][2] if here is not None and key in here.pairs else None
        return here


def pin(path: Path, before: bytes, keys: Mapping[Node, str]) -> None:
    """Write host keys into the inventory file, which must still hold `before`.

    Raises InvalidInput, and leaves the file alone, when somebody has changed it meanwhile or a line has no safe place.
    """
    _same(path, before)
    replace(path, before, pinned(before, keys, str(path.resolve())))


def replace(path: Path, before: bytes, after: bytes) -> None:
    """Write the inventory file anew; InvalidInput, and the file stays as it is, when it does not hold `before`."""
    path = path.resolve()  # a link stays one
    _same(path, before)
    with staged(path, mode=path.stat().st_mode & 0o7777) as stream:
        stream.write(after)


def _same(path: Path, before: bytes) -> None:
    if path.read_bytes() != before:
        raise InvalidInput(
            f"{path.resolve()} was changed meanwhile; nothing was written",
            hint="run the same command again (scan-keys: --fingerprint STORE/NODE=SHA256:... says what you compared)",
            docs="inventory",
        )


def pinned(data: bytes, keys: Mapping[Node, str], file: str) -> bytes:
    """Return the file's bytes with these host keys in it; InvalidInput says what to write by hand."""
    text = data.decode("utf-8-sig")
    root = _read(text)
    edits: list[tuple[int, int, str]] = []
    for (store, node), key in keys.items():
        found = _edit(text, root.get(STORES, store, "nodes", node), key)
        if found is None:
            raise _by_hand(file, {(store, node): key}, "the node stands there so that no line can be added safely")
        edits.append(found)
    for start, end, piece in sorted(edits, reverse=True):
        text = text[:start] + piece + text[end:]
    after = (_BOM if data.startswith(_BOM) else b"") + text.encode()
    wanted = _plain(data, file)
    for (store, node), key in keys.items():
        wanted[STORES][store]["nodes"][node][_KEY] = key
    if _plain(after, file) != wanted:
        raise _by_hand(file, keys, "more than this one line would change (is the node an alias or an anchor?)")
    return after


def _edit(text: str, node: _Value | None, key: str) -> tuple[int, int, str] | None:
    """Return what to put in the place of text[start:end], None where nothing is safe."""
    if node is None or not isinstance(node.event, MappingStartEvent):
        return None
    if said := node.get(_KEY):
        return _replaced(said, key)
    item = f"{_KEY}: {key}"
    beside = node.get(_BESIDE)
    inline = beside is not None and isinstance(beside.event, ScalarEvent | AliasEvent) and beside.end > 0
    if node.event.flow_style:
        if beside is not None and inline:
            return beside.end, beside.end, f", {item}"
        first = next(iter(node.pairs.values()), None)
        return None if first is None else (first[0], first[0], f"{item}, ")
    index, column, _ = node.pairs[_BESIDE] if inline else next(iter(node.pairs.values()))
    indent = text[index - column : index]
    if indent.strip(" "):
        return None
    if beside is None or not inline:
        return index, index, f"{item}{_line_end(text, index)}{indent}"
    end = next((at for at in range(beside.end, len(text)) if text[at] in "\r\n"), len(text))
    return end, end, f"{_line_end(text, end)}{indent}{item}"


def _replaced(said: _Value, key: str) -> tuple[int, int, str] | None:
    event = said.event
    if not isinstance(event, ScalarEvent) or event.anchor or event.tag or event.style in ("|", ">"):
        return None
    start, end = _span(event)
    return start, end, f" {key}" if start == end else key  # `host_key:` with nothing behind it


def _line_end(text: str, near: int) -> str:
    """Return how lines end there."""
    end = text.find("\n", near)
    end = text.rfind("\n", 0, near) if end < 0 else end
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"


def _read(text: str) -> _Value:
    """Return the text's values with their places."""
    loader = Loader(text)
    events: Iterator[Any] = iter(loader.get_event, None)
    next(events)
    next(events)
    return _value(next(events), events)


def _value(event: Any, events: Iterator[Any]) -> _Value:
    pairs: dict[str, tuple[int, int, _Value]] = {}
    if isinstance(event, MappingStartEvent):
        while not isinstance(key := next(events), MappingEndEvent):
            _value(key, events)
            value = _value(next(events), events)
            if isinstance(key, ScalarEvent):
                begin: Any = key.start_mark
                pairs[str(key.value)] = (begin.index, begin.column, value)
        return _Value(event, 0, pairs)
    if isinstance(event, SequenceStartEvent):
        while not isinstance(item := next(events), SequenceEndEvent):
            _value(item, events)
        return _Value(event, 0, pairs)
    literal = isinstance(event, ScalarEvent) and event.style in ("|", ">")  # ends in another line
    start, end = _span(event)
    return _Value(event, 0 if literal or start == end else end, pairs)


def _span(event: Any) -> tuple[int, int]:
    return event.start_mark.index, event.end_mark.index


def _plain(data: bytes, file: str) -> Any:
    """Return what a text says. Through JSON: what an alias stands for is then a value of its own, twice."""
    build = Build(data.decode("utf-8-sig"), file).run()
    return json.loads(json.dumps(build.root.plain()))


def _by_hand(file: str, keys: Mapping[Node, str], why: str) -> InvalidInput:
    return InvalidInput(
        f"{file}: host keys were not written, {why}",
        hint="add these lines by hand, each to its node; the keys are those that you have confirmed",
        details=tuple(f"{store}: {node}: {_KEY}: {key}" for (store, node), key in keys.items()),
        docs="inventory",
    )
