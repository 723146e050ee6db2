"""The service between HTTP and the models, with models in Python."""

from __future__ import annotations

import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from edgectl.stack.inference.batch import Batching
from edgectl.stack.inference.lane import STUCK_SECONDS, Lane
from edgectl.stack.inference.loaded import Loaded
from edgectl.stack.inference.rollout import FAILED, RUNNING, Trial, plan_of
from edgectl.stack.inference.serve import Overdue, Service, Unready
from tests.unit.stack.inference.fakes import POISON, Adder, Hand, frame, version
from tests.unit.stack.inference.test_rollout import DOC


@contextmanager
def running(current: Loaded | None = None, batching: Batching | None = None, audit: float = 0) -> Iterator[Service]:
    """Run a service's batches."""
    service = Service(batching or Batching(), audit=audit)
    if current is not None:
        service.use(current)
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    yield service
    service.close()
    thread.join(5)
    assert not thread.is_alive()


def trying(service: Service, candidate: Loaded, **plan: Any) -> Trial:
    """Let a candidate be tried."""
    trial = Trial(plan_of({**DOC, "steps": [100], "soak_seconds": 1e6, **plan}), Hand())
    trial.start()
    service.try_out(Lane(candidate, trial, told=lambda _: None))
    return trial


def ask(service: Service, value: float, **options: Any) -> tuple[float, str, bool]:
    """Ask one frame; returns the answer's number, version and whether the candidate gave it."""
    said = service.ask(frame(value), **{"deadline_seconds": 5.0, **options})
    return float(said.outputs["out"][0, 0]), said.version, said.candidate


def until(true: Callable[[], bool], *, ask_on: Callable[[], Any] = lambda: None) -> None:
    """Ask on until something has come true; 20 s at most."""
    ends, pause = time.monotonic() + 20, threading.Event()
    while not true():
        assert time.monotonic() < ends, "it never came true"
        ask_on()
        pause.wait(0.0005)


@pytest.mark.parametrize("most", [1, 2, 8])
def test_batching_never_mixes_answers(most: int) -> None:
    """Law: from many threads, with frames of two widths, everybody gets the answer to what was asked.

    Seeded fault: the slices of a batch are off by one.
    """
    with running(version("1", Adder(1000)), Batching(most, 0.001, 64)) as service:

        def one(seed: int) -> None:
            drawn = random.Random(seed)  # noqa: S311 - questions, no secrets
            for _ in range(60):
                value = float(drawn.randrange(10_000))
                asked = frame(value, *[0.0] * drawn.randrange(1, 3))
                got = service.ask(asked, deadline_seconds=10).outputs["out"]
                assert got.shape == asked["image"].shape
                assert float(got[0, 0]) == value + 1000

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(8)))
        assert service.frames == 8 * 60
        assert service.batches <= service.frames


def test_questions_that_wait_together_run_as_one() -> None:
    """Law: what piles up behind a batch runs as one."""
    adder, gate, entered = Adder(1), threading.Event(), threading.Semaphore(0)

    def before() -> None:
        entered.release()
        gate.wait(20)

    adder.before = before
    with running(version("1", adder), Batching(8, 0.0, 64)) as service, ThreadPoolExecutor(9) as pool:
        first = pool.submit(ask, service, 0)
        assert entered.acquire(timeout=20)
        rest = [pool.submit(ask, service, value) for value in range(1, 8)]
        until(lambda: service.facts()["waiting"] == 7)
        gate.set()
        assert [one.result()[0] for one in (first, *rest)] == [float(value + 1) for value in range(8)]
    assert sum(adder.batches) == 8
    assert adder.batches == [1, 7]


def test_one_bad_question_fails_alone() -> None:
    """Law: a question that the model fails at fails none of its batch."""
    with running(version("1", Adder(1)), Batching(8, 0.01, 64)) as service, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, service, POISON if value == 3 else value) for value in range(8)]
        for value, one in enumerate(asked):
            if value == 3:
                with pytest.raises(RuntimeError, match="poisoned"):
                    one.result()
            else:
                assert one.result()[0] == value + 1


def test_not_ready_is_said_and_whose_matter_it_is() -> None:
    """Law: without a model, or with one that is not believed, there is no answer, and a reason."""
    with running() as service:
        with pytest.raises(Unready) as loading:
            ask(service, 1)
        assert loading.value.kind == "network"
        service.use(version())
        service.distrust("it answers its own check wrong", of=service.stage.current)
        with pytest.raises(Unready, match="its own check") as wrong:
            ask(service, 1)
        assert wrong.value.kind == "model"
        service.distrust("", of=version("2"))  # a word of another version changes nothing
        with pytest.raises(Unready):
            ask(service, 1)
        service.distrust("", of=service.stage.current)
        assert ask(service, 1)[0] == 1


