"""`edgectl-node backup`: a backup of the cluster now, or where those are that lie here."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone

from edgectl.node.backup.kept import kept
from edgectl.node.backup.take import take
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.places import Places
from edgectl.node.trouble import told
from edgectl.wire.errors import EdgectlError


def run(places: Places, args: argparse.Namespace) -> int:
    """Take one, and say where it lies; it holds the keys of the cluster."""
    if args.list:
        found = kept(places)
        rows = [f"{path.name}  {path.stat().st_size / 1e6:.1f} MB" for path in found]
        sys.stdout.write("\n".join(rows or ["no backup lies here"]) + "\n")
        return 0
    try:
        path = take(places, datetime.now(timezone.utc))
    except (EdgectlError, LookFailed, OSError) as error:
        failure = told(error)
        sys.stderr.write(f"edgectl-node: {failure.message}\n" + (f"  {failure.hint}\n" if failure.hint else ""))
        return int(failure.exit)
    size = path.stat().st_size / 1e6
    sys.stdout.write(f"{path}  {size:.1f} MB; it holds the keys of the cluster: keep it as you keep those\n")
    return 0
