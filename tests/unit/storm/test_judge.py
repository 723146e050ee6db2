"""The judge bites: a start before its proof, on a withdrawn proof, on the wrong GPU; a dead pod; a slow storm."""

from __future__ import annotations

import pytest

from edgectl.control.accept.starts import NANO, Start, judge_starts, lines
from tests.storm.judge import Row, broken, gaps

A, B = "GPU-5a9dbc01-0000-4000-8000-000000000000", "GPU-5a9dbc01-0000-4000-8000-000000000001"


def wrongs(proofs: str, starts: str, *, not_before: int = 0) -> list[str]:
    return [start.wrong for start in judge_starts(lines(proofs), lines(starts), not_before=not_before)]


@pytest.mark.parametrize(
    ("proofs", "starts", "expected"),
    [
        ("100 proven marker", "200 entrypoint pod -", [""]),
        (f"100 proven {A}", f"200 entrypoint pod {A}", [""]),
        (f"100 proven {A}\n150 withdrawn {B}", f"200 entrypoint pod {A}", [""]),
        (f"100 withdrawn marker\n150 proven {A}", f"200 entrypoint pod {A}", [""]),
        (f"100 proven {A}\n110 withdrawn {A}\n120 proven {A}", f"200 entrypoint pod {A}", [""]),
        ("100 proven 2 of 2", f"200 entrypoint pod {A},{B}", [""]),
    ],
)
def test_a_proven_start(proofs: str, starts: str, expected: list[str]) -> None:
    assert wrongs(proofs, starts) == expected


@pytest.mark.parametrize(
    ("proofs", "starts", "says"),
    [
        ("", "200 entrypoint pod -", "before any proof"),
        ("300 proven marker", "200 entrypoint pod -", "before any proof"),
        ("100 withdrawn marker", "200 entrypoint pod -", "before any proof"),
        ("100 proven marker\n150 withdrawn marker", "200 entrypoint pod -", "after its proof was withdrawn"),
        ("100 proven marker\n150 withdrawn marker", f"200 entrypoint pod {A}", "after its proof was withdrawn"),
        (f"100 proven {A}\n150 withdrawn {A}", f"200 entrypoint pod {A}", f"withdrawn ({A})"),
        (f"100 proven {A}", f"200 entrypoint pod {B}", "never proven"),
        (f"100 proven {A}", f"200 entrypoint pod {A},{B}", "never proven"),
    ],
    ids=["no-proof", "too-early", "only-withdrawn", "withdrawn", "all-withdrawn", "one-withdrawn", "other", "both"],
)
def test_an_unproven_start(proofs: str, starts: str, says: str) -> None:
    (wrong,) = wrongs(proofs, starts)
    assert says in wrong


def test_no_log_can_prove_what_was_not_there() -> None:
    """Law: before the hardware was ready nothing counts as proven, though the product says so."""
    (wrong,) = wrongs("1 proven marker", f"{NANO} entrypoint pod -", not_before=3 * NANO)
    assert wrong == "2.0 s before the hardware was ready"


def test_each_start_is_judged_by_itself() -> None:
    proofs = "100 proven marker\n300 withdrawn marker\n500 proven marker"
    found = wrongs(proofs, "600 entrypoint c -\n400 entrypoint b -\n200 entrypoint a -")
    assert [bool(wrong) for wrong in found] == [False, True, False]


def test_torn_lines_are_no_lines() -> None:
    assert lines("12\n\nproven\nx proven marker\n100 proven") == lines("100 proven")


GOOD = Row(1, "reboot", hardware=10.0, serving=20.0, starts=(Start(1, "pod", ""),))
SEEDED = {
    "unproven": (
        Row(1, "reboot", 10, 20, starts=(Start(1, "pod", "before any proof of its boot"),)),
        "before any proof",
    ),
    "none": (Row(1, "reboot", 10, 20), "no proven entrypoint"),
    "dead": (Row(1, "reboot", 10, 20, starts=GOOD.starts, dead_left=("vision/pod (Failed)",)), "left dead: vision/pod"),
    "lost": (Row(1, "reboot", failed="not serving within 400 s"), "not serving"),
    "slow": (Row(1, "reboot", 10, 41, starts=GOOD.starts), "median from ready hardware to serving: 31.0 s"),
}


@pytest.mark.parametrize("fault", SEEDED)
def test_a_broken_law_is_named(fault: str) -> None:
    row, says = SEEDED[fault]
    assert any(says in found for found in broken([row]))
    assert broken([GOOD]) == ()


def test_what_went_on_does_not_flatter_the_median() -> None:
    """Law: an event that ended no entrypoint needs no new one, and its zero seconds do not count."""
    went_on = Row(2, "daemon-reload", hardware=0.1, serving=0.1, interrupted=False)
    assert went_on.broken == ()
    assert gaps([GOOD, went_on, went_on]) == [10.0]
