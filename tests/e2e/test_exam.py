"""Faults of the exam for doctor, on a real store: each shows from outside, and undone the store is ready again.

CI makes three of the thirty; all of them, and what doctor says of each: `nox -s doctor` and `nox -s long`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.doctor import answer, marks
from tests.doctor.__main__ import at_the_rack
from tests.doctor.downstream import Papers
from tests.doctor.exam import put, recovered
from tests.doctor.fault import Ground, Question
from tests.doctor.ground import Room, is_whole, on
from tests.doctor.questions import QUESTIONS, SAMPLE
from tests.e2e.conftest import Clones

pytestmark = pytest.mark.e2e

_SAMPLE = [question for question in QUESTIONS if question.name in SAMPLE]
_OTHERS = [question for question in QUESTIONS if question.name not in SAMPLE]


@pytest.fixture(scope="module")
def room(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Yield the exam's store: a fresh one after a question that did not leave it whole."""
    papers = Papers.made(tmp_path_factory.mktemp("exam"))

    @contextmanager
    def opened() -> Iterator[Ground]:
        shop = clones.take()
        try:
            with on(shop.sandbox, shop.operator, papers) as ready:
                yield ready
        finally:
            clones.drop()

    found = Room(opened)
    yield found
    found.drop()


@pytest.mark.parametrize(
    "question",
    [*_SAMPLE, *(pytest.param(one, marks=pytest.mark.long) for one in _OTHERS)],
    ids=lambda one: one.name.replace(" ", "-"),
)
def test_doctor_is_right(room: Room, question: Question) -> None:
    """Law: the first cause is the one that was made, no healthy part is blamed, and nothing once it is mended."""
    ground, whole = room.take(), False
    try:
        asked = recovered(ground, put(ground, question, at_the_rack), at_the_rack)
        whole = is_whole(ground)
    finally:
        if not whole:
            room.drop()
    given = answer.read(asked.text)
    mark = marks.mark(question, given)
    assert mark.right, f"{mark}\n{given.said()}"
    assert mark.blamed == (), f"{mark}\n{given.said()}"
    assert answer.read(asked.after).said().startswith("no cause was named"), asked.after
