"""The service asks itself: the golden question, by the way that all questions go, every half minute.

Owns: when a running version is believed no more, and when again. Being busy is no wrong answer.
"""

from __future__ import annotations

import threading

from edgectl.stack.inference.batch import Full
from edgectl.stack.inference.job import Failed
from edgectl.stack.inference.serve import Overdue, Service
from edgectl.stack.ops.clock import Clock

EVERY_SECONDS = 30.0
_ANSWER_SECONDS = 5.0


class Check:
    """Distrusts the service's version when its answer is wrong, and trusts it again when it is right."""

    def __init__(self, service: Service, clock: Clock, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._service, self._clock, self._seconds = service, clock, answer_seconds

    def run(self, stop: threading.Event) -> None:
        """Ask until `stop`."""
        while not self._clock.wait(EVERY_SECONDS, stop):
            self.once()

    def once(self) -> None:
        """Ask once."""
        current = self._service.stage.current
        if current is None:
            return
        before = self._service.batches
        question = current.golden.question if current.golden is not None else current.blank
        try:
            said = self._service.probe(question, deadline_seconds=self._seconds)
        except Full:
            return
        except Overdue:
            if self._service.batches == before:
                self._service.distrust(f"{current.name} has not answered anything for {self._seconds:.0f} s")
            return
        if self._service.stage.current is not current:
            return  # switched meanwhile: it is the next one's turn
        if isinstance(said, Failed):
            wrong = said.sentence
        else:
            wrong = current.golden.wrong(said.outputs) if current.golden is not None else ""
        self._service.distrust(
            f"{current.name} {current.version} answers its own check wrong: {wrong}" if wrong else ""
        )
