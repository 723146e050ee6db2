"""From the disk to the sink: oldest first, in batches, again and again until it has them.

Owns: when to send and how long to wait. What the sink has taken and the disk could not note yet is not sent again.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence

from edgectl.stack.ops.clock import Clock
from edgectl.stack.ops.trace import is_on, is_sampled, spans
from edgectl.stack.uplink.batch import pack
from edgectl.stack.uplink.config import SinkAt
from edgectl.stack.uplink.damage import StoreFailed
from edgectl.stack.uplink.disk import Disk
from edgectl.stack.uplink.figures import Figures
from edgectl.stack.uplink.hours import Hours
from edgectl.stack.uplink.line import Line
from edgectl.stack.uplink.sender import Answered, Later, Sender
from edgectl.stack.uplink.split import Sorted, sort
from edgectl.stack.uplink.store import Row, Store

REST_SECONDS = 60.0  # the sink is looked at when nothing was heard of it for so long
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 60.0
_LEAST_BATCH = 10
_TRACED = 64  # frames of a batch that are traced to the sink at most: a backlog is not traced whole


class Drain:
    """`nudge` says that something was kept; `start` begins, `stop` ends without waiting for the sink."""

    def __init__(
        self,
        sink: SinkAt,
        store: Store,
        sender: Sender,
        line: Line,
        disk: Disk,
        figures: Figures,
        clock: Clock,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._sink, self._store, self._sender, self._line = sink, store, sender, line
        self._disk, self._figures, self._clock, self._draw = disk, figures, clock, draw
        self._hours = Hours(sink.windows, sink.timezone)
        self._most = sink.batch_events  # of a batch; less on a line that is too slow for it
        self._failures = 0
        self._unnoted = Sorted()
        self._told_to_wait = False
        self._stop, self._nudged, self._back = threading.Event(), threading.Event(), threading.Event()
        line.on_back(self._back.set)
        self._thread = threading.Thread(target=self._run, daemon=True, name="drain")

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self, seconds: float = 1.0) -> None:
        """End; what is on its way may arrive, and is sent again after the next start."""
        self._stop.set()
        self._nudged.set()
        self._back.set()
        self._thread.join(seconds)

    def nudge(self, waiting: int) -> None:
        """Send before the time is up when a batch is full."""
        if waiting >= self._sink.batch_events:
            self._nudged.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._told_to_wait = False
            self._back.clear()
            try:
                wait = self.once()
            except StoreFailed as error:
                self._disk.failed(error)
                self._look()  # that is known without a disk
                wait = self._back_off()
            except Exception as error:  # noqa: BLE001 - a thread that ends would never send anything any more
                sys.stderr.write(f"drain: {type(error).__name__}: {error}\n")
                wait = MOST_WAIT_SECONDS
            if wait is None:
                self._clock.wait(self._sink.every_seconds, self._nudged)
                self._nudged.clear()
            else:  # a canary that gets through ends it, but not where the sink has said how long
                self._clock.wait(wait, self._stop if self._told_to_wait else self._back)

    def once(self) -> float | None:
        """Send all that waits. Returns after how many seconds to try again; None: when there is something new."""
        self._note()
        while not self._stop.is_set() and self._hours.open(self._clock.now()):
            rows = self._store.oldest(events=self._most, size_bytes=self._sink.batch_bytes)
            if not rows:
                break
            found = self._judge(sort(rows, self._send))
            self._unnoted = found
            self._note()
            if found.later is not None:
                if found.later.slow:
                    self._most = max(self._most // 2, min(_LEAST_BATCH, self._sink.batch_events))
                self._told_to_wait = found.later.wait_seconds > 0
                return max(self._back_off(), found.later.wait_seconds)
            self._failures = 0
            self._most = min(self._most * 2, self._sink.batch_events)
        self._look()
        return None

    def _look(self) -> None:
        """See whether the sink is reached, when nothing was heard of it for long."""
        if self._line.rests(self._sink.every_seconds if self._line.unsure else REST_SECONDS):
            self._sender.look()

    def _judge(self, found: Sorted) -> Sorted:
        """Believe that events are bad only when the sink has taken another one; else ask it with the newest."""
        if not found.refused or found.taken:
            return found
        bad = [row.seq for row, _ in found.refused]
        probe = self._store.newest()
        answer = self._send([probe]) if probe is not None and probe.seq not in bad else None
        if probe is not None and isinstance(answer, Answered) and answer.taken:
            return Sorted([probe], found.refused, found.later)
        later = found.later or (answer if isinstance(answer, Later) else None)
        return Sorted(later=later or self._sender.refuses_all(found.refused[0][1]))

    def _note(self) -> None:
        done = self._unnoted
        if not done.taken and not done.refused:
            return
        self._store.settle(done.taken, done.refused)
        self._unnoted = Sorted()
        self._disk.well()
        self._figures.sent.inc(len(done.taken))
        self._figures.aside.inc(len(done.refused))
        for row, why in done.refused:
            sys.stderr.write(f"the sink refuses an event, it is set aside: {why}: {row.body[:200]!r}\n")

    def _send(self, rows: Sequence[Row]) -> Answered | Later:
        body, key = pack([row.body for row in rows])
        began = time.monotonic()
        with spans("uplink.send", traces(rows), events=len(rows), size_bytes=len(body)) as trace:
            answer = self._sender.send(body, key=key, trace=trace)
        if isinstance(answer, Answered):
            self._figures.batch.observe(time.monotonic() - began)
            if answer.taken:
                self._figures.line.inc(len(body))
        return answer

    def _back_off(self) -> float:
        longest = min(FIRST_WAIT_SECONDS * 2.0**self._failures, MOST_WAIT_SECONDS)
        self._failures = min(self._failures + 1, 10)
        return longest * (0.5 + self._draw() / 2)


def traces(rows: Sequence[Row]) -> list[str]:
    """Return the traces that a batch is a part of: of those that are kept some, else that of its first event."""
    found = [str(json.loads(row.body).get("trace") or "") for row in (rows if is_on() else rows[:1])]
    return [trace for trace in found if is_sampled(trace)][:_TRACED] or found[:1]
