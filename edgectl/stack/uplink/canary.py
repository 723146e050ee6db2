"""Canaries: each alone, at once, ahead of all that waits and outside of all windows; never on the disk.

Owns: their short life. One that does not arrive is gone after ten seconds.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from edgectl.stack.ops.event import ARRIVED
from edgectl.stack.ops.trace import span
from edgectl.stack.uplink.batch import pack
from edgectl.stack.uplink.figures import Figures
from edgectl.stack.uplink.parcel import Parcel
from edgectl.stack.uplink.sender import Later, Sender

LIFE_SECONDS = 10.0
_WAITING = 16
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Passing:
    parcel: Parcel
    bus: float  # when it came, time.time()
    until: float  # time.monotonic()


class Canaries:
    """Real seconds throughout: a frame is no faster where the store's clock is."""

    def __init__(
        self,
        sender: Sender,
        figures: Figures,
        *,
        publish: Callable[[str, bytes], bool],
        receipt: Callable[[Parcel], None],
    ) -> None:
        self._sender, self._figures, self._publish, self._receipt = sender, figures, publish, receipt
        self._queue: queue.Queue[_Passing] = queue.Queue(_WAITING)
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self._run, daemon=True, name="canaries").start()

    def stop(self) -> None:
        """End."""
        self._stop.set()

    def put(self, parcel: Parcel) -> None:
        """Take one from the bus; too many, or too old a one, is gone."""
        now = time.time()
        age = max(now - parcel.seen, 0.0) if parcel.seen else 0.0
        try:
            if age >= LIFE_SECONDS:
                raise queue.Full  # noqa: TRY301 - gone, for one reason or the other
            self._queue.put_nowait(_Passing(parcel, now, time.monotonic() + LIFE_SECONDS - age))
        except queue.Full:
            self._figures.canaries.labels("no").inc()
            return
        self._receipt(parcel)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                passing = self._queue.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                arrived = self._pass(passing)
            except Exception as error:  # noqa: BLE001 - one odd canary must not end all others
                sys.stderr.write(f"canary {passing.parcel.id}: {type(error).__name__}: {error}\n")
                arrived = False
            self._figures.canaries.labels("yes" if arrived else "no").inc()

    def _pass(self, passing: _Passing) -> bool:
        left = passing.until - time.monotonic()
        with span("uplink.canary", passing.parcel.trace) as trace:
            doc = json.loads(passing.parcel.body)
            began = time.time()
            doc["hops"] = {**(doc.get("hops") or {}), "bus": passing.bus, "uplink": began}
            doc["trace"] = trace
            body, key = pack([json.dumps(doc, separators=(",", ":")).encode()])
            while left > 0 and not self._stop.is_set():
                # With as much time as any request: what is left of a canary's life is no measure of the sink.
                answer = self._sender.send(body, key=key, trace=trace)
                if not isinstance(answer, Later):
                    break
                if self._stop.wait(min(_AGAIN_SECONDS, max(left, 0))):
                    return False
                left = passing.until - time.monotonic()
            else:
                return False
        if not answer.taken:
            return False
        at = {"bus": passing.bus, "uplink": began, "sink": time.time()}
        return self._publish(ARRIVED, json.dumps({"id": passing.parcel.id, "at": at}).encode())
