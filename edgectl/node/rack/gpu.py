"""`edgectl-node gpu`: each GPU, and why it is ready or not."""

from __future__ import annotations

import argparse
import sys

from edgectl.node.gpu.looked import declared, looked
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.wire.errors import EdgectlError
from edgectl.wire.gputext import lines, next_of


def run(places: Places, args: argparse.Namespace) -> int:
    """Look once, and say it."""
    try:
        node, gpu = declared(places)
    except EdgectlError as error:
        sys.stderr.write(f"edgectl-node: {error.message}\n")
        return int(error.exit)
    seen = looked(Look(places), gpu, node)
    todo = next_of(seen)
    said = [f"{node} is {seen.word.upper()}: {seen.why}", *lines(seen, verbose=args.verbose)]
    sys.stdout.write("\n".join([*said, *([f"  next      {todo}"] if todo else [])]) + "\n")
    return seen.exit
