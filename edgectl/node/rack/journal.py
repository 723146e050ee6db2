"""`edgectl-node journal`: the last run."""

from __future__ import annotations

import argparse
import sys

from edgectl.node.converge import journal
from edgectl.node.io.places import Places


def run(places: Places, args: argparse.Namespace) -> int:
    """Print every event of it."""
    del args
    newest = journal.newest(*places.journals)
    for item in journal.read(newest, 0)[0] if newest else []:
        words = " ".join(str(item.get(key, "")) for key in ("word", "title", "reason"))
        sys.stdout.write(f"{item.get('time', '')[11:19]}  {item.get('kind', ''):<8}{words}\n")
    return 0
