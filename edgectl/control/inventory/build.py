"""From YAML's events to trees: one pass, no document in between.

Owns duplicate keys, aliases, tags and nesting. Must not know files, nor which keys mean something but `stores`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from edgectl.control.inventory.place import Finding, Place, nearest
from edgectl.control.inventory.plaintext import INSTEAD, asks_for_secret
from edgectl.control.inventory.scalar import Scalars
from edgectl.control.inventory.text import refused, refused_key, refused_number
from edgectl.control.inventory.tree import Laid, Tree
from edgectl.control.kubeyaml import Loader

STORES = "stores"
LAYERS = {"groups": "group", "profiles": "profile", STORES: "store"}  # sections of named layers, and what one is
_DEEPEST = 60  # maps and lists in each other
_ALIASED = 100_000  # values that aliases may stand for
_TAGS: dict[str, Laid] = {"!append": "append", "!replace": "replace"}
_TEXT = "tag:yaml.org,2002:str"


class TooMuch(Exception):
    """The file nests or repeats more than anybody writes; `finding` says where."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding


@dataclass(slots=True)
class Entry:
    """One store of the file: its tree, its first line (from 0), what is wrong in it."""

    tree: Tree
    line: int
    findings: list[Finding]


@dataclass(slots=True)
class Build:
    """One reading of a text. `moves` are (line, lines to add from there on), for texts with lines left out."""

    text: str
    file: str
    moves: Sequence[tuple[int, int]] = ()
    top: dict[str, Tree] = field(default_factory=dict)
    stores: dict[str, Entry] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    in_lines: bool = False  # whether each store has lines of its own
    anchored: bool = False  # whether anything may stand for something elsewhere
    end: int = 0  # the line behind the last store's, from 0
    _events: Any = None
    root: Tree = field(init=False)
    _next: Callable[[], Any] = field(init=False)
    _scalars: Scalars = field(default_factory=Scalars)
    _keys: set[tuple[str, bool]] = field(default_factory=set)
    _anchors: dict[str, tuple[Tree, int] | None] = field(default_factory=dict)
    _aliased: int = 0
    _count: int = 0
    _ended: int = 0
    _layer: str = ""
    _key_read: str = ""

    def run(self) -> Build:
        """Read the text; raises yaml.YAMLError and TooMuch."""
        self._next = Loader(self.text).get_event
        self._next()  # the stream begins
        event = self._next()
        here = Place(self.file, 1, 1)
        if isinstance(event, StreamEndEvent):
            self.root = Tree(None, here, here)
            return self
        event = self._next()
        root = self.root = self._top(event) if isinstance(event, MappingStartEvent) else self._node(event, None, 0)
        if not isinstance(self._next(), DocumentEndEvent):
            raise AssertionError("a document ends after its root")
        event = self._next()
        if not isinstance(event, StreamEndEvent):
            sentence = "a second document begins here, and an inventory is one: take the --- away"
            self.findings.append(Finding(self._place(event.start_mark), sentence))
        if not isinstance(root.value, dict) and root.value is not None:
            self.findings.append(Finding(root.at, "an inventory must be a map of names to settings"))
        return self

    def _top(self, event: Any) -> Tree:
        """Read the map of the whole file."""
        at = self._place(event.start_mark)
        if event.tag not in (None, "!"):
            self.findings.append(Finding(at, "an inventory has no tag: take it away"))
        while (name := self._key(self.top)) is not None:
            key_at, key = name
            value = self._next()
            if key in LAYERS and isinstance(value, MappingStartEvent):
                self.top[key] = self._named(value, key_at, key)
            else:
                self._layer = key
                self.top[key] = self._node(value, key_at, 1)
        return Tree(self.top, at, at)

    def _named(self, event: Any, key_at: Place, section: str) -> Tree:
        """Read the stores, or another section of layers that have names."""
        at = self._place(event.start_mark)
        known: dict[str, Tree] = {}
        tree = Tree(known, at, key_at)
        if event.tag not in (None, "!"):
            self.findings.append(Finding(at, f"{section} has no tag: take it away"))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
            self.anchored = True
        begun = self._count
        if section == STORES:
            self.in_lines = not event.flow_style and event.start_mark.column > 0
        while (found := self._key(known)) is not None:
            name_at, name = found
            self._layer = f"{LAYERS[section]} {name}"
            wrong = len(self.findings)
            known[name] = self._node(self._next(), name_at, 2)
            if section == STORES:
                self.stores[name] = Entry(known[name], name_at.line - 1, self.findings[wrong:])
                del self.findings[wrong:]
        if section == STORES:
            self.end = self._ended
        if event.anchor is not None:
            self._anchors[event.anchor] = (tree, self._count - begun + 1)
        return tree

    def _key(self, known: dict[str, Tree]) -> tuple[Place, str] | None:
        """Read the next key of a map, None at its end. A key that cannot stand is read over, with a finding."""
        while True:
            event = self._next()
            kind = event.__class__
            if kind is MappingEndEvent:
                mark = event.start_mark
                self._ended = mark.line + (mark.column > 0)
                return None
            at = self._place(event.start_mark)
            if kind is ScalarEvent and event.anchor is not None:
                value = self._scalars.read(event.value)[0] if event.implicit[0] else event.value
                self._anchors[event.anchor] = (Tree(value, at, at), 1)
                self.anchored = True
            if kind is not ScalarEvent:
                self._node(event, at, 0)
                sentence = "a key must be a text"
            elif event.tag not in (None, "!", _TEXT):
                sentence = "a key has no tag: take it away"
            elif event.implicit[0] and event.value == "<<":
                sentence = "merge keys (<<) are not read: say it once in a group"
            elif not event.value:
                sentence = "a key must be a text"
            elif wrong := self._bad_key(event.value, plain=event.implicit[0]):
                sentence = wrong
            elif event.value in known:
                first = known[event.value].key_at.line
                sentence = f'duplicate key "{event.value}": it is already in line {first}, and only one can hold'
            else:
                self._key_read = event.value
                return at, event.value
            self.findings.append(Finding(at, sentence))
            self._node(self._next(), at, 0)

    def _bad_key(self, key: str, *, plain: bool) -> str:
        """Return what is wrong with a key in itself; each is looked at once."""
        if (key, plain) in self._keys:
            return ""
        wrong = self._scalars.key(key) if plain else ""
        if not wrong and (why := refused_key(key)):
            wrong = f"in this key, {why}"
        if not wrong:
            self._keys.add((key, plain))
        return wrong

    def _node(self, event: Any, key_at: Place | None, depth: int) -> Tree:
        at = self._place(event.start_mark)
        key_at = key_at or at
        kind = event.__class__
        self._count += 1
        if kind is AliasEvent:
            return self._alias(event.anchor, at, key_at)
        begun = self._count
        if event.anchor is not None:
            self._anchors[event.anchor] = None
            self.anchored = True
        if depth > _DEEPEST:
            raise TooMuch(Finding(at, f"maps and lists stand more than {_DEEPEST} deep in each other here"))
        if kind is ScalarEvent:
            tree = Tree(self._scalar(event, at), at, key_at, self._layer)
        elif kind is MappingStartEvent:
            found: dict[str, Tree] = {}
            while (name := self._key(found)) is not None:
                found[name[1]] = self._node(self._next(), name[0], depth + 1)
            tree = Tree(found, at, key_at, self._layer, self._laid(event, at))
        else:
            items: list[Tree] = []
            while (item := self._next()).__class__ is not SequenceEndEvent:
                items.append(self._node(item, None, depth + 1))
            tree = Tree(items, at, key_at, self._layer, self._laid(event, at))
        if event.anchor is not None:
            self._anchors[event.anchor] = (tree, self._count - begun + 1)
        return tree

    def _scalar(self, event: Any, at: Place) -> Any:
        value = self._value(event, at)
        wrong = ""
        if isinstance(value, str):
            wrong = refused(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            wrong = refused_number(value)
        if wrong:
            self.findings.append(Finding(at, wrong))
        return value

    def _value(self, event: Any, at: Place) -> Any:
        if event.tag in (None, "!"):
            if not event.implicit[0]:
                return event.value
            value, wrong = self._scalars.read(event.value)
            if wrong and asks_for_secret(self._key_read):
                self.findings.append(
                    Finding(
                        at,
                        f"YAML readers read this value differently, and it looks like a secret: {INSTEAD}",
                        secret=True,
                    )
                )
            elif wrong:
                self.findings.append(Finding(at, wrong))
            return value
        if event.tag != _TEXT:
            self._unknown(event.tag, at)
        return event.value

    def _laid(self, event: Any, at: Place) -> Laid:
        tag = event.tag
        if tag is None or tag == "!":
            return ""
        wanted = "replace" if isinstance(event, MappingStartEvent) else "append"
        if _TAGS.get(tag) != wanted:
            self._unknown(tag, at)
            return ""
        return _TAGS[tag]

    def _unknown(self, tag: str, at: Place) -> None:
        known = "!append puts a list behind the one below, !replace a map in its place"
        self.findings.append(Finding(at, f"unknown tag {tag.replace('tag:yaml.org,2002:', '!!')}: {known}"))

    def _alias(self, anchor: str, at: Place, key_at: Place) -> Tree:
        found = self._anchors.get(anchor)
        if found is None:
            sentence = f"there is no &{anchor} above this alias.{nearest(anchor, self._anchors)}".removesuffix(".")
            self.findings.append(Finding(at, "this alias contains itself" if anchor in self._anchors else sentence))
            return Tree(None, at, key_at)
        tree, count = found
        self._count += count
        self._aliased += count
        if self._aliased > _ALIASED:
            sentence = f"aliases stand for more than {_ALIASED} values up to here: say it once in a group"
            raise TooMuch(Finding(at, sentence))
        return Tree(tree.value, at, key_at, self._layer, tree.laid)

    def _place(self, mark: Any) -> Place:
        line = mark.line
        if self.moves:
            line += next(add for start, add in reversed(self.moves) if line >= start)
        return Place(self.file, line + 1, mark.column + 1)
