"""Laws of judging: the model is asked, the rule answers where it is away, one time-out is no state."""

from __future__ import annotations

import numpy as np
import pytest

from edgectl.stack.camera.judge import LINK, MOTION, Judge, by_rule, decoded
from edgectl.stack.camera.motion import Motion
from edgectl.stack.camera.settings import Inference
from edgectl.stack.camera.steady import ANSWERS, FAILURES
from edgectl.stack.inference.client import Unanswered
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.event import RULE
from edgectl.wire.chain import DEGRADED, MODEL, NETWORK, READY
from tests.stack.clocks import HandClock
from tests.stack.model import FakeClient, raw

WIDE = np.zeros((90, 160, 3), dtype=np.uint8)


class Bench:
    """A judge with a clock and a client."""

    def __init__(self) -> None:
        self.clock, self.client = HandClock(), FakeClient()
        self.board = Board("camera", "1", self.clock)
        self.judge = Judge(Inference(), self.board, monotonic=self.clock.monotonic)

    def ask(self, times: int = 1) -> list[str]:
        """Ask, a second apart; returns the tiers, "" where there was no answer."""
        tiers = []
        for _ in range(times):
            self.clock.time += 1
            try:
                tiers.append(self.judge.ask(self.client, WIDE, "").tier)
            except Unanswered:
                tiers.append("")
        return tiers

    @property
    def state(self) -> tuple[str, str]:
        """Return the word and kind of inference."""
        found = self.board.state(LINK)
        return found.word, found.kind


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_answer_is_in_parts_of_the_cameras_own_picture(bench: Bench) -> None:
    """The black margins above and below are not part of it; tier and version are those that inference names."""
    answer = bench.judge.ask(bench.client, WIDE, "")
    assert bench.client.asked == [(1, 3, 64, 64)]
    (found,) = answer.detections
    # Cell 27 is row 3, column 3: its middle lies at 3.5/8 of the square, whose middle 36/64 are the picture.
    assert found.box[0] == pytest.approx(3.5 / 8)
    assert found.box[1] == pytest.approx((3.5 / 8 - 14 / 64) * 64 / 36)
    assert (found.label, answer.tier, answer.version, answer.model) == ("person", "fast", "2", "tiny-detector")


def test_it_is_not_well_before_it_was_asked(bench: Bench) -> None:
    assert bench.state == (DEGRADED, NETWORK)
    bench.ask()
    assert bench.state == (READY, "")


def test_what_is_raised_again_and_again_holds_no_pictures(bench: Bench) -> None:
    """While inference is away each frame is told so at once, by what knows nothing of the frames before."""
    bench.client.away(MODEL)
    depths = []
    for _ in range(5):
        with pytest.raises(Unanswered) as no:
            bench.judge.ask(bench.client, WIDE, "")
        depths.append(len(no.traceback))
    assert len(bench.client.asked) == 1, "it is asked once a second"
    assert depths[-1] == depths[1]


def test_one_time_out_is_no_state_several_are(bench: Bench) -> None:
    """The frames that went unanswered are the rule's all the same."""
    bench.ask()
    bench.client.away(NETWORK)
    assert bench.ask(FAILURES - 1) == [""] * (FAILURES - 1)
    assert bench.state == (READY, "")
    bench.ask()
    assert bench.state == (DEGRADED, NETWORK)
    assert bench.board.state(LINK).reason == "it is away"
    bench.client.error = None
    bench.ask(ANSWERS - 1)
    assert bench.state == (DEGRADED, NETWORK)
    bench.ask()
    assert bench.state == (READY, "")


def test_a_fault_of_the_model_is_a_state_at_once(bench: Bench) -> None:
    bench.ask()
    bench.client.away(MODEL)
    bench.ask()
    assert bench.state == (DEGRADED, MODEL)


def test_who_is_away_is_not_waited_for_with_each_frame(bench: Bench) -> None:
    """Once a second it is tried; a canary always tries."""
    bench.client.away(MODEL)
    bench.ask()
    for _ in range(50):
        with pytest.raises(Unanswered, match="it is away"):
            bench.judge.ask(bench.client, WIDE, "")
    assert len(bench.client.asked) == 1
    with pytest.raises(Unanswered):
        bench.judge.ask(bench.client, WIDE, "", surely=True)
    assert len(bench.client.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        np.zeros((64, 6)),
        np.zeros((2, 64, 6)),
        np.zeros((1, 60, 6)),
        np.zeros((1, 0, 6)),
        np.zeros((1, 64, 5)),
        np.full((1, 64, 6), np.nan),
        np.full((1, 64, 6), np.inf),
    ],
)
def test_an_answer_that_says_nothing_is_the_models_fault(
    answer: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> None:
    """It is named, and never an event with nonsense in it."""
    with pytest.raises(Unanswered) as caught:
        decoded(answer, 0.5)
    assert caught.value.kind == MODEL


def test_nothing_is_an_answer_too() -> None:
    assert decoded(raw(), 0.5) == ()
    assert len(decoded(raw(0, 63), 0.5)) == 2


@pytest.mark.parametrize(("level", "score"), [(0.0, None), (0.0039, None), (0.004, 0.5), (0.012, 0.75)])
def test_the_rule_says_motion_and_where(level: float, score: float | None) -> None:
    box = (0.2, 0.3, 0.1, 0.1)
    answer = by_rule(Motion(level, box), 0.004)
    assert answer.tier == RULE
    assert [(one.label, one.score, one.box) for one in answer.detections] == ([(MOTION, score, box)] if score else [])