def test_a_deadline_is_kept_while_the_model_is_stuck() -> None:
    """Law: whoever asks is told in time."""
    adder, gate = Adder(), threading.Event()
    adder.before = lambda: gate.wait(5)
    with running(version("1", adder)) as service:
        with pytest.raises(Overdue):
            ask(service, 1, deadline_seconds=0.02)
        gate.set()


def test_a_switch_is_between_two_batches_and_the_old_one_is_freed() -> None:
    """Law: each answer is whole one version's, and nothing holds the old one after its last batch.

    Seeded fault: the thread that waits for the next batch keeps the last one's stage.
    """
    with running() as service:
        service.use(version("1", Adder(1000)))
        old = weakref.ref(service.stage.current)
        assert ask(service, 1) == (1001, "1", False)
        service.use(version("2", Adder(2000)))
        assert ask(service, 1) == (2001, "2", False)
        until(lambda: old() is None, ask_on=lambda: ask(service, 1))


def test_a_canary_answers_its_part_and_says_so() -> None:
    """Law: picked questions are the candidate's, others the current version's; both are told by their answers."""
    with running(version("1", Adder(1000))) as service:
        trial = trying(service, version("2", Adder(1000.5)), steps=[50])
        got = [ask(service, 1) for _ in range(40)]
        assert {one for one in got if one[2]} == {(1001.5, "2", True)}
        assert {one for one in got if not one[2]} == {(1001, "1", False)}
        assert 1 <= sum(one[2] for one in got) <= 20  # fewer where it was busy
        until(lambda: trial.facts()["frames"] >= 10, ask_on=lambda: ask(service, 1))
        assert (trial.word, trial.facts()["agreement"]) == (RUNNING, 1.0)


def test_who_asks_for_the_full_tier_never_meets_a_candidate() -> None:
    """Law: the golden question of the node is answered by what runs. Seeded fault: it is picked like any other."""
    with running(version("1", Adder(1000))) as service:
        trial = trying(service, version("2", Adder(2000)))
        assert {ask(service, 1, full=True) for _ in range(20)} == {(1001, "1", False)}
        assert trial.facts()["frames_total"] == 0


def broken(candidate: Adder) -> None:
    candidate.broken = "out of memory"


def no_number(candidate: Adder) -> None:
    candidate.plus = float("nan")


@pytest.mark.parametrize("fault", [broken, no_number])
def test_a_bad_candidate_fails_no_question(fault: Callable[[Adder], None]) -> None:
    """Law: a question that the candidate fails at is answered by the current version in the same request.

    The candidate is asked no more. Seeded fault: its failure is passed on.
    """
    candidate = Adder(2000)
    with running(version("1", Adder(1000))) as service:
        trial = trying(service, version("2", candidate))
        fault(candidate)
        until(lambda: trial.word == FAILED, ask_on=lambda: ask(service, 1))
        assert {ask(service, value)[1] for value in range(20)} == {"1"}
        assert "frames failed" in trial.reason
        assert len(candidate.batches) <= 1


def test_a_candidate_that_is_stuck_is_waited_for_a_moment_and_given_up() -> None:
    """Law: who was picked is answered by the current version, the rest does not even wait, and the trial ends."""
    candidate, gate, hand = Adder(2000), threading.Event(), Hand()
    candidate.before = lambda: gate.wait(30)
    with running(version("1", Adder(1000))) as service:
        hand.time = 0.0  # before the real clock: what is kept until then is given at once
        trial = Trial(plan_of({**DOC, "steps": [100]}), hand)
        trial.start()
        lane = Lane(version("2", candidate), trial, told=lambda _: None, monotonic=hand.monotonic)
        service.try_out(lane)
        assert {ask(service, 1) for _ in range(5)} == {(1001, "1", False)}
        assert not lane.free
        lane.watch()
        assert trial.word == RUNNING
        hand.time += STUCK_SECONDS + 1
        lane.watch()
        assert (trial.word, "has not answered" in trial.reason) == (FAILED, True)
        gate.set()


def test_a_shadow_changes_no_answer_and_is_compared() -> None:
    """Law: mirrored questions are answered by the current version alone; disagreement ends the trial."""
    with running(version("1", Adder(1000))) as service:
        trial = trying(service, version("2", Adder((-5000, 0))), strategy="shadow")
        until(lambda: trial.word == FAILED, ask_on=lambda: ask(service, 1))
        assert {ask(service, 1) for _ in range(20)} == {(1001, "1", False)}
        assert "agrees in 0.0%" in trial.reason
