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
from edgectl.node.k3s.program import installed, stores
from edgectl.node.survey.others import K3S, there
from edgectl.node.survey.others import judge as judge_others
from edgectl.wire.envelope import Envelope
from edgectl.wire.errors import Refused
from edgectl.wire.finding import STOP, Finding
from edgectl.wire.meant import Meant

_MINOR = re.compile(r"v(\d+)\.(\d+)\.")


def meet_machine(look: Look, meant: Meant | None) -> None:
    """Raise Refused when this is another machine than the one that is meant."""
    if meant is not None:
        _refuse(judge_box(box_of(look, gpus=bool(meant.gpus)), meant))


def meet_others(look: Look, slots: Slots, offer: Envelope) -> None:
    """Raise Refused when somebody else has installed here what a first deploy would change, unless it may."""
    if not slots.all():
        ours = look.places.restored.is_file()  # a cluster of this store's, put back before this deploy
        _refuse(judge_others(there(look), ours=ours, agent=bool(offer.lead), take_over=offer.take_over))


def meet_older(look: Look, slots: Slots, offer: Envelope, version: str) -> None:
    """Raise Refused when a k3s that is taken over is of a newer minor version than the declared one, or may be."""
    if slots.all() or not offer.take_over:
        return
    program, runs = installed(look)
    have, wanted = _MINOR.match(runs), _MINOR.match(version)
    if have and wanted and tuple(map(int, have.groups())) > tuple(map(int, wanted.groups())):
        raise Refused(
            f"the k3s on this node is v{have[1]}.{have[2]}; a minor version cannot go back to {version}",
            hint="declare the k3s minor version that runs, or a newer one",
            details=(f"found {program}",),
        )
    if not have and stores(look) and not look.places.restored.is_file():
        raise Refused(
            f"a k3s has stored a cluster in {look.places.k3s_data / 'server/db'}, and of which version cannot be read: "
            f"{program} {'does not say it' if program.exists() else 'is not there'}; nothing was changed",
            hint=f"put the k3s that ran here to {program}, and deploy again; to begin anew instead: {K3S.remove}, "
            f"or remove {look.places.k3s_data}",
            docs="preflight",
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
