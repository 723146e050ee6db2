"""Why a GPU is ready, or why not: one sentence, from the ground up. Pure.

Owns: the order driver, uvm, toolkit, listed, xid, health, smoke, plugin, allocatable; the lowest that is wrong is the
reason, since nothing above it can be right. "Could not look" is never fine, and is said only where nothing is known to
be wrong.
"""

from __future__ import annotations

from dataclasses import replace

from edgectl.wire.gpu import NEVER, NOT_YET, Card, GpuLook, Layer
from edgectl.wire.gputext import ago, called
from edgectl.wire.verdict import DEGRADED, NOT_READY, READY, UNKNOWN

_WRONG = frozenset({NOT_YET, NEVER})
Why = tuple[str, str, str]  # word, layer, sentence


def judged(look: GpuLook) -> GpuLook:
    """Return the look with every card's sentence, and the node's own."""
    cards = []
    for card in look.cards:
        word, layer, why = why_card(look, card)
        cards.append(replace(card, word=word, layer=layer, why=why))
    seen = replace(look, cards=tuple(cards))
    word, layer, why = why_node(seen)
    return replace(seen, word=word, layer=layer, why=why)


def why_card(look: GpuLook, card: Card) -> Why:
    """Say of one GPU whether it may be worked with, and by what it is kept from it."""
    if found := _wrong_below(look) or _wrong(look, card):
        layer, sentence = found
        return NOT_READY, layer, sentence
    if found := _unknown(look, card):
        layer, sentence = found
        return UNKNOWN, layer, sentence
    held = f"held by {', '.join(pod.named for pod in card.holders)}" if card.holders else "held by no pod"
    if card.holders is None:
        held = "who holds it is not known"
    return READY, "", f"{_proven(card)}; {held}"


def why_node(look: GpuLook) -> Why:
    """Say of a node whether its inference has the GPUs that it needs."""
    ready, unknown = len(look.ready), sum(card.word == UNKNOWN for card in look.cards)
    share = f"{min(ready, look.count)} of {look.count} GPUs ready"
    if ready < look.required:
        word = UNKNOWN if ready + unknown >= look.required else NOT_READY
        first = next((card for card in look.cards if card.word == word), None)
        layer, why = (first.layer, first.why) if first else ("listed", "no GPU is known here")
        return word, layer, f"{share}, {look.required} required: {_named(look, first)}{why}"
    if look.api.status != UNKNOWN and (few := _few(look, least=True)):
        return NOT_READY, "allocatable", f"{share}, but {few}"
    if not look.marker:
        return NOT_READY, "marker", f"{share}, but the marker is not set in this boot: inference is held back"
    if ready < look.count:
        first = next((card for card in look.cards if card.word != READY), None)
        layer, why = (first.layer, first.why) if first else ("listed", "the others are not known here")
        return DEGRADED, layer, f"{share}, {look.required} required: {_named(look, first)}{why}"
    if few := _few(look, least=False):
        return DEGRADED, "allocatable", f"{share}, but {few}"
    return READY, "", f"{share} in this boot"


def _wrong_below(look: GpuLook) -> tuple[str, str] | None:
    """Return what of the node's own keeps every GPU back."""
    for name, layer in (("driver", look.driver), ("uvm", look.uvm), ("toolkit", look.toolkit)):
        if layer.status in _WRONG:
            return name, layer.says
    return None


def _wrong(look: GpuLook, card: Card) -> tuple[str, str] | None:
    """Return what is known to be wrong with one card."""
    if card.listed is False:
        kernel = f"; the kernel says: {card.fatal}" if card.fatal else ""
        return "listed", f"the driver does not list it{kernel}"
    if card.listed is None and look.devices.status in _WRONG:
        return "listed", look.devices.says
    if card.fatal:
        return "xid", f"the kernel says: {card.fatal}"
    if card.fault:
        return "health", card.fault
    if card.smoke is None and card.healthy is False:
        return "plugin", f"{_so_far(card)}: the device plugin calls it unhealthy"
    if card.smoke is None:
        return "smoke", "not proven in this boot: no smoke has run on it yet"
    if not card.smoke.ok:
        return "smoke", f"its smoke failed: {card.smoke.reason or 'no reason was given'}"
    if card.healthy is False:
        return "plugin", f"{_so_far(card)}, but the device plugin calls it unhealthy"
    if look.this_boot is False:
        return "allocatable", f"{_so_far(card)}, but the API has no status of this node from this boot"
    if empty := [offer.resource for offer in look.offers if offer.allocatable == 0]:
        return "allocatable", f"{_so_far(card)}, but the kubelet offers no {empty[0]}"
    return None


def _unknown(look: GpuLook, card: Card) -> tuple[str, str] | None:
    """Return what could not be looked at."""
    layers: tuple[tuple[str, Layer], ...] = (
        ("driver", look.driver),
        ("uvm", look.uvm),
        ("toolkit", look.toolkit),
        ("listed", look.devices),
        ("xid", look.kernel),
        ("health", look.health),
        ("allocatable", look.api),
    )
    for name, layer in layers:
        if layer.status == UNKNOWN:
            return name, f"{_so_far(card)}, but {layer.says}"
    return None


def _few(look: GpuLook, *, least: bool) -> str:
    """Return which resource the kubelet offers too little of, in words."""
    for offer in look.offers:
        needed = offer.least if least else offer.offered
        if offer.allocatable is not None and offer.allocatable < needed:
            want = f"{needed} required" if least else f"of {needed}"
            joined = ", " if least else " "
            return f"the kubelet offers {offer.allocatable} {offer.resource}{joined}{want}"
    return ""


def _named(look: GpuLook, card: Card | None) -> str:
    """Return whose reason it is, where that is not everybody's."""
    alone = card is not None and len({other.why for other in look.cards}) > 1
    return f"{called(card)}: " if card is not None and alone else ""


def _so_far(card: Card) -> str:
    """Return how far it is; without an age, so that the same state is the same sentence."""
    return "proven in this boot" if card.smoke is not None and card.smoke.ok else "not proven in this boot"


def _proven(card: Card) -> str:
    smoke = card.smoke
    if smoke is None:
        return "not proven"
    speed = f", {smoke.gb_per_s:.0f} GB/s" if smoke.gb_per_s else ""
    return f"proven {ago(smoke.ago_seconds)} in {smoke.seconds:.1f} s{speed}"
