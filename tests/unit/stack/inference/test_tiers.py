"""Two tiers: who goes on to the full model, and who fails with whom."""

from __future__ import annotations

import numpy as np
import pytest

from edgectl.stack.detector.shape import FIELDS
from edgectl.stack.inference.job import Failed
from edgectl.stack.inference.protocol import Array
from edgectl.stack.inference.scores import Both, agree, both, certainty, same, sureness
from edgectl.stack.inference.tiers import Band, Said, Tiers
from edgectl.stack.ops.event import Detection
from tests.unit.stack.inference.fakes import POISON, Adder, frame

SURE, UNSURE = (9.0, -9.0), (0.1, 0.0)  # of two classes


def values(answers: list[Said | Failed]) -> list[tuple[float, str] | str]:
    return [one.sentence if isinstance(one, Failed) else (float(one[0]["out"][0, 0]), one[1]) for one in answers]


def test_only_the_unsure_go_on_and_each_gets_its_own_answer() -> None:
    """Law: in one batch, frames that the fast model is sure of are its own, the others the full model's.

    Seeded faults: one unsure frame takes all with it; answers change places.
    """
    full, fast = Adder(100), Adder(0)
    tiers = Tiers(full, fast, Band(0.2, 0.8))
    got = tiers.answer([frame(*SURE), frame(*UNSURE), frame(8.0, -8.0), frame(0.2, 0.1)], [False] * 4)
    assert values(got) == [(9.0, "fast"), (pytest.approx(100.1), "full"), (8.0, "fast"), (pytest.approx(100.2), "full")]
    assert (fast.batches, full.batches) == ([4], [2])


def test_where_both_tiers_have_answered_it_is_told() -> None:
    """Law: of an unsure frame how sure the fast tier was and whether the full one agrees; of others nothing.

    Seeded faults: sure frames have it, too; one frame gets another's; who asked for the full tier gets it.
    """
    full, fast = Adder((0.0, 5.0)), Adder(0)
    tiers = Tiers(full, fast, Band(0.2, 0.8))
    got = tiers.answer([frame(*SURE), frame(*UNSURE), frame(0.0, 0.2), frame(*UNSURE)], [False, False, False, True])
    assert [one.fast if isinstance(one, Said) else one for one in got] == [
        None,
        Both(0.525, agreed=False),
        Both(0.5498, agreed=True),
        None,
    ]
    assert tiers.audit(frame(*SURE), frame(*SURE)) == Both(1.0, agreed=True)
    full.broken = "out of memory"
    assert tiers.audit(frame(*SURE), frame(*SURE)) is None


def test_a_question_of_several_frames_has_no_one_word_of_both_tiers() -> None:
    question = {"image": np.array([UNSURE, UNSURE], dtype=np.float32)}
    (got,) = Tiers(Adder(0), Adder(0)).answer([question], [False])
    assert isinstance(got, Said)
    assert got.fast is None
    mere = {"out": np.ones((1, 3, 4, 4), dtype=np.float32)}
    assert both(PICTURE, mere, mere) is None


def test_who_asks_for_the_full_model_gets_it() -> None:
    """Law: a golden question is answered by the tier whose answer is known."""
    full, fast = Adder(100), Adder(0)
    got = Tiers(full, fast).answer([frame(*SURE), frame(*SURE)], [True, False])
    assert values(got) == [(109.0, "full"), (9.0, "fast")]
    assert (fast.batches, full.batches) == ([1], [1])


def test_one_question_of_several_frames_has_one_tier() -> None:
    """Law: a question's frames are answered by one model."""
    question = {"image": np.array([SURE, UNSURE], dtype=np.float32)}
    (got,) = Tiers(Adder(100), Adder(0)).answer([question], [False])
    assert not isinstance(got, Failed)
    assert (got[1], got[0]["out"].shape) == ("full", (2, 2))


def test_a_fast_model_that_fails_is_not_sure() -> None:
    """Law: whatever becomes of the fast model, the full one answers."""
    fast = Adder(0)
    fast.broken = "out of memory"
    assert values(Tiers(Adder(100), fast).answer([frame(1)], [False])) == [(101.0, "full")]
    nan = Adder(float("nan"))
    assert values(Tiers(Adder(100), nan).answer([frame(1)], [False])) == [(101.0, "full")]


