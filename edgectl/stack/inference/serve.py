"""The service between HTTP and the models: a question goes into the line, a batch runs on what is on the stage.

Owns: the stage (which version runs, which candidate beside it), read once for each batch: a switch is always between
two batches. Must not know HTTP, files or ONNX Runtime.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgectl.stack.inference.audit import Audit
from edgectl.stack.inference.batch import Batching, Full, Line
from edgectl.stack.inference.job import Answered, Failed, Job, Late, Monotonic
from edgectl.stack.inference.lane import Lane, Work
from edgectl.stack.inference.loaded import Loaded
from edgectl.stack.inference.metrics import Metrics
from edgectl.stack.inference.protocol import Array
from edgectl.stack.inference.tiers import Arrays
from edgectl.wire.chain import MODEL, NETWORK


@dataclass(frozen=True, slots=True)
class Stage:
    """What a batch runs on. `unfit` says why there is no answer to be trusted, "" when there is; `kind` whose fault."""

    current: Loaded | None = None
    lane: Lane | None = None
    unfit: str = "the model is not loaded"
    kind: str = NETWORK


class Unready(Exception):
    """No answer now; `kind` says whether that passes (network) or is the model's."""

    def __init__(self, sentence: str, kind: str = NETWORK) -> None:
        super().__init__(sentence)
        self.kind = kind


class Overdue(Exception):
    """The deadline has passed."""


