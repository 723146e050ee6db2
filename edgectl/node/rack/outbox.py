"""`edgectl-node outbox`: what waits to be told upward, since when, and why the last try failed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from edgectl.node.io.places import Places
from edgectl.node.outbox import told as notes
from edgectl.node.outbox.declared import declared
from edgectl.node.outbox.queue import BEAT, JOURNAL, KINDS, Entry, cost, entries
from edgectl.node.outbox.told import Told
from edgectl.wire.errors import Exit


def run(places: Places, args: argparse.Namespace) -> int:
    """Print it."""
    del args
    sys.stdout.write("\n".join(lines(places, now=time.monotonic())) + "\n")
    return int(Exit.OK)


def lines(places: Places, *, now: float) -> Iterator[str]:
    """Yield lines for a person."""
    found, told, way = entries(places.outbox), notes.read(places), declared(places)
    waiting = [entry for entry in found if entry.id not in told.acked]
    if not found:
        yield "nothing waits: no run has ended here yet"
    for kind in KINDS:
        of_kind = [entry for entry in waiting if entry.kind == kind]
        if of_kind:
            size = sum(map(cost, of_kind)) / 1e3
            yield f"  {kind:<9} {len(of_kind)} wait, the oldest since {_since(of_kind[0])}, {size:.0f} KB on the disk"
    if not waiting and found:
        yield "nothing waits: all of it has arrived"
    beats = [entry for entry in found if entry.kind == BEAT]
    if beats:
        yield f"  newest    {beats[-1].read().decode('ascii', 'replace').strip()}"
    if way is None:
        yield "  uplink    none is declared: `edgectl collect` takes what waits, and leaves it here"
    else:
        yield from _uplink(way.uplink.url, way.wrong, told, now=now)


def _uplink(url: str, wrong: str, told: Told, *, now: float) -> Iterator[str]:
    yield f"  uplink    {url}"
    yield f"  arrived   {told.last or 'nothing in this boot'}"
    if why := wrong or told.why:
        yield f"  in vain   {told.fails} times since {told.since or 'now'}: {why}"
        yield f"  next      in {max(told.again - now, 0):.0f} s at the earliest; now: edgectl-node uplink"
    if told.owed:
        yield f"  {JOURNAL:<9} {told.owed} bytes of the last minute: more of them a minute later"
    if told.refused:
        yield f"  dropped   {told.refused} that the other side did not want: {told.refusal}"


def _since(entry: Entry) -> str:
    """Return when an entry was written, by the node's clock."""
    try:
        return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(entry.path.stat().st_mtime))
    except OSError:
        return "just now"
