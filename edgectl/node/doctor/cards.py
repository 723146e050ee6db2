"""What the look at the GPUs says, as symptoms: layer by layer and card by card. Pure.

Owns: the code of each layer. The look itself, and what a card's reason is, are node/gpu's (why.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgectl.node.doctor.symptom import FINE, NOTE, UNSEEN, WRONG, Symptom
from edgectl.wire.gpu import NEVER, NOT_YET, Card, GpuLook
from edgectl.wire.gputext import called
from edgectl.wire.verdict import READY, UNKNOWN

_OWN = {"listed": "E-GPU-17", "xid": "E-GPU-05", "health": "E-GPU-06", "smoke": "E-GPU-07"}
_DRIVER = ((r"nouveau", "E-GPU-13"), (r"Secure Boot|key was rejected|not enrolled|signed", "E-GPU-14"))


def symptoms(look: GpuLook) -> Iterator[Symptom]:
    """Yield what is to be said of each layer and card."""
    stops = not look.serves
    yield from _layers(look, stops=stops)
    for card in look.cards:
        yield _card(look, card, stops=stops)
    yield _plugin(look, stops=stops)
    yield _offer(look, stops=stops)
    yield _proof(look, stops=stops)


def _layers(look: GpuLook, *, stops: bool) -> Iterator[Symptom]:
    layers = (("driver", look.driver, "E-GPU-01"), ("uvm", look.uvm, "E-GPU-02"), ("toolkit", look.toolkit, "E-GPU-03"))
    for name, layer, code in layers:
        part = f"gpu-{name}"
        if layer.status in {NOT_YET, NEVER}:
            named = next((of for pattern, of in _DRIVER if name == "driver" and re.search(pattern, layer.says)), code)
            yield Symptom(part, WRONG, named, layer.says, (f"{name}.sh: {layer.says}",), stops=stops, reaches=True)
        elif layer.status == UNKNOWN:
            yield Symptom(part, UNSEEN, code, layer.says)
        elif layer.status == READY:
            yield Symptom(part, FINE, says=layer.says)


def _card(look: GpuLook, card: Card, *, stops: bool) -> Symptom:
    name = str(card.index) if card.index >= 0 else card.uuid[4:12] or "?"
    part, kernel = f"gpu-card {name}", card.xids[-1:]
    if card.word == READY:
        return Symptom(part, FINE, says=card.why)
    if card.spare and card.layer == "listed":  # nothing declared is missing: who counts on it should know
        return Symptom(part, NOTE, _OWN["listed"], f"{called(card)} has computed in this boot, and is gone: {card.why}")
    if card.layer in {"listed", "xid", "health"} and card.word != UNKNOWN:
        evidence = (f"{called(card)} {card.uuid}: {card.why}", *kernel)
        own = card.layer != "listed" or card.listed is False
        return Symptom(part, WRONG, _OWN[card.layer], f"{called(card)}: {card.why}", evidence, stops=stops, own=own)
    if card.smoke is not None and not card.smoke.ok:
        evidence = (f"{called(card)} {card.uuid}: {card.why}", *kernel)
        return Symptom(part, WRONG, "E-GPU-07", f"{called(card)}: {card.why}", evidence, stops=stops)
    if card.healthy is False:
        evidence = (f"{card.uuid}: not in the kubelet's list of healthy devices", *kernel)
        return Symptom(part, WRONG, "E-GPU-09", called(card), evidence, stops=stops)
    if card.word == UNKNOWN and card.layer == "allocatable":  # the card is well; what the kubelet offers has its part
        return Symptom(part, FINE, says=card.why)
    if card.word == UNKNOWN:
        return Symptom(part, UNSEEN, "E-GPU-08", card.why, stops=False)
    return Symptom("gpu", WRONG, "E-GPU-08", f"{called(card)}: {card.why}", stops=stops, yet=look.marker is False)


def _plugin(look: GpuLook, *, stops: bool) -> Symptom:
    plugin = look.plugin
    if look.api.status == UNKNOWN:
        return Symptom("gpu-plugin", UNSEEN, says=look.api.says)
    if plugin.answers is False or (plugin.pod and not plugin.runs):
        said = f"its pod {plugin.pod or '(none)'} {'runs' if plugin.runs else 'does not run'}"
        silent = ", and nobody answers on its socket" if plugin.answers is False else ""
        evidence = (f"pod {plugin.pod}: ready {plugin.runs}, {plugin.restarts} restarts", f"socket: {plugin.answers}")
        return Symptom("gpu-plugin", WRONG, "E-GPU-15", said + silent, evidence, stops=stops)
    if plugin.others:
        both = ", ".join((plugin.pod, *plugin.others))
        return Symptom("gpu-plugin", WRONG, "E-GPU-16", f"several of them quarrel: {both}", stops=stops, own=True)
    if not plugin.pod and plugin.answers is None:
        return Symptom("gpu-plugin", WRONG, "E-GPU-15", "there is neither its pod nor its socket", stops=stops)
    return Symptom("gpu-plugin", FINE)


def _offer(look: GpuLook, *, stops: bool) -> Symptom:
    if look.this_boot is False:
        said = "the API has no status of this node from this boot"
        return Symptom("gpu-offer", UNSEEN, "E-GPU-10", said)
    if any(offer.allocatable is None for offer in look.offers):
        return Symptom("gpu-offer", UNSEEN, says="what the kubelet offers is not known")
    for offer in look.offers:
        if offer.allocatable is not None and offer.allocatable < offer.offered:
            said = f"the kubelet offers {offer.allocatable} of {offer.offered} {offer.resource}"
            return Symptom("gpu-offer", WRONG, "E-GPU-10", said, (said,), stops=stops)
    return Symptom("gpu-offer", FINE)


def _proof(look: GpuLook, *, stops: bool) -> Symptom:
    if look.marker:
        return Symptom("gpu", FINE, says=look.why)
    said = "the marker is not set in this boot: inference is held back"
    return Symptom("gpu", WRONG, "E-GPU-11", said, ("/run/edgectl/gpu/ready: not of this boot",), stops=stops, yet=True)
