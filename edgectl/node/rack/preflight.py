"""`edgectl-node preflight`: all that would stand in a deploy's way, found at the rack."""

from __future__ import annotations

import argparse
import sys
import time

from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.survey.looked import here, looked
from edgectl.wire.findtext import counted, exit_of, lines, word_of


def run(places: Places, args: argparse.Namespace) -> int:
    """Look once, and say it."""
    declared = here(places)
    found = looked(Look(places), declared, asked=None, now=time.time())
    word = word_of(found)
    said = [f"{declared.node or 'this node'} is {word.upper()}: {counted(found)}", *lines(found, verbose=args.verbose)]
    sys.stdout.write("\n".join(said) + "\n")
    return int(exit_of(word))
