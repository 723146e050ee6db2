"""Where a candidate runs: a thread of its own beside what serves, where it can be late, wrong or stuck and harm nobody.

Owns: what is asked of both versions and compared, and that a question which the candidate should have answered is
answered by the current version when the candidate cannot. Must not know why a candidate is tried.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgectl.stack.inference.job import Answered, Failed, Job, Monotonic
from edgectl.stack.inference.loaded import Loaded
from edgectl.stack.inference.rollout import Compared, Trial
from edgectl.stack.inference.scores import agree, sureness

STUCK_SECONDS = 10.0
_LEAST_SECONDS = 0.1  # that a candidate's answer is waited for


@dataclass(frozen=True, slots=True)
class Work:
    """One batch, what the current version has said to it, and how long it took."""

    jobs: Sequence[Job]
    said: Sequence[Answered | Failed]
    seconds: float


class Lane:
    """One candidate. Takes one batch at a time; while it is busy, batches go without it."""

    def __init__(
        self, candidate: Loaded, trial: Trial, *, told: Callable[[str], None], monotonic: Monotonic = time.monotonic
    ) -> None:
        self.candidate, self.trial = candidate, trial
        self._told, self._monotonic = told, monotonic
        self._cond = threading.Condition()
        self._work: Work | None = None
        self._busy_since: float | None = None
        self._closed = False
        threading.Thread(target=self._run, daemon=True, name="candidate").start()

    @property
    def free(self) -> bool:
        """Whether it would take a batch now."""
        return self._busy_since is None and self.trial.alive and not self._closed

    def offer(self, work: Work) -> None:
        """Ask the candidate, too; only when it is free. Picked questions are answered by it, or, late, as they were."""
        patience = max(_LEAST_SECONDS, self.trial.plan.thresholds.latency_ratio * work.seconds)
        until = self._monotonic() + patience
        for job, said in zip(work.jobs, work.said, strict=True):
            if job.picked:
                job.keep(said, until=until)
        with self._cond:
            self._work, self._busy_since = work, self._monotonic()
            self._cond.notify()

    def watch(self) -> None:
        """Give up on a candidate that does not come back."""
        since = self._busy_since
        if since is not None and self._monotonic() - since > STUCK_SECONDS:
            self.trial.fail(f"it has not answered a frame within {STUCK_SECONDS:.0f} s")

    def close(self) -> None:
        """Ask it no more."""
        with self._cond:
            self._closed = True
            self._cond.notify()

    def _run(self) -> None:
        while self._next():
            self._busy_since = None

    def _next(self) -> bool:
        """Do one batch; a method of its own, so that nothing of it is kept while the next is waited for."""
        with self._cond:
            while self._work is None and not self._closed:
                self._cond.wait()
            work, self._work = self._work, None
        if work is not None:
            try:
                self._both(work)
            except Exception as error:  # noqa: BLE001 - the comparison itself: what cannot be compared is not let in
                self.trial.fail(f"it cannot be compared: {' '.join(str(error).split()) or type(error).__name__}")
            for job, said in zip(work.jobs, work.said, strict=True):
                if job.picked:
                    job.settle(said)  # whom the candidate has not answered
        return not self._closed

    def _both(self, work: Work) -> None:
        began = self._monotonic()
        got = self.candidate.answer(work.jobs, candidate=True)
        took = self._monotonic() - began
        errors, agreed, sure, own_sure = 0, [], [], []
        for job, said, new in zip(work.jobs, work.said, got, strict=True):
            if isinstance(said, Failed):
                continue  # nothing to compare with
            if isinstance(new, Failed):
                errors += job.rows
                self._told(new.sentence)
                continue
            if job.picked and self.trial.alive:
                job.settle(new)
            agreed += agree(said.outputs, new.outputs, job.arrays)
            sure += sureness(said.outputs) or []
            own_sure += sureness(new.outputs) or []
        self.trial.record(Compared(work.seconds, took, agreed, sure, own_sure, errors))
