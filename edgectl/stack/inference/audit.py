"""Which frames that the fast tier was sure of the full tier is asked about, too: else nobody knows its word's worth.

Owns: how many (a share, evenly), and that none is audited while others wait. Must not know models.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgectl.stack.inference.job import Answered, Failed, Job
from edgectl.stack.ops.event import FAST

PATIENCE_SECONDS = 0.05  # that the audited frame, and no other, is held up for at most
_PART = 0.25  # of the time that its asker has left


class Audit:
    """For one thread. `share` of the sure frames, 0 to 1."""

    def __init__(self, share: float) -> None:
        self._share, self._owed = share, 0.0

    def pick(self, jobs: Sequence[Job], said: Sequence[Answered | Failed], *, busy: bool) -> int | None:
        """Return which one of a batch is audited; what cannot be now is owed, one frame at most."""
        sure = [at for at, (job, one) in enumerate(zip(jobs, said, strict=True)) if _is_sure(job, one)]
        self._owed = min(self._owed + self._share * len(sure), 1.0 + self._share)
        # Half a millionth: a share of 0.1 added ten times is not quite 1.
        if not sure or busy or self._owed < 1 - 5e-7:
            return None
        self._owed -= 1
        return sure[0]

    @staticmethod
    def until(job: Job, now: float) -> float:
        """Return when an audited frame has its answer at the latest."""
        return now + min(PATIENCE_SECONDS, max(job.deadline - now, 0.0) * _PART)


def _is_sure(job: Job, one: Answered | Failed) -> bool:
    return isinstance(one, Answered) and one.tier == FAST and job.rows == 1
