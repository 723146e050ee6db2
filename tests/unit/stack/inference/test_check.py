"""The service asks itself, by the way that all questions go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgectl.stack.inference.check import Check
from edgectl.stack.inference.golden import Golden
from edgectl.stack.inference.serve import Unready
from tests.unit.stack.inference.fakes import Adder, Hand, frame, version
from tests.unit.stack.inference.test_serve import ask, running


def test_a_wrong_answer_makes_it_not_ready_and_a_right_one_ready_again() -> None:
    """Law: what it runs is believed only while its golden answer is right. Seeded fault: the answer is not compared."""
    adder = Adder(1)
    known = Golden(frame(2, 3), np.array([3.0, 4.0]), 1e-4)
    with running(replace(version("1", adder), golden=known)) as service:
        check = Check(service, Hand())
        check.once()
        assert service.stage.unfit == ""
        for wrong, sentence in ((1.25, "missed by 0.25"), (float("nan"), "no finite numbers")):
            adder.plus = wrong
            check.once()
            assert sentence in service.stage.unfit
            assert service.stage.kind == "model"
            with pytest.raises(Unready):
                ask(service, 1)
        adder.plus = 1
        check.once()
        assert ask(service, 1)[0] == 2


def test_one_that_fails_is_not_ready() -> None:
    """Law: without a golden answer, at least there is an answer."""
    adder = Adder(1)
    with running(version("1", adder)) as service:
        check = Check(service, Hand())
        check.once()
        assert service.stage.unfit == ""
        adder.broken = "CUDA error 700"
        check.once()
        assert "CUDA error 700" in service.stage.unfit


def test_one_that_hangs_is_not_ready() -> None:
    """Law: no batch in all that time is no busy service."""
    import threading

    adder, gate = Adder(1), threading.Event()
    adder.before = lambda: gate.wait(30)
    with running(version("1", adder)) as service:
        Check(service, Hand(), answer_seconds=0.05).once()
        assert "has not answered" in service.stage.unfit
        gate.set()
