"""One blob, cut off or killed at drawn offsets until it is there: what travelled for it, and whether anything is torn.

Owns the drawing, the strikes and the counting. Must not know limits' meaning, nor how it is shown.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edgectl.control.deploy.outcome import Outcome
from edgectl.wire.envelope import short
from edgectl.wire.errors import EdgectlError
from tests.far.offer import noise, offered
from tests.far.store import FarStore
from tests.unit.control.deploy.silent import Silent

PIECE_BYTES = 1 << 20
_LONG_SECONDS = 900.0
_PATIENCE_SECONDS = 60.0  # of the operator, with a node that gets no further
CUT, KILL = "cut", "kill"


@dataclass
class Struck:
    """What came of it. `strikes` are (what, offset in the blob at which it happened)."""

    size: int
    strikes: list[tuple[str, int]] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    gone_bytes: int = 0  # that were on the node's disk before a strike, and not after it
    outcome: Outcome = field(default_factory=Outcome)
    arrived_bytes: int = 0  # at the far end of the line, SSH's own included
    error: str = ""

    def limit_bytes(self, *, rtt_ms: float, rate_bits: int) -> int:
        """Return how many bytes may travel: the blob, and for each strike 1 MiB and what was on its way."""
        flying = int(rate_bits / 8 * rtt_ms / 1000)
        return self.size + len(self.strikes) * (PIECE_BYTES + flying)


def strike(
    far: FarStore, folder: Path, *, size: int, count: int, seed: int, kinds: tuple[str, ...] = (CUT, KILL)
) -> Struck:
    """Deploy a blob of `size` bytes that nothing packs, and strike `count` times on its way."""
    drawn = random.Random(seed)  # noqa: S311 - no secret
    image = noise(folder / f"cut-{seed}", size, seed=seed)
    offer = offered({f"cut-{seed}:1": image})
    digest = next(digest for digest, source in offer.sources.items() if source == image)
    part = far.places.staging / f"{digest.removeprefix('sha256:')}.part"
    offsets = sorted(drawn.randrange(size) for _ in range(count))
    struck = Struck(size)
    told = _Told()
    running = far.deploy(offer, told, patience_seconds=_PATIENCE_SECONDS)
    before = far.line.stats().bytes_to_store

    def run() -> None:
        try:
            struck.outcome = running.run()
        except EdgectlError as error:
            struck.error = str(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    for offset in offsets:
        what, lost = drawn.choice(kinds), told.lost
        _until(partial(_reached, part, offset), thread)
        if what == KILL:
            _until(far.kill_receivers, thread)
        else:
            far.line.cut()
        if not thread.is_alive() or far.places.blob(digest).exists():
            far.line.heal()
            break
        struck.strikes.append((what, _has(part)))
        _until(partial(told.lost_since, lost), thread)
        struck.torn += far.torn()
        struck.gone_bytes += max(struck.strikes[-1][1] - _has(part), 0)
        far.line.heal()
    thread.join(_LONG_SECONDS)
    struck.torn += far.torn()
    if not far.places.blob(digest).exists():
        struck.error = struck.error or f"{short(digest)} has not come"
    struck.arrived_bytes = far.line.stats().bytes_to_store - before
    image.unlink()
    return struck


class _Told(Silent):
    """Counts how often the operator was told that the link is lost."""

    lost = 0

    def link_lost(self, why: str, attempt: int) -> None:
        """Count."""
        del why, attempt
        self.lost += 1

    def lost_since(self, before: int) -> bool:
        """Tell whether the link was lost once more."""
        return self.lost > before


def _has(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return -1


def _reached(part: Path, offset: int) -> bool:
    return _has(part) >= offset


def _until(true: Callable[[], object], thread: threading.Thread) -> None:
    """Wait until something is true, or the deploy has ended."""
    deadline = time.monotonic() + _LONG_SECONDS
    while not true() and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.002)
