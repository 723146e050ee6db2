"""When a node tells upward."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import pytest

from edgectl.node.io import programs
from edgectl.node.outbox import told as notes
from edgectl.node.outbox.told import Told
from edgectl.node.watch import ground, upward, watchdog
from edgectl.node.watch.upward import COMMAND, Upward
from edgectl.wire.payload import Uplink
from tests.unit.node.outbox.test_drain import URL, Store, made


class Programs:
    """Stands for the telling: each call waits until it is let go."""

    def __init__(self) -> None:
        self.started: list[tuple[str, ...]] = []
        self.go = Event()
        self.go.set()

    def run(self, argv: tuple[str, ...], *, limit_seconds: float) -> None:
        """Take as long as the test wants."""
        assert limit_seconds > 0
        self.started.append(argv)
        self.go.wait(10)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Return what is started."""
    found = Programs()
    monkeypatch.setattr(programs, "run", found.run)
    return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a node with a way up."""
    return made(tmp_path)


def ticks(store: Store, *at: float) -> Upward:
    """Look at these moments."""
    now = [0.0]
    found = Upward(store.places, monotonic=lambda: now[0])
    for moment in at:
        now[0] = moment
        found.tick()
        if found._telling is not None and moment != at[-1]:
            found._telling.join(0.2)
    if found._telling is not None:
        found._telling.join(0.2)
    return found


def test_at_once_then_every_minute(store: Store, program: Programs) -> None:
    """Law: no gap after boot: the first look tells."""
    ticks(store, 0, 2, 59, 60, 61, 119, 121)
    assert program.started == [COMMAND] * 3


def test_one_at_a_time(store: Store, program: Programs) -> None:
    """One that hangs holds up nothing, and is not joined by another."""
    program.go.clear()
    ticks(store, 0, 61, 122)
    assert len(program.started) == 1
    program.go.set()


def test_after_tries_in_vain_it_waits(store: Store, program: Programs) -> None:
    """Law: no try before the pause is over."""
    notes.keep(store.places, Told(fails=3, again=200.0, why="x"))
    ticks(store, 0, 61, 122, 183, 244)
    assert len(program.started) == 1


def test_where_no_uplink_is_declared_nothing_starts(store: Store, program: Programs) -> None:
    """And where one is declared later, it starts without a restart."""
    store.declare(None)
    found = ticks(store, 0, 61)
    assert program.started == []
    store.declare(Uplink(URL))
    found._next = float("-inf")
    found.tick()
    assert found._telling is not None
    found._telling.join(5)
    assert program.started == [COMMAND]


def test_a_bare_node_tells_nobody(tmp_path: Path, program: Programs) -> None:
    """No store, no uplink."""
    ticks(Store(store_places(tmp_path)), 0)
    assert program.started == []


def store_places(folder: Path) -> Any:
    """Return a bare node's places."""
    from edgectl.node.io.places import Places

    return Places(folder)


def test_the_watchdog_has_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a node without GPUs, also in a pause: the loop itself looks."""
    looked: list[str] = []
    monkeypatch.setattr(upward.Upward, "tick", lambda _: looked.append("upward"))
    monkeypatch.setattr(ground.Ground, "tick", lambda _: looked.append("ground"))
    monkeypatch.setattr(watchdog.Watchdog, "tick", lambda _: 1.0)
    alive = iter([True, True, False])
    monkeypatch.setattr(watchdog.Watchdog, "is_of_this_engine", lambda _: next(alive))
    watchdog.run(store.places, sleep=lambda _: None)
    assert looked == ["ground", "upward"] * 2
