"""Clocks that are wrong, on the node or on the operator's side: nothing refuses for ever, nothing ends otherwise."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from edgectl.control.deploy import deploy as operator
from edgectl.node.converge import journal
from edgectl.wire.errors import Exit
from tests.sim import stock
from tests.sim.faults import clean
from tests.sim.histories import given, state

_DAY = 86400.0
_YEAR = 365.25 * _DAY
_LOST = time.time()  # back to 1970: no battery
OFFSETS = {
    "10 years back": -10 * _YEAR,
    "a day back": -_DAY,
    "a day on": _DAY,
    "10 years on": 10 * _YEAR,
    "1970": -_LOST,
}


class _Offset:
    """How wrong a clock is; it may be put right at any time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def datetime(self) -> type[datetime]:
        """Return a datetime class whose now is wrong."""
        offset = self

        class Wrong(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return datetime.now(tz) + timedelta(seconds=offset.seconds)

        return Wrong


@pytest.mark.parametrize("late_sync", [False, True], ids=["stays", "put-right-in-the-middle"])
@pytest.mark.parametrize("side", ["node", "operator"])
@pytest.mark.parametrize("name", OFFSETS)
def test_a_wrong_clock_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, side: str, *, late_sync: bool
) -> None:
    """An update, a heal, a failing update, a way back: the same ends, and the newest run is last in the journal."""
    offset = _Offset(OFFSETS[name])
    real_time, real_gmtime = time.time, time.gmtime
    with given(("A",)) as kept, kept.world() as world:
        if side == "node":
            monkeypatch.setattr(journal, "datetime", offset.datetime())
            monkeypatch.setattr(time, "time", lambda: real_time() + offset.seconds)
            monkeypatch.setattr(time, "gmtime", lambda at=None: real_gmtime(time.time() if at is None else at))
        else:
            monkeypatch.setattr(operator, "datetime", offset.datetime())
        world.heal()
        assert world.ended[-1]["exit"] == Exit.OK
        pressed = world.press(stock.offer(stock.B))
        if late_sync:
            world.processes.run(4000, until=lambda: "gpu" in "".join(what for _, what in world.events[-3:]))
            offset.seconds = 0.0
        world.let(pressed)
        assert (pressed.exit, state(world)) == (Exit.OK, "B")
        assert world.deploy(stock.offer(stock.BAD)).exit == Exit.NOT_READY
        assert state(world) == "B"
        assert world.deploy(stock.offer(stock.A)).exit == Exit.OK
        newest = journal.newest(*world.places.journals)
        assert newest is not None
        assert journal.read(newest, 0)[0][-1]["data"]["sequence"] == 4
        world.settle()
        found, end = state(world), world.facts.end()
    assert (found, end) == ("A", clean("A"))
