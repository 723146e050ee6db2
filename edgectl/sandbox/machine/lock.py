"""One at a time, across processes: a file lock that goes with its holder."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgectl.wire.errors import Locked

_HOST = Path("/run/lock/edgectl-sandbox.lock")


@contextmanager
def locked(path: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock; Locked when somebody else holds it until the deadline.

    The descriptor is not inherited (PEP 446), so that machines started under the lock do not keep it.
    """
    deadline = time.monotonic() + timeout_seconds
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Locked(
                        f"Another edgectl has held {path} for {timeout_seconds:.0f} s.", hint="Let it finish first."
                    ) from None
                time.sleep(0.05)
        yield


@contextmanager
def host_lock() -> Iterator[None]:
    """Hold what all sandboxes of this machine share: networks, kernel limits, the choice of ports."""
    _HOST.parent.mkdir(exist_ok=True)
    with locked(_HOST, timeout_seconds=180):
        yield
