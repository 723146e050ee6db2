"""What cuts, kills and dead peers cost: tables for `tests/bench/transfer.py`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.far.cuts import CUT, KILL, strike
from tests.far.offer import noise, offered
from tests.far.silence import FROZEN, HOLE, Noticed, while_following, while_sending, while_the_node_waits
from tests.far.store import FarStore, far_store

LIMIT_SILENCE_SECONDS = 20.0
_RTT_MS, _RATE_BITS, _SIZE = 150.0, 20_000_000, 24_000_000
_AT_ONCE = 24  # strikes in one blob


@contextmanager
def _fresh() -> Iterator[tuple[FarStore, Path]]:
    """Bring up a store that runs something; gives it and a folder beside it."""
    with tempfile.TemporaryDirectory() as name, far_store(Path(name) / "far") as far:
        far.deploy(offered({"first:1": noise(Path(name) / "first", 1000)})).run()
        yield far, Path(name)


def resumes(*, count: int) -> bool:
    """Print what `count` strikes of each kind cost; False when a file was torn, or more bytes went than may."""
    sys.stdout.write(
        f"\nA blob of {_SIZE / 1e6:.0f} MB over {_RATE_BITS / 1e6:.0f} Mbit/s and {_RTT_MS:.0f} ms, struck at drawn "
        "offsets until it is there\n\n"
        "| struck | times | torn live files | bytes written to the line | limit | more than the blob, a strike "
        "| seconds |\n|---|---|---|---|---|---|---|\n"
    )
    good = True
    for name, kind in (("line cut", CUT), ("receiver killed", KILL)):
        times = wire = limit = torn = whole = 0
        began = time.monotonic()
        for seed in range(-(-count // _AT_ONCE)):
            with _fresh() as (far, folder):
                far.line.set(rtt_ms=_RTT_MS, rate_bits=_RATE_BITS)
                struck = strike(
                    far, folder, size=_SIZE, count=min(count - seed * _AT_ONCE, _AT_ONCE), seed=seed, kinds=(kind,)
                )
            good = good and not struck.error and not struck.gone_bytes
            times, torn = times + len(struck.strikes), torn + len(struck.torn)
            wire, whole = wire + struck.outcome.wire_bytes, whole + _SIZE
            limit += struck.limit_bytes(rtt_ms=_RTT_MS, rate_bits=_RATE_BITS)
        good = good and not torn and wire <= limit and times > 0
        sys.stdout.write(
            f"| {name} | {times} | **{torn}** (limit 0) | {wire:,} | {limit:,} | {(wire - whole) / max(times, 1):,.0f} "
            f"| {time.monotonic() - began:.0f} |\n"
        )
        sys.stdout.flush()
    return good


def silences() -> bool:
    """Print how long a dead peer stays unnoticed; False when that is too long."""
    sys.stdout.write(
        f"\nA peer that goes silent without a word (limit {LIMIT_SILENCE_SECONDS:.0f} s)\n\n"
        "| silent | while | operator: link lost | node: open for other senders |\n|---|---|---|---|\n"
    )
    cases: tuple[tuple[str, str, Callable[[FarStore, Path], Noticed]], ...] = (
        ("line, both ways", "sending", lambda far, folder: while_sending(far, folder, HOLE)),
        ("node's sshd, frozen", "sending", lambda far, folder: while_sending(far, folder, FROZEN)),
        ("line, both ways", "following a run", lambda far, _: while_following(far, HOLE)),
        ("node's sshd, frozen", "following a run", lambda far, _: while_following(far, FROZEN)),
        ("operator, frozen", "the node waits for its bytes", while_the_node_waits),
    )
    good = True
    for silent, what, measure in cases:
        with _fresh() as (far, folder):
            noticed = measure(far, folder)
        found = [seconds for seconds in (noticed.operator, noticed.node) if seconds is not None]
        good = good and bool(found) and max(found) <= LIMIT_SILENCE_SECONDS
        sys.stdout.write(f"| {silent} | {what} | {_seconds(noticed.operator)} | {_seconds(noticed.node)} |\n")
        sys.stdout.flush()
    return good


def _seconds(found: float | None) -> str:
    return "" if found is None else f"{found:.1f} s"
