"""`edgectl-node resume`: the end of a pause."""

from __future__ import annotations

import argparse
import sys

from edgectl.node import pause
from edgectl.node.io.places import Places


def run(places: Places, args: argparse.Namespace) -> int:
    """End it."""
    del args
    pause.end(places)
    sys.stdout.write("resumed; the next look comes by itself within minutes\n")
    return 0