def test_one_that_breaks_the_batch_breaks_alone() -> None:
    """Law: a question that the model fails at fails none beside it. Seeded fault: the batch's error is everybody's."""
    full = Adder(1)
    got = values(Tiers(full).answer([frame(1), frame(POISON), frame(3)], [False] * 3))
    assert got == [(2.0, "full"), "a poisoned frame", (4.0, "full")]


def test_one_whose_answer_is_no_number_is_alone_with_it() -> None:
    class Log(Adder):
        def infer(self, arrays: object) -> dict[str, Array]:
            with np.errstate(invalid="ignore"):
                return {"out": np.sqrt(arrays["image"])}  # type: ignore[index]

    got = values(Tiers(Log()).answer([frame(4), frame(-4), frame(9)], [False] * 3))
    assert got == [(2.0, "full"), "output 'out' holds values that are no finite numbers", (3.0, "full")]


def test_what_cannot_be_split_runs_one_by_one() -> None:
    full = Adder(1)
    assert len(Tiers(full, splits=False).answer([frame(1), frame(2)], [False] * 2)) == 2
    assert full.batches == [1, 1]


def detections(*cells: tuple[float, ...]) -> Array:
    """Return one frame of 2 x 2 cells; those not named hold nothing."""
    raw = np.zeros((1, 4, FIELDS), dtype=np.float32)
    raw[:, :, 0] = -9
    for at, cell in enumerate(cells):
        raw[0, at] = cell
    return raw


PERSON, CART = (9.0, 0.0, 0.0, 0.0, 0.0, 9.0), (9.0, 0.0, 0.0, 0.0, 0.0, -9.0)
PICTURE = {"image": np.zeros((1, 3, 16, 16), dtype=np.float32)}


def test_how_sure_an_answer_is() -> None:
    """Law: detections by their highest score, classes by their highest share; else nobody can tell."""
    assert sureness({"out": detections(PERSON)}) == pytest.approx([1.0], abs=1e-3)
    assert sureness({"out": detections()}) == pytest.approx([0.0], abs=1e-3)
    assert sureness({"out": np.array([[0.0, 0.0], [9.0, -9.0]], dtype=np.float32)}) == pytest.approx([0.5, 1.0])
    assert sureness({"out": np.zeros((1, 3, 4, 4), dtype=np.float32)}) is None


def test_nothing_is_an_answer_as_sure_as_something() -> None:
    """Law: of two answers the surer is the one whose frame is surer empty, or surer not. Seeded fault: the score."""
    assert certainty({"out": detections()}) == pytest.approx([1.0], abs=1e-3)
    assert certainty({"out": detections(PERSON)}) == pytest.approx([1.0], abs=1e-3)
    assert certainty({"out": detections((-2.0, *PERSON[1:]))}) == pytest.approx([0.88], abs=0.01)
    assert certainty({"out": np.array([[0.0, 0.0]], dtype=np.float32)}) == pytest.approx([0.5])


def test_two_versions_agree_in_what_they_see_not_in_their_numbers() -> None:
    """Law: same count, labels and places; numbers may differ. Seeded fault: numbers are compared."""
    one = {"out": detections(PERSON)}
    nearly = {"out": detections((5.0, 0.1, 0.0, 0.1, 0.0, 4.0))}
    assert agree(one, nearly, PICTURE) == [True]
    assert agree(one, {"out": detections(CART)}, PICTURE) == [False]
    assert agree(one, {"out": detections()}, PICTURE) == [False]
    assert agree(one, {"out": np.zeros((1, 5, FIELDS), dtype=np.float32)}, PICTURE) == [False]
    far = {"out": detections((9.0, 0.0, 0.0, -3.0, -3.0, 9.0))}
    assert agree(one, far, PICTURE) == [False]


def test_each_thing_has_its_own_partner() -> None:
    """Law: two things are not matched by one. Seeded fault: partners are used twice."""
    left, right = Detection("person", 1, (0.2, 0.5, 0.2, 0.4)), Detection("person", 1, (0.8, 0.5, 0.2, 0.4))
    assert same([left, right], [right, left])
    assert not same([left, left], [left, right])
    assert not same([left], [])


def test_classes_and_mere_numbers_are_compared_as_such() -> None:
    a, b = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([[1.0, 9.0], [1.0, 9.0]])
    assert agree({"out": a}, {"out": b}, {"x": a}) == [True, False]
    picture = np.ones((2, 3, 4, 4))
    assert agree({"out": picture}, {"out": picture * 1.05}, {"x": picture}) == [True, True]
    assert agree({"out": picture}, {"out": picture * 1.5}, {"x": picture}) == [False, False]
