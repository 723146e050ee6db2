"""When to try again: pauses that double, are drawn, and end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.node.io.places import Places
from edgectl.node.outbox.told import LONGEST_PAUSE_SECONDS, Told, keep, read


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1e6))
def test_no_pause_is_longer_than_it_may_be(fails: int, drawn: float, after: float) -> None:
    """Law: half a minute at least, 15 minutes at most, whatever the other side asks for."""
    told = Told(fails=fails).failed("why", now=1000.0, time="t", after=after, draw=lambda: drawn)
    assert 30.0 <= told.again - 1000.0 <= LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize(
    ("fails", "least", "most"), [(0, 30, 60), (1, 60, 120), (3, 240, 480), (4, 450, 900), (99, 450, 900)]
)
def test_pauses_double(fails: int, least: float, most: float) -> None:
    """Between half of it and all of it."""
    ends = [Told(fails=fails).failed("w", now=0.0, time="t", draw=lambda d=d: d).again for d in (0.0, 1.0)]  # type: ignore[misc]
    assert ends == [least, most]


def test_it_remembers_the_first_of_them(tmp_path: Path) -> None:
    """Since when, how often, why; one that arrives ends it."""
    told = Told().failed("one", now=0.0, time="10:00").failed("two", now=60.0, time="10:01")
    assert (told.fails, told.since, told.why) == (2, "10:00", "two")
    places = Places(tmp_path)
    keep(places, told)
    assert read(places) == told
    again = told.well(time="10:05")
    assert (again.fails, again.since, again.why, again.again, again.last) == (0, "", "", 0.0, "10:05")


def test_a_torn_note_is_none(tmp_path: Path) -> None:
    """It costs one entry told twice."""
    places = Places(tmp_path)
    places.run.mkdir(parents=True)
    for text in (b"", b"{", b"[]", b'{"fails": "x"}'):
        (places.run / "uplink.json").write_bytes(text)
        assert read(places) == Told()
