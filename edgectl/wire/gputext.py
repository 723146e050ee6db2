"""The lines that say how a node's GPUs are: the same at an operator's terminal and at the rack. Pure.

Owns: their layout (80 columns, no colour, no Unicode) and what to do next, by the layer where it ends. Must not judge:
words and sentences come from the node.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from edgectl.wire.event import FAILED, OK, WAITING
from edgectl.wire.gpu import NEVER, NOT_ASKED, NOT_YET, Card, GpuLook, Layer, Plugin
from edgectl.wire.verdict import READY, UNKNOWN

COLUMNS = 80
_WORD = 10
_TITLE = 15
_DEEDS = 5
_XIDS = 3
_WORDS = {READY: OK, NOT_YET: WAITING, NEVER: FAILED}
# Layer -> what to do; {there} is how a command reaches the node.
_NEXT = {
    "driver": "see why the driver does not load: {there}dmesg",
    "uvm": "see what the driver's own tool says: {there}nvidia-modprobe -u -c 0",
    "toolkit": "install nvidia-container-toolkit there; k3s finds it at its next start",
    "listed": "power off, reseat the card, power on; then wait 2 minutes and look again",
    "xid": "power off and on; if it comes again, the card or its riser is to be replaced",
    "health": "power off and on; if it comes again, the card is to be replaced",
    "smoke": "it is tried again by itself within minutes; what it said stands above",
    "plugin": "the watchdog restarts the plugin; if it is held, look at the plugin's log",
    "allocatable": "wait a minute for the plugin to register; else look at the plugin's log",
    "marker": "it is set by itself within minutes, when all is well",
}


def ago(seconds: float) -> str:
    """Return an age as people read it: `40 s ago`, `12 min ago`, `3 h ago`, `2 d ago`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"


def called(card: Card) -> str:
    """Return what people call a card: by the driver's number, by its UUID where the driver does not list it."""
    if card.index >= 0:
        return f"GPU {card.index}"
    return card.uuid[:12] if card.uuid else "GPU ?"


def lines(look: GpuLook, *, verbose: bool = False) -> list[str]:
    """Say all of one node: what carries its GPUs, each card, what the watchdog does. `verbose`: what is fine, too."""
    return [line for part in (_base(look, verbose=verbose), _cards(look), _watchdog(look)) for line in part]


def next_of(look: GpuLook, *, there: str = "") -> str:
    """Return what to do next; "" when nothing is wrong. `there` is put in front of commands for the node."""
    return _NEXT.get(look.layer, "").format(there=there)


def line(word: str, title: str, said: str) -> list[str]:
    """Return `  word      title           sentence`, going on below itself where it is long."""
    head = f"  {word:<{_WORD}}{title:<{_TITLE}} "
    wrapped = textwrap.wrap(
        said,
        COLUMNS,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapped or [head.rstrip()]


def _base(look: GpuLook, *, verbose: bool) -> Iterator[str]:
    yield from line("boot", look.boot[:8], _marker(look))
    for title, layer in (
        ("driver", look.driver),
        ("nvidia-uvm", look.uvm),
        ("toolkit", look.toolkit),
        ("devices", look.devices),
        ("kernel", look.kernel),
        ("nvidia-smi", look.health),
        ("kubernetes", look.api),
    ):
        if layer.status != NOT_ASKED and (verbose or layer.status != READY):
            yield from line(_word(layer), title, layer.says)
    if look.api.status != UNKNOWN:
        yield from line(OK if _well(look.plugin) else WAITING, "plugin", _plugin(look.plugin))
    for offer in look.offers:
        number = "not known" if offer.allocatable is None else f"{offer.allocatable}"
        fine = offer.allocatable is not None and offer.allocatable >= offer.offered
        yield from line(
            OK if fine else UNKNOWN if offer.allocatable is None else WAITING,
            "allocatable",
            f"{number} of {offer.offered} {offer.resource}, {offer.least} required",
        )


def _cards(look: GpuLook) -> Iterator[str]:
    for card in look.cards:
        yield from line(card.word, called(card), card.why)
        indent = " " * (2 + _WORD)
        if about := _about(card):
            yield from textwrap.wrap(
                about, COLUMNS, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
            )
        for xid in card.xids[-_XIDS:]:
            if xid != card.fatal:
                yield from textwrap.wrap(
                    f"kernel: {xid}", COLUMNS, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
                )


def _watchdog(look: GpuLook) -> Iterator[str]:
    if look.watch.held:
        yield from line("held", "watchdog", look.watch.held)
    for deed in look.watch.deeds[-_DEEDS:]:
        yield from line("did", "watchdog", f"{deed.word} {deed.what}".strip() + f", {ago(deed.ago_seconds)}")


def _marker(look: GpuLook) -> str:
    if not look.marker:
        return "the marker is not set: inference waits"
    since = look.marker_ago_seconds
    return f"the marker is set{'' if since is None else f', {ago(since)}'}: inference is let in"


def _word(layer: Layer) -> str:
    return _WORDS.get(layer.status, UNKNOWN)


def _well(plugin: Plugin) -> bool:
    return plugin.runs and plugin.answers is not False and not plugin.others


def _plugin(plugin: Plugin) -> str:
    if not plugin.pod:
        return "no pod of it is on this node"
    if plugin.others:
        return f"{len(plugin.others) + 1} of them quarrel: {', '.join((plugin.pod, *plugin.others))}"
    says = {True: "answers", False: "its socket does not answer", None: "has no socket yet"}[plugin.answers]
    runs = "" if plugin.runs else " does not run,"
    restarts = f"{plugin.restarts} restart{'' if plugin.restarts == 1 else 's'}"
    return f"{plugin.pod}{runs} {says}, {restarts}"


def _about(card: Card) -> str:
    words = [card.name, card.uuid, card.pci]
    if card.temperature_c is not None:
        words.append(f"{card.temperature_c} C")
    if card.ecc_errors:
        words.append(f"{card.ecc_errors} uncorrected ECC errors")
    if card.throttled:
        words.append(f"slowed down by {card.throttled}")
    if card.smoke is not None and not card.smoke.ok:
        words.append(f"tried {ago(card.smoke.ago_seconds)}")
    if card.mig:
        words.append("split (MIG)")
    return "  ".join(word for word in words if word)
