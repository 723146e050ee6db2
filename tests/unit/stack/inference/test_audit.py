"""Frames that the fast tier was sure of, and the full one is asked about, too."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from edgectl.stack.inference.audit import PATIENCE_SECONDS, Audit
from edgectl.stack.inference.batch import Batching
from edgectl.stack.inference.job import Answered, Failed, Job
from edgectl.stack.inference.scores import Both
from edgectl.stack.inference.tiers import Band
from tests.unit.stack.inference.fakes import Adder, frame, version
from tests.unit.stack.inference.test_serve import running

SURE = (9.0, -9.0)


def said(tier: str = "fast") -> Answered:
    """Return an answer."""
    return Answered({}, tier, "m", "1", "1-aa")


def job() -> Job:
    """Return a question of one frame."""
    return Job(frame(*SURE), deadline=1e9)


@pytest.mark.parametrize(("share", "audited"), [(0.0, 0), (0.02, 20), (0.1, 100), (1.0, 1000)])
def test_a_share_is_audited_evenly(share: float, audited: int) -> None:
    """Law: of sure frames exactly the share, none in a burst. Seeded fault: every unsure one counts, too."""
    audit = Audit(share)
    found = [audit.pick([job()], [said()], busy=False) is not None for _ in range(1000)]
    assert sum(found) == audited
    gaps = [later - at for at, later in pairwise(number for number, one in enumerate(found) if one)]
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert all(audit.pick([job()], [said("full")], busy=False) is None for _ in range(100))
    assert audit.pick([job()], [Failed("no")], busy=False) is None


def test_nobody_is_audited_while_others_wait_and_no_debt_grows() -> None:
    """Law: a busy hour is not followed by a burst of audits. Seeded fault: all that was owed is paid at once."""
    audit = Audit(0.02)
    assert all(audit.pick([job()], [said()], busy=True) is None for _ in range(10_000))
    found = [audit.pick([job()], [said()], busy=False) is not None for _ in range(50)]
    assert found[0]
    assert sum(found) <= 2


def test_the_answer_says_what_the_full_tier_says_of_a_sure_frame() -> None:
    """Law: an audited frame is answered by the fast tier, with the full one's word beside it; others have none."""
    with running(version("1", Adder((-30.0, 0.0)), Adder(), band=Band(0.2, 0.8)), audit=0.5) as service:
        got = [service.ask(frame(*SURE), deadline_seconds=5) for _ in range(4)]
    assert [one.tier for one in got] == ["fast"] * 4
    assert [one.fast is not None for one in got] == [False, True, False, True]
    assert got[1].fast is not None
    assert got[1].fast == Both(1.0, agreed=False)


def test_a_full_tier_that_hangs_holds_no_answer_up() -> None:
    """Law: an audited frame waits for a moment at most, and then has the fast tier's answer.

    Its company has its answers before the full tier is asked at all. Seeded faults: it waits for the full tier; all do.
    """
    full, go = Adder(), threading.Event()
    asked = threading.Event()

    def hangs() -> None:
        asked.set()
        go.wait(20)

    full.before = hangs
    with running(version("1", full, Adder()), Batching(3, 5.0), audit=1.0) as service:
        with ThreadPoolExecutor(3) as pool:
            answers = [pool.submit(service.ask, frame(*SURE), deadline_seconds=15) for _ in range(3)]
            got = [one.result(10) for one in answers]
        assert asked.wait(10)
        assert not go.is_set()
        go.set()
    assert [(one.tier, one.fast) for one in got] == [("fast", None)] * 3


def test_who_has_little_time_left_is_held_up_for_less() -> None:
    assert Audit.until(Job(frame(*SURE), deadline=101.0), 100.0) == 100.0 + PATIENCE_SECONDS
    assert Audit.until(Job(frame(*SURE), deadline=100.04), 100.0) == pytest.approx(100.01)
    assert Audit.until(Job(frame(*SURE), deadline=99.0), 100.0) == 100.0
