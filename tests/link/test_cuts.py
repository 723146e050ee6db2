"""A line that is cut, and a receiver that is killed, again and again while a blob travels: real code on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.far.cuts import CUT, KILL, strike
from tests.far.store import FarStore, far_store, noise, offered
from tests.link.conftest import need_sshd

_RTT_MS = 150.0
_RATE_BITS = 20_000_000


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarStore]:
    """Bring up a store that runs something, behind a shaped line."""
    need_sshd()
    with far_store(tmp_path / "far") as store:
        store.deploy(offered({"first:1": noise(tmp_path / "first", 1000)})).run()
        store.line.set(rtt_ms=_RTT_MS, rate_bits=_RATE_BITS)
        yield store


def _strikes(far: FarStore, folder: Path, *, size: int, count: int, seed: int) -> None:
    struck = strike(far, folder, size=size, count=count, seed=seed)
    assert struck.error == ""
    assert struck.torn == []
    assert struck.gone_bytes == 0, "what has come is kept"
    assert len(struck.strikes) >= count * 0.8, "they have struck"
    assert {what for what, _ in struck.strikes} == {CUT, KILL}
    assert struck.outcome.verdict["word"] == "ready"
    assert size <= struck.outcome.wire_bytes <= struck.limit_bytes(rtt_ms=_RTT_MS, rate_bits=_RATE_BITS)


def test_a_blob_arrives_through_cuts_and_kills(far: FarStore, tmp_path: Path) -> None:
    """Law: a strike costs at most 1 MiB and what was on its way; no live file is ever torn."""
    _strikes(far, tmp_path, size=8_000_000, count=8, seed=11)


@pytest.mark.long
def test_a_blob_arrives_through_a_hundred_cuts_and_kills(far: FarStore, tmp_path: Path) -> None:
    """All of it: more than a hundred strikes at drawn offsets."""
    for seed in range(5):
        _strikes(far, tmp_path, size=24_000_000, count=26, seed=seed)
