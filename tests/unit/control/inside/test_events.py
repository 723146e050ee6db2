"""Rows of what happened: from Kubernetes' events of every age, and from verdicts; nothing in them moves a cursor."""

from __future__ import annotations

import pytest

from edgectl.control.inside.events import Row, event_row, verdict_row
from edgectl.control.inside.plain import plain
from edgectl.report.inside import events

EVENT = {
    "metadata": {"creationTimestamp": "2026-11-28T05:00:00Z"},
    "type": "Warning",
    "reason": "BackOff",
    "message": "Back-off restarting\nfailed container",
    "count": 7,
    "firstTimestamp": "2026-11-28T05:01:00Z",
    "lastTimestamp": "2026-11-28T05:30:00Z",
    "involvedObject": {"kind": "Pod", "namespace": "vision", "name": "inference-1"},
}


def test_an_event() -> None:
    """The last time counts; a message is one line."""
    assert event_row(EVENT) == Row(
        "2026-11-28T05:30:00Z",
        "kubernetes",
        "Warning",
        "vision/pod/inference-1",
        "BackOff",
        "Back-off restarting failed container",
        7,
    )


def test_events_of_the_newer_form_have_their_times_elsewhere() -> None:
    """events.k8s.io writes eventTime with microseconds and a series, and null for the rest."""
    newer = {**EVENT, "lastTimestamp": None, "firstTimestamp": None, "eventTime": "2026-11-28T05:02:00.123456Z"}
    assert event_row(newer).time == "2026-11-28T05:02:00Z"
    series = {**newer, "series": {"count": 9, "lastObservedTime": "2026-11-28T05:03:00.000000Z"}}
    assert (event_row(series).time, event_row(series).count) == ("2026-11-28T05:03:00Z", 9)
    assert event_row({}).count == 1


def test_an_event_cannot_move_the_cursor() -> None:
    """Whoever may make pods writes what stands there. Seeded fault: show a message as it is."""
    bad = {**EVENT, "message": "a\x1b[2Jb\x9b31mc\u202ed\x00", "reason": "x\x1b]0;t\x07", "type": "\x1b[31mNormal"}
    row = event_row({**bad, "involvedObject": {"name": "a\x1b[1m\rb"}})
    for text in (row.message, row.reason, row.word, row.about, row.time):
        assert text.isprintable(), text
    assert verdict_row("8f3a", {"word": "ready\x07", "reason": "\x1b[2J", "time": "2026"}).word == "ready?"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("Zürich 東京\ttab", "Zürich 東京\ttab"),
        ("\x1b]0;title\x07", "?]0;title?"),
        ("over\rwritten", "over?written"),
        ("end\r\n", "end"),
        ("\x1b[?25l", "?[?25l"),
    ],
)
def test_what_is_let_through(text: str, shown: str) -> None:
    """Colours go, letters of all languages stay, the rest is a question mark."""
    assert plain(text) == shown


def test_one_table() -> None:
    """Verdicts and events stand in one order, with how often."""
    rows = sorted([event_row(EVENT), verdict_row("8f3a", {"time": "2026-11-28T05:29:00Z", "word": "ready"})])
    assert events("store-042", rows).splitlines()[1:] == [
        "2026-11-28 05:29:00  ready      run 8f3a",
        "2026-11-28 05:30:00  Warning    vision/pod/inference-1  (7 times)",
        "                     BackOff: Back-off restarting failed container",
    ]
    assert events("store-042", []) == "store-042: nothing has happened in that time"
