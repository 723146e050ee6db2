"""Laws 1 to 8 under every fault: a sample here, all of it with `nox -s faults -- --every 1`."""

from __future__ import annotations

import pytest

from tests.sim.faults import cases
from tests.sim.histories import given, histories
from tests.sim.matrix import EVERY, run_all

MANY = 1500


def test_every_fault_is_survived() -> None:
    """Killed, cut, reset, swallowed, failed, hung or full, at any event: it ends where the declaration says."""
    rows = run_all(EVERY)
    broken = [f"{row.case}: {row.broken}" for row in rows if row.broken]
    assert broken == []
    assert len({row.case for row in rows}) == len(rows) >= MANY


@pytest.mark.long
def test_every_fault_is_survived_everywhere() -> None:
    """All cases."""
    broken = [f"{row.case}: {row.broken}" for row in run_all(1) if row.broken]
    assert broken == []


def test_cases_come_from_what_has_happened() -> None:
    """Each is one event of a recorded run with one fault, and none is there twice."""
    for history in histories():
        with given(history.given) as kept:
            found = cases(history, kept)
            keys = {(case.history.name, case.at, case.fault) for case in found}
            assert len(keys) == len(found) > 100, history.name
