"""Who may begin on this machine at all: it must be the one that is meant, and nobody else's.

Owns: when that is judged: before a byte of content is taken, and again with the payload. Changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgectl.node.converge.slots import Slots
from edgectl.node.host.box import box_of
from edgectl.node.host.box import judge as judge_box
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.survey.others import judge as judge_others
from edgectl.node.survey.others import there
from edgectl.wire.envelope import Envelope
from edgectl.wire.errors import Refused
from edgectl.wire.finding import STOP, Finding
from edgectl.wire.meant import Meant
from edgectl.wire.payload import Node

_SAYS = re.compile(r"k3s version v(\d+)\.(\d+)\.")
_MINOR = re.compile(r"v(\d+)\.(\d+)\.")


def meet_machine(look: Look, meant: Meant | None) -> None:
    """Raise Refused when this is another machine than the one that is meant."""
    if meant is not None:
        _refuse(judge_box(box_of(look, gpus=bool(meant.gpus)), meant))


def meet_others(look: Look, slots: Slots, offer: Envelope) -> None:
    """Raise Refused when somebody else has installed here what a first deploy would change, unless it may."""
    if not slots.all():
        _refuse(judge_others(there(look), ours=False, agent=bool(offer.lead), take_over=offer.take_over))


def meet_older(look: Look, slots: Slots, offer: Envelope, node: Node) -> None:
    """Raise Refused when a k3s that is taken over is of a newer minor version than the declared one."""
    binary = look.places.root / "usr/local/bin/k3s"
    if slots.all() or not offer.take_over or not binary.exists():
        return
    runs, wanted = _SAYS.search(look.run(str(binary), "--version").out), _MINOR.match(node.k3s.version)
    if runs and wanted and tuple(map(int, runs.groups())) > tuple(map(int, wanted.groups())):
        raise Refused(
            f"the k3s on this node is v{runs[1]}.{runs[2]}; a minor version cannot go back to {node.k3s.version}",
            hint="declare the k3s minor version that runs, or a newer one",
        )


def could_begin(places: Places, offer: Envelope, meant: Meant | None) -> None:
    """Judge all that can be judged before content comes. Raises Refused."""
    look = Look(places)
    meet_machine(look, meant)
    meet_others(look, Slots(places), offer)


def _refuse(found: Iterable[Finding]) -> None:
    """Raise the first of what stops a deploy, with all of it."""
    stops = [one for one in found if one.word == STOP]
    if not stops:
        return
    first, details = stops[0], []
    for one in stops:
        details += [f"{one.word}  {one.about}  {one.reason}", *(f"  {line}" for line in one.evidence)]
        details += [f"  -> {one.hint}"] if one is not first else []
    raise Refused(f"{first.reason}; nothing was changed", hint=first.hint, details=tuple(details), docs="preflight")
