"""Drawing a storm: the same seed is the same storm, and nothing is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.storm import events

PAGE = Path(__file__).parents[3] / "docs" / "storm.md"


@pytest.mark.parametrize("seed", range(20))
def test_the_same_seed_is_the_same_storm(seed: int) -> None:
    assert events.draw(seed, 12) == events.draw(seed, 12)
    assert events.draw(seed, 12) != events.draw(seed + 1, 12)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("count", [len(events.KINDS), 12, 60])
def test_every_kind_is_drawn_if_there_are_enough_events(seed: int, count: int) -> None:
    drawn = events.draw(seed, count)
    assert [event.number for event in drawn] == list(range(1, count + 1))
    assert {event.kind for event in drawn} == set(events.KINDS)


@pytest.mark.parametrize("seed", range(20))
def test_fewer_events_are_all_of_different_kinds(seed: int) -> None:
    assert len({event.kind for event in events.draw(seed, 5)}) == 5


@pytest.mark.parametrize(("count", "limit"), [(12, events.SHORT_SECONDS), (60, events.LONG_SECONDS)])
def test_delays_keep_their_limit(count: int, limit: float) -> None:
    """A short storm has no long delays; a long one has some that are longer than any of a short one."""
    late = [event.seconds for seed in range(20) for event in events.draw(seed, count)]
    assert 0.75 * limit < max(late) <= limit


def test_only_some_kinds_can_be_asked_for() -> None:
    drawn = events.draw(3, 4, only=(events.LATE,), longest=7)
    assert {event.kind for event in drawn} == {events.LATE}
    assert all(0 <= event.seconds <= 7 for event in drawn)


@pytest.mark.parametrize("seed", range(10))
def test_an_event_knows_what_it_takes_with_it(seed: int) -> None:
    """A boot makes the plugin register again; a late plugin needs something that makes it do so."""
    for event in events.draw(seed, 60):
        assert event.registers or not event.boots
        if event.kind in {events.LATE, events.DRIVER, events.UVM}:
            assert event.registers, event
        assert event.by in str(event)


def test_the_page_has_each_event_and_no_other() -> None:
    """docs/storm.md says how every event is done."""
    part = PAGE.read_text().partition("## What strikes")[2].partition("## ")[0]
    rows = [line.split("|")[1].strip() for line in part.splitlines() if line.startswith("|")][2:]
    assert rows == list(events.KINDS)
