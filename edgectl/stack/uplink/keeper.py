"""From the bus onto the disk: what has come is committed in groups, then acknowledged, then receipted. Never earlier.

Owns: that order, and what happens while the disk does not take anything. Must not know the sink.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress

from edgectl.stack.ops.bus import Taken
from edgectl.stack.ops.event import RECEIPTS
from edgectl.stack.uplink import parcel
from edgectl.stack.uplink.damage import StoreFailed
from edgectl.stack.uplink.disk import Disk
from edgectl.stack.uplink.figures import Figures
from edgectl.stack.uplink.outlook import Intake
from edgectl.stack.uplink.parcel import Parcel
from edgectl.stack.uplink.store import Store

GROUP_EVENTS = 500
GROUP_SECONDS, _LULL_SECONDS = 0.020, 0.003  # the longest that a first event waits for others, and for one more
AGAIN_SECONDS = 1.0  # the disk is tried again
HELD = 10  # that are neither kept nor acknowledged then: fewer than the bus's window (20), or no canary passes

Publish = Callable[[str, bytes], bool]
Item = tuple[Parcel, Taken]


class Keeper:
    """`take` is for the bus; `start` begins to keep, `stop` ends when all that has come is kept (or cannot be)."""

    def __init__(
        self,
        store: Store,
        disk: Disk,
        figures: Figures,
        intake: Intake,
        *,
        publish: Publish,
        canary: Callable[[Parcel], None],
        kept: Callable[[], None],
    ) -> None:
        self._store, self._disk, self._figures, self._intake = store, disk, figures, intake
        self._publish, self._canary, self._kept = publish, canary, kept
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="keeper")

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self, seconds: float = 2.0) -> None:
        """Keep what has come, and end."""
        self._stop.set()
        self._thread.join(seconds)

    def take(self, topic: str, data: bytes, taken: Taken) -> None:
        """Take a message of the bus. No event is acknowledged here; what is none would only come again for ever."""
        try:
            item = parcel.read(data)
        except ValueError as error:
            self._figures.malformed.inc()
            sys.stderr.write(f"{topic}: {error}\n")
            taken()
            return
        if item.canary:
            taken()
            self._canary(item)
        elif self._failing:
            self._refuse(taken)
        else:
            self._queue.put((item, taken))

    def _run(self) -> None:
        while not self._stop.is_set() or not self._queue.empty():
            try:
                group = [self._queue.get(timeout=0.1)]
            except queue.Empty:
                continue
            until = time.monotonic() + GROUP_SECONDS
            while len(group) < GROUP_EVENTS:
                try:
                    group.append(self._queue.get(timeout=max(min(until - time.monotonic(), _LULL_SECONDS), 0)))
                except queue.Empty:
                    break
            try:
                self._keep(group)
            except Exception as error:  # noqa: BLE001 - a thread that ends would never keep anything any more
                sys.stderr.write(f"keeper: {type(error).__name__}: {error}\n")
                for _, taken in group:  # no receipt: they come again; but they must not fill the bus's window for good
                    self._refuse(taken)

    def _keep(self, group: list[Item]) -> None:
        """Keep a group; a disk that fails is tried again until it takes it or the process ends."""
        while True:
            began = time.monotonic()
            try:
                kept = self._store.keep([(item.id, item.body) for item, _ in group])
            except StoreFailed as error:
                self._failing = True
                self._disk.failed(error)
                group += self._come()  # while it was tried: held, too, or refused
                for _, taken in group[HELD:]:
                    self._refuse(taken)
                del group[HELD:]
                if self._stop.wait(AGAIN_SECONDS):
                    return
                continue
            self._failing = False
            self._disk.well()
            break
        self._figures.commit.observe(time.monotonic() - began)
        self._figures.kept.inc(kept.new)
        self._figures.duplicates.inc(kept.duplicates)
        self._figures.dropped.inc(kept.dropped)
        self._figures.refused.inc(len(kept.refused))
        size_bytes = sum(len(item.body) for item, _ in group) * kept.new // len(group)
        self._intake.add(kept.new, size_bytes, lost=kept.dropped + len(kept.refused))
        for _, taken in group:
            taken()
        self.receipt(item for index, (item, _) in enumerate(group) if index not in kept.refused)
        self._kept()

    def _come(self) -> list[Item]:
        come: list[Item] = []
        with suppress(queue.Empty):
            while True:
                come.append(self._queue.get_nowait())
        return come

    def _refuse(self, taken: Taken) -> None:
        self._figures.refused.inc()  # its camera keeps it, as it gets no receipt
        taken()

    def receipt(self, items: Iterable[Parcel]) -> None:
        """Tell each source what is safe. One that is lost is asked for again: the event comes anew, and is known."""
        by_source: dict[str, list[str]] = defaultdict(list)
        for item in items:
            by_source[item.source].append(item.id)
        for source, ids in by_source.items():
            self._publish(f"{RECEIPTS}/{source}", json.dumps({"ids": ids}).encode())
