"""The lines that draw a chain: the same at an operator's terminal and at the rack. Pure.

Owns: their layout (80 columns, no Unicode). Must not judge: words and sentences come from the node.
Whoever has colours puts them around words (`paint`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from edgectl.wire.chain import HOPS, NOT_READY, READY
from edgectl.wire.chainlook import MISSING, NOT_ASKED, SILENT, ChainLook, Link

COLUMNS = 80
_WORD, _NAME, _MS = 10, 20, 10
_ONE_CAMERA = "camera:"
Paint = Callable[[str, str], str]  # (word of a link, text as wide as it is) -> the text with its colour
# The link that is broken -> what to do; {store} is empty at the rack.
_NEXT = {
    "gpu": "see which card, and why: {edgectl} gpu{store}",
    "model": "see which versions are there: {edgectl} models{store}; a deploy mends what differs",
    "sink": "see to what the sentence names; events wait in the uplink, and none is lost while there is room",
}
CAMERA = "camera"
_SERVICES = ("inference", CAMERA, "bus", "uplink", "drift")


def plain(word: str, text: str) -> str:
    """Leave a text as it is."""
    del word
    return text


def headline(name: str, look: ChainLook, *, paint: Paint = plain) -> str:
    """Say what the chain has come to."""
    said = _wrapped(f"{name} is {look.word.upper()}: {look.reason}", "", "  ")
    return said.replace(look.word.upper(), paint(look.word, look.word.upper()), 1)


def lines(look: ChainLook, *, paint: Paint = plain) -> list[str]:
    """Draw it: the way of a frame, then each link with its time, and below each broken one what and since when."""
    drawn = [way(look, paint=paint)] if any(link.name in HOPS for link in look.links) else []
    return [*drawn, *(line for link in look.links for line in _link(look, link, paint))]


def way(look: ChainLook, *, paint: Paint = plain) -> str:
    """Draw the way of a frame in one line: `camera --> inference --> bus --> uplink -x> sink`."""
    drawn, by_name = "", {link.name: link for link in look.links}
    for link in (by_name[hop] for hop in HOPS if hop in by_name):
        arrow = "" if not drawn else " -x> " if link.word == NOT_READY else " --> " if link.word == READY else " ..> "
        drawn += arrow + paint(link.word, link.name)
    return f"  {drawn}"


def next_of(look: ChainLook, *, store: str = "") -> str:
    """Return what to do next; "" when nothing is wrong. Without a store it is for a person at the rack."""
    first = next((link for link in look.links if link.name == look.first), None)
    if first is None:
        return ""
    name = CAMERA if first.name.startswith(_ONE_CAMERA) else first.name
    pods = f"edgectl kubectl {store} -- get pods -A" if store else "kubectl get pods -A"
    if name in _NEXT:
        return _NEXT[name].format(edgectl="edgectl" if store else "edgectl-node", store=f" {store}" if store else "")
    if name not in _SERVICES:
        return f"see to {name}, which the inventory declares under chain.dependencies"
    if first.how in {MISSING, SILENT}:
        return f"look at its pods: {pods}"
    return f"see to what the sentence names; its pods: {pods}"


def _link(look: ChainLook, link: Link, paint: Paint) -> Iterator[str]:
    ms = f"{look.ms[link.name]:.0f} ms" if link.name in look.ms else ""
    name = f"  {link.name}" if link.name.startswith(_ONE_CAMERA) else link.name
    since = f"since {link.when}: " if link.when else ""
    doubt = f" (not sure: {link.doubt})" if link.doubt else ""
    less = "" if link.required or link.word in {READY, NOT_ASKED} else " (the store sells without it)"
    head = f"  {link.word:<{_WORD}}{name:<{_NAME}}{ms:>{_MS}}  "
    said = _wrapped(f"{since}{link.reason}{less}{doubt}", head, " " * len(head))
    padded = f"{link.word:<{_WORD}}"
    yield said.replace(padded, paint(link.word, padded), 1) if said.startswith(f"  {padded}") else said


def _wrapped(text: str, first: str, then: str) -> str:
    filled = textwrap.fill(
        text, COLUMNS, initial_indent=first, subsequent_indent=then, break_on_hyphens=False, break_long_words=True
    )
    return filled or first.rstrip()
