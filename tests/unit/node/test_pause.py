"""A pause ends by itself, also when the clock goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.node import pause
from edgectl.node.io.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return a node that ada paused at 1000 for an hour."""
    found = Places(tmp_path)
    pause.begin(found, who="ada@laptop", why="new rack", seconds=3600, now=lambda: 1000.0)
    return found


@pytest.mark.parametrize(("now", "in_force"), [(1000, True), (4599, True), (4600, False), (900_000, False)])
def test_it_ends_by_itself(places: Places, now: float, in_force: bool) -> None:  # noqa: FBT001 - a table's column
    """From its beginning to its end, not a second longer."""
    assert (pause.read(places, now=lambda: now) is not None) == in_force


@pytest.mark.parametrize(("now", "in_force"), [(0, False), (900, False), (950, True)])
def test_a_clock_that_went_back_ends_it(places: Places, now: float, in_force: bool) -> None:  # noqa: FBT001 - a table's column
    """A node without a battery wakes up in 1970: it must not stay paused for fifty years."""
    assert (pause.read(places, now=lambda: now) is not None) == in_force


def test_it_says_who_why_and_until_when(places: Places) -> None:
    """The sentence that a locked-out colleague reads."""
    found = pause.read(places, now=lambda: 1000.0)
    assert found is not None
    assert found.sentence() == "paused by ada@laptop until 1970-01-01 01:16 UTC: new rack"


def test_it_can_be_ended_and_renewed(places: Places) -> None:
    """Ending twice is fine; a new pause replaces the old one."""
    pause.begin(places, who="bob", why="b", seconds=10, now=lambda: 2000.0)
    assert pause.read(places, now=lambda: 2011.0) is None
    pause.end(places)
    pause.end(places)
    assert pause.read(places, now=lambda: 2001.0) is None


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"who": 1}', b"\0"])
def test_what_cannot_be_read_is_no_pause(places: Places, text: bytes) -> None:
    """A torn file does not switch self-healing off."""
    places.pause.write_bytes(text)
    assert pause.read(places, now=lambda: 1000.0) is None
