"""Which stores are meant: `store-0*`, `group:eu`, `profile:t4`, `not ...`, and their combinations.

Owns the language, the same in every command and in policies. Must not know files, nor what a store has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from edgectl.wire.errors import UsageError

_WORD = re.compile(r"\s*(?:([(),])|([^\s(),]+))")
_HOW = 'store-0*, group:eu, profile:t4, "not group:eu", "group:eu and not store-042", "store-1, store-2"'


@dataclass(frozen=True, slots=True)
class Labels:
    """What a selector can see of a store."""

    name: str
    groups: tuple[str, ...] = ()
    profile: str = ""


Matches = Callable[[Labels], bool]


def is_name(text: str) -> bool:
    """Tell whether a text is the plain name of one store; nothing is matched by it."""
    return not re.search(r"[*?\[:(), ]", text)


def selector(text: str) -> Matches:
    """Return the test that a text asks for; UsageError says what it cannot be.

    A comma is `or`, and binds weakest; `and` binds more than `or`, `not` most.
    """
    parser = _Parser(list(_words(text)), text)
    found = parser.either()
    if parser.left:
        raise parser.wrong(f'"{parser.left[0]}" stands where and, or or the end should')
    return found


def _words(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        match = _WORD.match(text, at)
        if match is None:
            raise UsageError(f'"{text}" selects no stores', hint=_HOW)
        yield match[1] or match[2]
        at = match.end()


class _Parser:
    """Recursive descent over the words that are left."""

    def __init__(self, words: list[str], text: str) -> None:
        self.left = words
        self._text = text

    def wrong(self, why: str) -> UsageError:
        """Return the error."""
        return UsageError(f'"{self._text}" selects no stores: {why}', hint=f"stores are selected like {_HOW}")

    def either(self) -> Matches:
        """Read terms that are joined by `or` or a comma."""
        found = [self._both()]
        while self.left and self.left[0] in ("or", ","):
            self.left.pop(0)
            found.append(self._both())
        return found[0] if len(found) == 1 else lambda labels: any(one(labels) for one in found)

    def _both(self) -> Matches:
        found = [self._one()]
        while self.left and self.left[0] == "and":
            self.left.pop(0)
            found.append(self._one())
        return found[0] if len(found) == 1 else lambda labels: all(one(labels) for one in found)

    def _one(self) -> Matches:
        if not self.left:
            raise self.wrong("a store, a group or a profile is missing at its end")
        word = self.left.pop(0)
        if word == "not":
            other = self._one()
            return lambda labels: not other(labels)
        if word == "(":
            inside = self.either()
            if not self.left or self.left.pop(0) != ")":
                raise self.wrong('a ")" is missing')
            return inside
        if word in (")", ",", "and", "or"):
            raise self.wrong(f'a store, a group or a profile is needed before "{word}"')
        return self._term(word)

    def _term(self, word: str) -> Matches:
        kind, colon, name = word.partition(":")
        if not colon:
            return lambda labels: fnmatchcase(labels.name, word)
        if not name:
            raise self.wrong(f'a name is missing behind "{word}"')
        if kind == "group":
            return lambda labels: any(fnmatchcase(group, name) for group in labels.groups)
        if kind == "profile":
            return lambda labels: fnmatchcase(labels.profile, name)
        if kind == "store":
            return lambda labels: fnmatchcase(labels.name, name)
        raise self.wrong(f'there are group: and profile:, not "{kind}:"')
