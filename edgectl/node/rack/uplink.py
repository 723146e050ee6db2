"""`edgectl-node uplink`: tell upward now, whatever pause the last try in vain has left."""

from __future__ import annotations

import argparse
import sys

from edgectl.node.io.places import Places
from edgectl.node.outbox.drain import drain
from edgectl.wire.errors import Exit


def run(places: Places, args: argparse.Namespace) -> int:
    """Tell, and say what came of it."""
    del args
    told = drain(places)
    if told is None:
        sys.stdout.write("nothing to do: this store declares no uplink, or another run tells already\n")
        return int(Exit.OK)
    if told.why:
        sys.stderr.write(f"edgectl-node: {told.why}\n  next: by itself, within 15 minutes\n")
        return int(Exit.UNREACHABLE)
    sys.stdout.write(f"told; the last that arrived: {told.last or 'nothing in this boot'}\n")
    return int(Exit.OK)
