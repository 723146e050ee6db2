"""`edgectl-node status`: everything looked at, nothing changed."""

from __future__ import annotations

import argparse
import sys
import time

from edgectl.node import pause
from edgectl.node.converge.loop import Clock, plan
from edgectl.node.converge.protocol import Gate, Observation
from edgectl.node.converge.slots import Slots
from edgectl.node.desired import load
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.recipe import recipe
from edgectl.node.rest import rest
from edgectl.wire.errors import Exit


def run(places: Places, args: argparse.Namespace) -> int:
    """Look at every step of what this node should be."""
    del args
    if (found := rest(places)) and found.removes:
        sys.stderr.write(f"this store is {found.sentence}; {found.hint}\n")
        return int(Exit.NOT_READY)
    slots = Slots(places)
    slot = slots.current or slots.candidate
    if slot is None:
        sys.stderr.write("nothing has been deployed to this node yet\n")
        return int(Exit.NOT_READY)

    def say(word: str, step: Gate[object], seen: Observation) -> None:
        sys.stdout.write(f"  {word:<9} {step.title:<22} {seen.reason}\n")

    payload, node = load(places, slot, slots.apps_of(slot))
    verdict = plan(recipe(payload, node), Look(places), say, Clock(time.monotonic, time.sleep), wrong_first=True)
    sys.stdout.write(f"{payload.store} is {verdict.word.upper()}. {verdict.reason}".rstrip() + "\n")
    if paused := pause.read(places):
        sys.stdout.write(f"  {paused.sentence()}; nothing heals by itself meanwhile: edgectl-node resume\n")
    return verdict.exit
