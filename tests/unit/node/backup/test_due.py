"""When a backup is due: by what lies there, whatever the clock once said."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgectl.node.backup.due import is_due
from edgectl.node.backup.gate import BackedUp
from edgectl.node.backup.kept import STAMP
from edgectl.node.converge.protocol import Status
from edgectl.node.io import programs
from edgectl.node.io.places import Places
from edgectl.node.io.programs import Ran
from edgectl.node.watch import backups
from edgectl.node.watch.backups import AGAIN_SECONDS, COMMAND, EVERY_SECONDS, Backups
from edgectl.wire.payload import Backup
from tests.unit.node.backup.server import deployed
from tests.unit.node.fake import FakeNode, ran

DAILY, NIGHTLY = Backup(86400.0, 7), Backup(86400.0, 7, "03:00", "Europe/Berlin")
OTHER_DAY = Backup(2 * 86400.0, 7, "03:00", "Europe/Berlin")
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def hours(number: float) -> timedelta:
    """Return so many hours."""
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("asked", "ago", "due"),
    [
        (DAILY, [], True),
        (DAILY, [23.9], False),
        (DAILY, [24], True),
        (DAILY, [-1000], True),
        (DAILY, [-1000, 1], False),
        (NIGHTLY, [], True),
        (NIGHTLY, [9.5], False),  # 03:30 in Berlin
        (NIGHTLY, [10.5], True),  # 02:30
        (OTHER_DAY, [9.5 + 24], False),
        (OTHER_DAY, [10.5 + 24], True),
        (Backup(86400.0, 7, "03:00", "No/Where"), [9.5], True),
    ],
)
def test_what_is_due(asked: Backup, ago: list[float], *, due: bool) -> None:
    """`ago`: hours before noon (UTC) at which backups were taken; negative: by a clock that was ahead."""
    assert is_due(asked, [NOON - hours(one) for one in ago], NOON) is due


def test_the_hand_starts_one_when_it_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once a minute it looks; after a try it waits a quarter of an hour; agents have nothing to keep."""
    started: list[object] = []

    def run(argv: tuple[str, ...], **_: float) -> Ran:
        started.append(argv)
        return ran(code=5, err="edgectl-node: no backup: 1 MB are free\n")

    monkeypatch.setattr(programs, "run", run)
    monkeypatch.setattr(backups, "Thread", _Now)
    clock = [0.0]
    places = Places(tmp_path)
    hand = Backups(places, monotonic=lambda: clock[0], now=lambda: NOON)
    hand.tick()
    assert started == [], "nothing is deployed"
    deployed(places, 1)
    clock[0] = EVERY_SECONDS
    hand.tick()
    hand.tick()
    assert started == [COMMAND]
    assert "1 MB are free" in capsys.readouterr().err
    clock[0] += AGAIN_SECONDS - 1
    hand.tick()
    assert started == [COMMAND], "it has failed, and the disk is left in peace"
    clock[0] += 1
    hand.tick()
    assert started == [COMMAND, COMMAND]
    places.saved.mkdir()
    (places.saved / "20261128T115900Z-s1.backup").write_bytes(b"")
    clock[0] += AGAIN_SECONDS
    hand.tick()
    assert len(started) == 2, "one has been taken a minute ago"
    deployed(places, 2, node="node-2")
    (places.saved / "20261128T115900Z-s1.backup").unlink()
    clock[0] += EVERY_SECONDS
    hand.tick()
    assert len(started) == 2


@pytest.mark.parametrize(
    ("ago", "old", "late"),
    [([], 1, False), ([], 50, True), ([48], 500, False), ([50], 500, True), ([50, -1], 500, True), ([1], 500, False)],
)
def test_a_store_without_backups_says_so(node: FakeNode, ago: list[float], old: float, *, late: bool) -> None:
    """`ago`: hours since each was taken; `old`: since the cluster was made. It serves all the same."""
    token = node.places.k3s_data / "server/token"
    assert BackedUp(DAILY, now=lambda: NOON).probe(node).absent == ""
    token.parent.mkdir(parents=True)
    token.touch()
    os.utime(token, ((NOON - hours(old)).timestamp(),) * 2)
    node.places.saved.mkdir(parents=True)
    for one in ago:
        (node.places.saved / f"{NOON - hours(one):{STAMP}}-s1.backup").touch()
    seen = BackedUp(DAILY, now=lambda: NOON).probe(node)
    assert seen.status is Status.CURRENT
    assert bool(seen.absent) is late


class _Now:
    """A thread that has ended when it has begun."""

    def __init__(self, target: Callable[[], None], *, daemon: bool) -> None:
        self.start = target
        assert daemon

    def is_alive(self) -> bool:
        return False
