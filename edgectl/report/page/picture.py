"""The chain as a picture: boxes in two lanes that meet at inference, arrows, and the link that is broken. Pure.

Owns: where a link stands. What it is like, the node has judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgectl.report.page.plain import fields, items, number, text, texts
from edgectl.wire.chain import DEGRADED, HOPS, NOT_READY, READY
from edgectl.wire.chainlook import NOT_ASKED
from edgectl.wire.verdict import UNKNOWN

_RESTS = ("gpu", "model", "inference")
_CLASSES = {READY: "ok", DEGRADED: "waiting", NOT_READY: "failed", UNKNOWN: "failed", NOT_ASKED: "blocked"}


@dataclass(frozen=True, slots=True)
class Box:
    """One link as it is drawn. `arrow` is how it is reached from the box before: "", ok, doubt or broken."""

    name: str
    word: str
    kind: str
    about: str
    ms: str = ""
    arrow: str = ""
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A store's chain."""

    word: str
    kind: str
    reason: str
    lanes: tuple[tuple[str, tuple[Box, ...]], ...]
    beside: tuple[Box, ...] = ()
    reached: str = ""


def picture(look: dict[str, Any]) -> Picture | None:
    """Draw a chain; None where nothing is known of it."""
    links = [fields(link) for link in items(look.get("links"))]
    if not links:
        return None
    first, ms = text(look.get("first"), 64), fields(look.get("ms"))
    boxes: dict[str, Box] = {}
    for link in links:
        box = _box(link, first, number(ms.get(str(link.get("name")))))
        boxes.setdefault(box.name, box)
    lanes = [
        ("What inference rests on", _lane([boxes[name] for name in _RESTS if name in boxes])),
        ("The way of a frame", _lane([boxes[name] for name in HOPS if name in boxes])),
    ]
    drawn = {*_RESTS, *HOPS}
    word = text(look.get("word"), 20)
    total = sum(number(value) for value in ms.values())
    return Picture(
        word,
        _CLASSES.get(word, "failed"),
        text(look.get("reason")),
        tuple((title, lane) for title, lane in lanes if lane),
        tuple(box for name, box in boxes.items() if name not in drawn),
        f"{total:.0f} ms from the camera to the sink" if ms else "",
    )


def _box(link: dict[str, Any], first: str, ms: float) -> Box:
    name, word = text(link.get("name"), 64), text(link.get("word"), 20)
    since = f"since {text(link.get('when'), 40)}: " if link.get("when") else ""
    less = "" if link.get("required") or word in {READY, NOT_ASKED} else " (the store sells without it)"
    doubt = f" (not sure: {text(link.get('doubt'))})" if link.get("doubt") else ""
    reason = text(link.get("reason")) or (f"rests on {', '.join(texts(link['rests'], 8))}" if link.get("rests") else "")
    about = f"{since}{reason}{less}{doubt}"
    return Box(
        name, word, _CLASSES.get(word, "failed"), about, f"{ms:.0f} ms" if ms else "", is_first=name == first != ""
    )


def _lane(boxes: list[Box]) -> tuple[Box, ...]:
    arrows = {"ok": "ok", "waiting": "doubt", "blocked": "doubt"}
    return tuple(
        Box(box.name, box.word, box.kind, box.about, box.ms, arrows.get(box.kind, "broken") if at else "", box.is_first)
        for at, box in enumerate(boxes)
    )
