"""Limits by the time of day, and the estimate through all their changes; nothing is invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from edgectl.control.deploy.caps import ASKED, DOWNLINK, LIMITS, MEASURED, Caps, Forecast
from edgectl.control.inventory.store import LimitSettings, NetworkSettings
from edgectl.wire.hours import hours

DAY = LimitSettings(62_500.0, hours((), "08:00", "20:00", "Europe/Berlin"))
ALWAYS = LimitSettings(250_000.0)
NIGHT = LimitSettings(125_000.0, hours(("fri", "sat"), "22:00", "06:00", "Europe/Berlin"))
SUNDAY = LimitSettings(50_000.0, hours(("sun",), "00:00", "00:00", "Europe/Berlin"))
NETWORK = NetworkSettings(None, (DAY, ALWAYS, NIGHT, SUNDAY))


def at(text: str) -> datetime:
    """Return a moment of Berlin's winter, an hour before UTC."""
    return datetime.fromisoformat(f"{text}:00+01:00").astimezone(UTC)


def caps(moment: str, *, line: float | None = None, limits: Any = NETWORK.limits, asked: float | None = None) -> Caps:
    return Caps(NetworkSettings(line, limits), asked, lambda: at(moment))


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [
        ("2026-11-25T07:59", 250_000),  # a Wednesday
        ("2026-11-25T08:00", 62_500),
        ("2026-11-25T19:59", 62_500),
        ("2026-11-25T20:00", 250_000),
        ("2026-11-27T23:00", 125_000),  # Friday's night
        ("2026-11-28T05:59", 125_000),  # is not over on Saturday
        ("2026-11-28T06:00", 250_000),
        ("2026-11-29T03:00", 50_000),  # the whole of Sunday; of two that hold, the smaller
        ("2026-11-29T10:00", 50_000),
        ("2026-11-30T00:00", 250_000),
    ],
)
def test_the_smallest_that_holds_now_wins(moment: str, wanted: float) -> None:
    """Law: of all limits that hold, the smallest, in the store's own time."""
    assert caps(moment).now() == wanted
    assert caps(moment, asked=1_000_000).now() == 1_000_000
    assert caps(moment, asked=1_000_000).instead_of() == wanted
    assert caps(moment).instead_of() is None


def test_no_limits_are_none() -> None:
    """Nothing is said, nothing holds."""
    assert Caps().now() is None


def test_summer_time_moves_with_the_store() -> None:
    """In July 06:30 UTC is half past eight in Berlin."""
    summer = Caps(NETWORK, clock=lambda: datetime(2026, 7, 1, 6, 30, tzinfo=UTC))
    assert summer.now() == 62_500


@pytest.mark.parametrize(
    ("given", "measured", "wanted"),
    [
        (caps("2026-11-25T03:00", limits=()), None, Forecast()),
        (caps("2026-11-25T03:00", limits=(), line=1e6), None, Forecast(31, 1e6, DOWNLINK)),
        (caps("2026-11-25T03:00", limits=(), line=1e6), 2e6, Forecast(31, 1e6, DOWNLINK)),
        (caps("2026-11-25T03:00", limits=()), 5e5, Forecast(62, 5e5, MEASURED)),
        (caps("2026-11-25T03:00"), None, Forecast(124, 250_000, LIMITS, line_unknown=True)),
        (caps("2026-11-25T03:00", line=1e6), None, Forecast(124, 250_000, LIMITS)),
        (caps("2026-11-25T03:00", line=1e5), None, Forecast(310, 1e5, DOWNLINK)),
        (caps("2026-11-25T03:00", line=1e6, asked=62_500), None, Forecast(496, 62_500, ASKED)),
        # 31 MB at 250 kB/s until eight (15 MB in a minute), the rest at 62.5 kB/s
        (caps("2026-11-25T07:59", line=1e6), None, Forecast(60 + 256, 250_000, LIMITS)),
        # a limit that ends, on a line that nobody knows
        (caps("2026-11-25T19:59", limits=(DAY,)), None, Forecast(None, 62_500, LIMITS, line_unknown=True)),
        (caps("2026-11-25T19:59", limits=(DAY,)), 1e6, Forecast(60 + 27.25, 62_500, LIMITS)),
    ],
)
def test_the_estimate(given: Caps, measured: float | None, wanted: Forecast) -> None:
    """Law: through every change of the limits, at the slower of limit and line; no time where nobody knows one."""
    assert given.forecast(31_000_000, measured) == wanted


def test_a_transfer_of_weeks_has_an_end() -> None:
    """Law: looking ahead is bounded, whatever the numbers."""
    found = caps("2026-11-25T07:59", line=1e6).forecast(10**14)
    assert found.seconds is not None
    assert 10**8 < found.seconds < 10**10
