"""From what a terminal was sent to the rows that stand in it at the end, each with the time since when. Pure.

Knows only what edgectl sends: colours, and lines that are taken back. Anything else is a fault, never a wrong picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.text import Text

_PIECE = re.compile(r"\x1b\[(?P<args>[?0-9;]*)(?P<what>[A-Za-z])|(?P<back>\r)|(?P<down>\n)|(?P<text>[^\x1b\r\n]+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One row, with its colours, and when it came to be what it is."""

    text: Text
    at: float


def rows(events: Iterable[tuple[float, str]], width: int) -> list[Row]:
    """Return what stands there at the end, from the first line on; long lines are broken where the terminal ends."""
    found = [Row(piece, at) for text, at in _lines(events) for piece in _broken(Text.from_ansi(text), width)]
    while found and not found[-1].text.plain.strip():
        found.pop()
    return found


def _lines(events: Iterable[tuple[float, str]]) -> list[tuple[str, float]]:
    lines: list[tuple[str, float]] = [("", 0.0)]
    here, returned = 0, False
    for at, piece in _pieces(events):
        match piece.lastgroup, piece["what"], piece["args"]:
            case "back", _, _:
                returned = True
            case "down", _, _:
                here, returned = here + 1, False
                if here == len(lines):
                    lines.append(("", at))
            case ("text", _, _) | (_, "m", _):  # a colour is kept in the text, where it holds from here on
                lines[here] = (("" if returned else lines[here][0]) + piece.group(), at)
                returned = False
            case _, "K", _:
                lines[here], returned = ("", at), False
            case _, "A", count:
                here = max(here - int(count or 1), 0)
            case _, ("h" | "l"), "?25":  # the cursor, seen or not
                pass
            case _:
                raise SystemExit(f"a terminal was sent {piece.group()!r}, which this program cannot draw")
    return lines


def _pieces(events: Iterable[tuple[float, str]]) -> Iterator[tuple[float, re.Match[str]]]:
    for at, text in events:
        place = 0
        while place < len(text):
            piece = _PIECE.match(text, place)
            if piece is None:
                raise SystemExit(f"a terminal was sent {text[place : place + 20]!r}, which this program cannot draw")
            yield at, piece
            place = piece.end()


def _broken(text: Text, width: int) -> Iterable[Text]:
    return text.divide(range(width, len(text), width)) if len(text) > width else (text,)