class Service:
    """Many threads ask, one runs batches. Only the watch changes what is on the stage."""

    def __init__(
        self,
        batching: Batching,
        *,
        audit: float = 0.0,
        metrics: Metrics | None = None,
        monotonic: Monotonic = time.monotonic,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._line = Line(batching, monotonic=monotonic)
        self._batching, self._monotonic, self._say = batching, monotonic, say
        self._metrics = metrics or Metrics()
        self._audit = Audit(audit)
        self._lock = threading.Lock()
        self._stage = Stage()
        self.batches = self.frames = 0
        self._usual: Arrays = {}

    @property
    def stage(self) -> Stage:
        """Return what runs."""
        return self._stage

    def use(self, version: Loaded) -> None:
        """Run this version from the next batch on."""
        self._set(current=version, unfit="", kind="")

    def try_out(self, lane: Lane | None) -> None:
        """Ask a candidate, too, or no more."""
        self._set(lane=lane)

    def distrust(self, sentence: str, kind: str = MODEL, *, of: Loaded | None = None) -> None:
        """Answer nobody, or, with "", everybody again; `of` is whom that was found of, and nobody else is meant."""
        with self._lock:
            if self._stage.current is of:
                self._stage = replace(self._stage, unfit=sentence, kind=kind if sentence else "")

    def _set(self, **changes: Any) -> None:
        with self._lock:
            self._stage = replace(self._stage, **changes)

    def ask(self, arrays: dict[str, Array], *, deadline_seconds: float, full: bool = False) -> Answered:
        """Return the answer. Raises Unready, Full, Overdue, and RuntimeError with the model's own words."""
        stage = self._stage
        if stage.current is None or stage.unfit:
            raise Unready(stage.unfit, stage.kind)
        began = self._monotonic()
        # Who asks for a tier compares the answer with a known one: a candidate has no part in that.
        judged, picked = stage.lane.trial.next() if stage.lane is not None and not full else (False, False)
        job = self._job(arrays, deadline_seconds, full=full, judged=judged, picked=picked)
        version = stage.current.version
        try:
            said = self.wait(job)
        except Full:
            self._count("", version, "full")
            raise
        except Overdue:
            self._count("", version, "late")
            raise
        if isinstance(said, Failed):
            self._count("", version, "failed")
            raise RuntimeError(said.sentence)
        self._count(said.tier, said.version, "answered")
        self._metrics.seconds.labels(said.tier).observe(self._monotonic() - began)
        return said

    def probe(self, arrays: dict[str, Array], *, deadline_seconds: float) -> Answered | Failed:
        """Ask the running version's full tier by the way that all questions go, trusted or not. Full, Overdue."""
        return self.wait(self._job(arrays, deadline_seconds, full=True))

    def wait(self, job: Job) -> Answered | Failed:
        """Put a question into the line, and wait."""
        self._line.put(job)
        self._metrics.waiting.set(len(self._line))
        try:
            return job.wait()
        except Late:
            raise Overdue(f"no answer within its deadline; {len(self._line)} wait") from None

    def run(self) -> None:
        """Run batches until `close`."""
        while self._next():
            pass

    def close(self) -> None:
        """Run no more."""
        self._line.close()

    def usual(self) -> list[Arrays]:
        """Return made-up questions as they come now: one frame, and a full batch; nothing where nobody has asked."""
        shapes = [(name, array.shape[1:], array.dtype) for name, array in self._usual.items()]
        sizes = sorted({1, self._batching.most}) if shapes else []
        return [{name: np.zeros((size, *shape), dtype=dtype) for name, shape, dtype in shapes} for size in sizes]

    def facts(self) -> dict[str, Any]:
        """Return figures of the batching."""
        mean = self.frames / self.batches if self.batches else 0.0
        return {
            "max_batch": self._batching.most,
            "max_delay_ms": self._batching.delay_seconds * 1e3,
            "waiting": len(self._line),
            "batches": self.batches,
            "frames": self.frames,
            "frames_per_batch": round(mean, 2),
        }

    def _job(
        self, arrays: dict[str, Array], seconds: float, *, full: bool, judged: bool = False, picked: bool = False
    ) -> Job:
        deadline = self._monotonic() + seconds
        return Job(arrays, deadline=deadline, full=full, judged=judged, picked=picked, monotonic=self._monotonic)

    def _next(self) -> bool:
        """Run one batch. A method of its own: no version is held by it while it waits for the next."""
        jobs = self._line.take()
        if not jobs:
            return False
        self._metrics.waiting.set(len(self._line))
        stage = self._stage
        if stage.current is None:
            said: list[Answered | Failed] = [Failed("the model is not loaded")] * len(jobs)
        else:
            began = self._monotonic()
            try:
                said = stage.current.answer(jobs)
            except Exception as error:  # noqa: BLE001 - this thread must live; these questions get the reason
                said = [Failed(" ".join(str(error).split()) or type(error).__name__)] * len(jobs)
            work = Work(jobs, said, self._monotonic() - began)
            self.batches += 1
            self.frames += sum(job.rows for job in jobs)
            if not jobs[0].full:
                self._usual = {name: array[:0] for name, array in jobs[0].arrays.items()}
            self._metrics.batch.observe(sum(job.rows for job in jobs))
            if stage.lane is not None and jobs[0].judged:
                if stage.lane.free:
                    stage.lane.offer(work)
                    jobs, said = _but_picked(jobs, said)
                else:  # both share the machine: times of the current version alone would make any candidate look slow
                    stage.lane.trial.beside(work.seconds)
        audited = self._audit.pick(jobs, said, busy=len(self._line) > 0)
        for at, (job, one) in enumerate(zip(jobs, said, strict=True)):
            if at != audited:
                job.settle(one)
            if isinstance(one, Failed):
                self._say(f"a question failed: {one.sentence}")
        if audited is not None and stage.current is not None:
            self._ask_both(stage.current, jobs[audited], said[audited])
        return True

    def _ask_both(self, current: Loaded, job: Job, said: Answered | Failed) -> None:
        """Ask the full tier, too, when all others have their answers; late, the fast one's goes out as it is."""
        job.keep(said, until=self._audit.until(job, self._monotonic()))
        job.settle(current.audited(job, said) if isinstance(said, Answered) else said)

    def _count(self, tier: str, version: str, outcome: str) -> None:
        self._metrics.requests.labels(tier, version, outcome).inc()


def _but_picked(jobs: list[Job], said: list[Answered | Failed]) -> tuple[list[Job], list[Answered | Failed]]:
    """Return those that the candidate is not to answer, and what was said to them."""
    left = [(job, one) for job, one in zip(jobs, said, strict=True) if not job.picked]
    return [job for job, _ in left], [one for _, one in left]
