"""Numbers, errors and journal lines as people read them."""

from __future__ import annotations

import pytest

from edgectl.report.words import count, duration, failed, journal_line, run_line, size
from edgectl.wire.errors import EdgectlError, NotReady


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (9_100, "9.1 KB"), (31_000_000, "31.0 MB"), (4.2e9, "4.20 GB")],
)
def test_bytes(number: float, text: str) -> None:
    """In powers of ten, as disks and links are sold."""
    assert size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.0 s"), (1.64, "1.6 s"), (60, "1 min 0 s"), (232, "3 min 52 s"), (7500, "2 h 5 min")]
)
def test_seconds(seconds: float, text: str) -> None:
    """No more precise than a person needs."""
    assert duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 changes"), (1, "1 change"), (2, "2 changes")])
def test_plural(number: int, text: str) -> None:
    """One is singular."""
    assert count(number, "change") == text


@pytest.mark.parametrize("kind", EdgectlError.__subclasses__(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_to_do_next(kind: type[EdgectlError]) -> None:
    """What, what to do next, and the exit code, also for an error that brings no hint."""
    lines = failed(kind("it is broken")).splitlines()
    assert lines[0] == "error: it is broken"
    assert len(lines[-2]) > len("  next: ")
    assert lines[-1] == f"  exit {int(kind.exit)}"


def test_evidence_stands_between_what_and_next() -> None:
    """Each line of it, indented."""
    text = failed(NotReady("it is broken", hint="mend it", details=("$ a\nout", "b")))
    assert text.splitlines() == ["error: it is broken", "  $ a", "  out", "  b", "  next: mend it", "  exit 5"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("20261121T130211.123456-deploy-8f3a1c22.jsonl", "2026-11-21 13:02:11  deploy  8f3a1c22"),
        ("20261121T130211.123456-heal-8f3a1c22.jsonl", "2026-11-21 13:02:11  heal    8f3a1c22"),
        ("notes.jsonl", "notes.jsonl"),
        ("", ""),
    ],
)
def test_a_run_is_named_as_people_tell_time(name: str, text: str) -> None:
    """What is no run's name is shown as it is."""
    assert run_line(name) == text


def test_a_journal_line_carries_its_differences_and_evidence() -> None:
    """And an event without anything is no crash."""
    item = {
        "at": 1.5,
        "word": "failed",
        "title": "k3s",
        "reason": "why",
        "differences": [["a", "b", "c"]],
        "evidence": ["e"],
    }
    head, difference, evidence = journal_line(item).splitlines()
    assert head.split() == ["1.50", "s", "failed", "k3s", "why"]
    assert (difference.strip(), evidence.strip()) == ("a: b -> c", "e")
    assert journal_line({})
