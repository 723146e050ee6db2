"""`edgectl-node`: the same engine for the unit, for the link and for the person at the keyboard."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from edgectl.node.io.places import Places
from edgectl.wire.errors import Exit


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code (edgectl's own table)."""
    parser = argparse.ArgumentParser(
        prog="edgectl-node", description="edgectl on this node. Why is it not well? edgectl-node doctor"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    session = commands.add_parser("session", help="answer an operator over the link (used by edgectl)")
    session.add_argument("--signed", metavar="ACCOUNT", help=argparse.SUPPRESS)  # by edgectl-launch
    commands.add_parser("converge", help="bring this node to its declared state (used by systemd)")
    commands.add_parser("watch", help="watch GPUs, the pods on them and the chain (used by systemd)")
    commands.add_parser("gpu-boot", help="make the GPUs' driver ready before k3s starts (used by systemd)")
    commands.add_parser(
        "clock-boot", help="bring the clock as near to the truth as can be before k3s starts (by systemd)"
    )
    commands.add_parser("net-boot", help="give k3s an address and a default route, cable or not (used by systemd)")
    commands.add_parser("status", help="look at everything and change nothing")
    gpu = commands.add_parser("gpu", help="show each GPU, and why it is ready or not")
    gpu.add_argument("-v", "--verbose", action="store_true", help="what is fine, too")
    commands.add_parser("chain", help="draw the chain from the GPU to the sink, and say where it is broken")
    looking = commands.add_parser("preflight", help="look for all that would stand in a deploy's way; change nothing")
    looking.add_argument("-v", "--verbose", action="store_true", help="what is fine, too")
    commands.add_parser("trust", help="show whose offers this node takes, and which it took last")
    commands.add_parser("journal", help="show the last run")
    commands.add_parser("outbox", help="show what waits to be told upward, and why the last try failed")
    commands.add_parser("uplink", help="tell upward now (the watchdog does it every minute)")
    for name, line, words in (
        ("pause", "stop self-healing while you work by hand", _pause),
        ("doctor", "say why this node is not well, first cause first; change nothing", _doctor),
        ("models", "show the versions of models that are kept; try, promote, go back", _models),
    ):
        words(commands.add_parser(name, help=line))
    commands.add_parser("resume", help="end the pause")
    _backup(commands.add_parser("backup", help="take a backup of the cluster now (the watchdog does it when due)"))
    loading = commands.add_parser("load", help="take what was exported for this store, from a stick or a web server")
    loading.add_argument("source", metavar="DIR|URL", help="/media/usb, https://host/path")
    loading.add_argument("--engine", default="", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if not args.command:
        parser.print_help(sys.stderr)
        return int(Exit.USAGE)
    if os.geteuid() != 0:
        print("edgectl-node needs root: sudo edgectl-node ...", file=sys.stderr)  # noqa: T201
        return int(Exit.USAGE)
    places = Places()
    if args.command == "session":
        from edgectl.node.greet import greet

        frames = greet(places)  # the rest is imported while the greeting travels
        from edgectl.node.session import answer

        answer(places, frames, account=args.signed)
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
    if args.command == "clock-boot":
        from edgectl.node.startup.clock import clock_boot

        clock_boot(places)
        return 0
    if args.command == "net-boot":
        from edgectl.node.startup.net import net_boot

        net_boot(places)
        return 0
    return _at_the_rack(places, args)


def _at_the_rack(places: Places, args: argparse.Namespace) -> int:
    """Do what a person asks here; what it does to the store is audited."""
    from edgectl.node.audit import at_the_rack, deed

    with deed(places, {"op": args.command, **vars(args)}, at_the_rack()):
        return int(importlib.import_module(f"edgectl.node.rack.{args.command}").run(places, args))


def _pause(paused: argparse.ArgumentParser) -> None:
    paused.add_argument("--for", dest="length", default="2h", help="30m, 2h, 1d")
    paused.add_argument("--why", required=True)


def _backup(backup: argparse.ArgumentParser) -> None:
    backup.add_argument("--list", action="store_true", help="show those that lie here, and take none")


def _doctor(doctor: argparse.ArgumentParser) -> None:
    """Add what can be asked of the doctor."""
    doctor.add_argument("--explain", metavar="CODE", default="", help="the runbook's page of a code, step or error")
    doctor.add_argument("--bundle", metavar="FILE", default="", help="keep logs and facts, redacted, as a .tar.gz")
    doctor.add_argument("-o", "--output", choices=("text", "json"), default="text")


def _models(models: argparse.ArgumentParser) -> None:
    """Add what can be done with models at the rack."""
    deeds = models.add_subparsers(dest="deed")
    back = deeds.add_parser("rollback", help="run the version that ran before, now and until another one is deployed")
    back.add_argument("name", metavar="NAME", help="the model")
    back.add_argument("--why", default="", help="one sentence, for whoever meets it")
    deeds.add_parser("release", help="run what is declared again").add_argument("name", metavar="NAME")
    taking = deeds.add_parser("promote", help="let the version beside, or another that is kept, take over now")
    taking.add_argument("name", metavar="NAME[@VERSION]")
    taking.add_argument("--why", default="", help="one sentence, for whoever meets it")
    for strategy, line in (("shadow", "mirror requests to"), ("canary", "give some of the requests to")):
        beside = deeds.add_parser(strategy, help=f"{line} a version that has come ahead or is kept")
        beside.add_argument("name", metavar="NAME[@VERSION]")
        beside.add_argument("--soak", default="", metavar="TIME", help="how long a step lasts: 30s, 10m")
        if strategy == "canary":
            beside.add_argument("--percent", type=int, default=0, help="of the requests, in one step")
