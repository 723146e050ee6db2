"""Hours of the week and ranges of versions, as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from edgectl.control.policy.versions import asked_range, within
from edgectl.wire.hours import window


@pytest.mark.parametrize(
    ("text", "moment", "holds"),
    [
        ("mon-fri 22:00-05:00 Europe/Berlin", "2026-11-20T21:00", True),  # Friday 22:00 in Berlin
        ("mon-fri 22:00-05:00 Europe/Berlin", "2026-11-21T03:59", True),  # Saturday 04:59: Friday's night
        ("mon-fri 22:00-05:00 Europe/Berlin", "2026-11-21T04:00", False),
        ("mon-fri 22:00-05:00 Europe/Berlin", "2026-11-21T22:00", False),  # Saturday evening
        ("sat,sun 08:00-10:00 UTC", "2026-11-22T08:00", True),
        ("sun-mon 08:00-10:00 UTC", "2026-11-23T09:59", True),
        ("08:00-10:00 UTC", "2026-11-24T10:00", False),
    ],
)
def test_hours(text: str, moment: str, *, holds: bool) -> None:
    """Law: the begin is in, the end is not; a night belongs to the day on which it begins."""
    assert window(text).holds(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is holds


@pytest.mark.parametrize(
    "text", ["always", "mon-fri 22-05 UTC", "mon-fry 22:00-05:00 UTC", "22:00-25:00 UTC", "22:00-05:00 X/Y"]
)
def test_hours_that_are_none(text: str) -> None:
    """Law: what cannot be read is refused, not taken for never or always. Seeded faults: five."""
    with pytest.raises(ValueError, match=r"hours are needed|no time zone|no day|hour"):
        window(text)


@pytest.mark.parametrize(
    ("version", "asked", "inside"),
    [
        ("v1.36.3+k3s1", ">=1.34,<1.38", True),
        ("v1.38.0+k3s1", ">=1.34,<1.38", False),
        ("v1.38.0-rc1+k3s1", ">=1.34", False),
        ("570.86.15", ">=570,<580", True),
        ("", ">=1", False),
        ("v1.36.3+k3s1", "==1.36.*", True),
    ],
)
def test_ranges(version: str, asked: str, *, inside: bool) -> None:
    """Law: numbers are compared as numbers; a pre-release and what is no version lie in no range."""
    assert within(version, asked) is inside


def test_a_range_that_is_none() -> None:
    """Law: a range that cannot be read is refused. Seeded fault: words."""
    with pytest.raises(ValueError, match="a range of versions is needed"):
        asked_range("new ones")
