"""When a node may restart: only what serves has hours to keep, and hours that are not known are not now."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from edgectl.node.reboot import hours
from edgectl.node.reboot.hours import believed, permitted
from edgectl.wire.host import Reboots

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MONDAY_NIGHT = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
NIGHTS = Reboots(("mon-fri 22:00-05:00 UTC",))


def test_what_serves_keeps_its_hours() -> None:
    """Outside them it says when they begin, in the store's own time; in them it may."""
    assert permitted(NIGHTS, serves=True, may_reboot=False, now=MONDAY_NOON) == "waits for its hours, next Mon 22:00"
    assert permitted(NIGHTS, serves=True, may_reboot=False, now=MONDAY_NIGHT) == ""
    tokyo = Reboots(("tue 22:00-23:00 Asia/Tokyo",))
    assert "next Tue 22:00" in permitted(tokyo, serves=True, may_reboot=False, now=MONDAY_NIGHT)


@pytest.mark.parametrize("now", [None, MONDAY_NOON])
def test_hours_are_for_what_serves_and_has_some(now: datetime | None) -> None:
    """Not for a store that runs nothing yet, nor where a person has said so, nor where none are declared."""
    assert permitted(NIGHTS, serves=False, may_reboot=False, now=now) == ""
    assert permitted(NIGHTS, serves=True, may_reboot=True, now=now) == ""
    assert permitted(Reboots(), serves=True, may_reboot=False, now=now) == ""


def test_a_clock_that_cannot_be_right_is_no_time_to_restart() -> None:
    """Its hours are not known."""
    said = permitted(NIGHTS, serves=True, may_reboot=False, now=None)
    assert said == "this machine's clock cannot be right, so its hours are not known"


def test_without_the_data_of_zones_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minimal Debian has none."""
    lost = Reboots(("mon 22:00-05:00 Mars/Olympus",))
    assert "the package tzdata" in permitted(lost, serves=True, may_reboot=False, now=MONDAY_NIGHT)

    def none(_: str) -> None:
        raise ValueError("there is no time zone")

    monkeypatch.setattr(hours, "window", none)
    assert "the package tzdata" in permitted(NIGHTS, serves=True, may_reboot=False, now=MONDAY_NIGHT)


@pytest.mark.parametrize(
    ("created", "right"),
    [
        (("2026-11-23T11:00:00+00:00",), True),
        (("2026-11-23T11:00:00Z",), True),
        (("2026-11-23T13:00:00+00:00",), False),
        (("2026-11-23T13:00:00+02:00",), True),
        (("2026-11-23T12:09:00+00:00",), True),  # an operator's clock is ahead
        (("2026-11-23T12:11:00+00:00",), False),
        (("2026-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"), False),
        (("", "never", "2027-01-01T00:00:00"), True),
        ((), True),
    ],
)
def test_a_clock_before_what_was_made_earlier_is_not_believed(created: tuple[str, ...], *, right: bool) -> None:
    """A dead battery, say; what is no time, or has no zone, says nothing."""
    assert believed(MONDAY_NOON, *created) == (MONDAY_NOON if right else None)
