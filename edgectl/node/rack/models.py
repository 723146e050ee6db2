"""`edgectl-node models`: the versions that this node keeps; `rollback NAME`: back to the one before, offline."""

from __future__ import annotations

import argparse
import os
import pwd
import sys

from edgectl.node.io.places import Places
from edgectl.node.models.told import looked
from edgectl.node.models.turn import release, rollback
from edgectl.node.trouble import told
from edgectl.wire.errors import EdgectlError
from edgectl.wire.registry import lines


def run(places: Places, args: argparse.Namespace) -> int:
    """List, go back, or end that."""
    try:
        if args.deed == "rollback":
            who = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
            hold = rollback(places, args.name, who=f"{who}@{os.uname().nodename}", why=args.why)
            sys.stdout.write(f"{args.name} went back from {hold.from_version} to {hold.version}; {hold.sentence()}\n")
        elif args.deed == "release":
            was = release(places, args.name)
            sys.stdout.write(f"{args.name} is released: {was.from_version} runs again, as declared\n")
        else:
            sys.stdout.write("\n".join(lines(looked(places))) + "\n")
    except (EdgectlError, OSError) as trouble:
        error = told(trouble)
        sys.stderr.write(f"edgectl-node: {error.message}\n  next: {error.hint}\n")
        return int(error.exit)
    return 0
