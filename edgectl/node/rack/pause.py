"""`edgectl-node pause`: no self-healing while somebody works by hand."""

from __future__ import annotations

import argparse
import os
import pwd
import sys

from edgectl.node import pause
from edgectl.node.io.places import Places
from edgectl.wire.errors import Exit
from edgectl.wire.length import seconds


def run(places: Places, args: argparse.Namespace) -> int:
    """Begin a pause; it ends by itself."""
    try:
        length = seconds(args.length)
    except ValueError as error:
        sys.stderr.write(f"edgectl-node: --for {args.length}: {error}\n")
        return int(Exit.USAGE)
    who = f"{pwd.getpwuid(os.getuid()).pw_name}@{os.uname().nodename}"
    sys.stdout.write(pause.begin(places, who=who, why=args.why, seconds=length).sentence() + "\n")
    return 0
