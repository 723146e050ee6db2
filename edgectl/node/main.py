"""`edgectl-node`: the same engine for the unit, for the link and for the person at the keyboard."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
import time
from typing import TYPE_CHECKING

from edgectl.node import pause
from edgectl.node.converge import journal
from edgectl.node.converge.slots import Slots
from edgectl.node.io.places import Places
from edgectl.wire.errors import Exit
from edgectl.wire.length import seconds

if TYPE_CHECKING:
    from edgectl.node.converge.protocol import Gate, Observation


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code (edgectl's own table)."""
    parser = argparse.ArgumentParser(prog="edgectl-node", description="edgectl on this node.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("session", help="answer an operator over the link (used by edgectl)")
    commands.add_parser("converge", help="bring this node to its declared state (used by systemd)")
    commands.add_parser("watch", help="watch GPUs and the pods on them (used by systemd)")
    commands.add_parser("gpu-boot", help="make the GPUs' driver ready before k3s starts (used by systemd)")
    commands.add_parser("status", help="look at everything and change nothing")
    gpu = commands.add_parser("gpu", help="show each GPU, and why it is ready or not")
    gpu.add_argument("-v", "--verbose", action="store_true", help="what is fine, too")
    commands.add_parser("journal", help="show the last run")
    paused = commands.add_parser("pause", help="stop self-healing while you work by hand")
    paused.add_argument("--for", dest="length", default="2h", help="30m, 2h, 1d")
    paused.add_argument("--why", required=True)
    commands.add_parser("resume", help="end the pause")
    args = parser.parse_args(argv)
    if os.geteuid() != 0:
        print("edgectl-node needs root: sudo edgectl-node ...", file=sys.stderr)  # noqa: T201
        return int(Exit.USAGE)
    places = Places()
    if args.command == "session":
        from edgectl.node.greet import greet

        frames = greet(places)  # the rest is imported while the greeting travels
        from edgectl.node.session import answer

        answer(places, frames)
        return 0
    if args.command == "converge":
        from edgectl.node.engine import run

        return run(places)
    if args.command == "watch":
        from edgectl.node.watch.watchdog import run as watch

        return watch(places)
    if args.command == "gpu-boot":
        from edgectl.node.gpu.boot import gpu_boot

        gpu_boot(places)
        return 0
    return _person(places, args)


def _person(places: Places, args: argparse.Namespace) -> int:
    out = sys.stdout.write
    if args.command == "status":
        return _status(places)
    if args.command == "gpu":
        return _gpus(places, verbose=args.verbose)
    if args.command == "journal":
        newest = journal.newest(*places.journals)
        for item in journal.read(newest, 0)[0] if newest else []:
            words = " ".join(str(item.get(key, "")) for key in ("word", "title", "reason"))
            out(f"{item.get('time', '')[11:19]}  {item.get('kind', ''):<8}{words}\n")
        return 0
    if args.command == "pause":
        try:
            length = seconds(args.length)
        except ValueError as error:
            sys.stderr.write(f"edgectl-node: --for {args.length}: {error}\n")
            return int(Exit.USAGE)
        who = pwd.getpwuid(os.getuid()).pw_name
        out(pause.begin(places, who=f"{who}@{os.uname().nodename}", why=args.why, seconds=length).sentence() + "\n")
        return 0
    pause.end(places)
    out("resumed; the next look comes by itself within minutes\n")
    return 0


def _gpus(places: Places, *, verbose: bool) -> int:
    from edgectl.node.gpu.looked import declared, looked
    from edgectl.node.io.look import Look
    from edgectl.wire.errors import EdgectlError
    from edgectl.wire.gputext import lines, next_of

    try:
        node, gpu = declared(places)
    except EdgectlError as error:
        sys.stderr.write(f"edgectl-node: {error.message}\n")
        return int(error.exit)
    seen = looked(Look(places), gpu, node)
    todo = next_of(seen)
    said = [f"{node} is {seen.word.upper()}: {seen.why}", *lines(seen, verbose=verbose)]
    sys.stdout.write("\n".join([*said, *([f"  next      {todo}"] if todo else [])]) + "\n")
    return seen.exit


def _status(places: Places) -> int:
    from edgectl.node.converge.loop import Clock, plan
    from edgectl.node.desired import load
    from edgectl.node.io.look import Look
    from edgectl.node.recipe import recipe

    slots = Slots(places)
    slot = slots.current or slots.candidate
    if slot is None:
        print("nothing has been deployed to this node yet", file=sys.stderr)  # noqa: T201
        return int(Exit.NOT_READY)

    def say(word: str, step: Gate[object], seen: Observation) -> None:
        sys.stdout.write(f"  {word:<9} {step.title:<22} {seen.reason}\n")

    payload, node = load(places, slot, slots.apps_of(slot))
    verdict = plan(recipe(payload, node), Look(places), say, Clock(time.monotonic, time.sleep), wrong_first=True)
    sys.stdout.write(f"{payload.store} is {verdict.word.upper()}. {verdict.reason}\n")
    return verdict.exit
