"""`edgectl-node models`: the versions that this node keeps; and a person's turns at them, offline."""

from __future__ import annotations

import argparse
import os
import pwd
import sys

from edgectl.node.io.places import Places
from edgectl.node.models.told import looked, turn
from edgectl.node.trouble import told
from edgectl.wire.errors import EdgectlError, Exit
from edgectl.wire.length import seconds
from edgectl.wire.registry import lines


def run(places: Places, args: argparse.Namespace) -> int:
    """List, go back, or let another version come."""
    try:
        if args.deed is None:
            sys.stdout.write("\n".join(lines(looked(places))) + "\n")
        else:
            who = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
            name, _, version = args.name.partition("@")
            length = getattr(args, "soak", "")
            asked = {
                "deed": args.deed,
                "name": name,
                "version": version,
                "who": f"{who}@{os.uname().nodename}",
                "why": getattr(args, "why", ""),
                "percent": getattr(args, "percent", 0),
                "soak_seconds": seconds(length) if length else 0.0,
            }
            sys.stdout.write(turn(places, asked).said + "\n")
    except ValueError as wrong:
        sys.stderr.write(f"edgectl-node: --soak {length}: {wrong}\n")
        return int(Exit.USAGE)
    except (EdgectlError, OSError) as trouble:
        error = told(trouble)
        sys.stderr.write(f"edgectl-node: {error.message}\n  next: {error.hint}\n")
        return int(error.exit)
    return 0
