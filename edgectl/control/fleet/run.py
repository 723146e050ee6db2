"""The same work for many stores, so many at once; what becomes of one is no matter of another.

Owns the threads, and what Ctrl-C leaves behind. Must not know what the work is, nor how anything is shown.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

from edgectl.control.fleet.ended import Ended, answered, left, stopped
from edgectl.control.fleet.watch import Left, Watch
from edgectl.wire.errors import Bug, EdgectlError

Work = Callable[[str, Watch], tuple[int, dict[str, Any]]]  # exit code and document of one store; raises EdgectlError
_EVIDENCE_LINES = 12
_LOOKS_UP_SECONDS = 0.5


def run(
    stores: Sequence[str],
    work: Work,
    *,
    at_once: int,
    begun: Callable[[str], None] = lambda _: None,
    ended: Callable[[Ended], None] = lambda _: None,
) -> list[Ended]:
    """Do the work for every store; returns how each ended, sorted by name.

    `begun` and `ended` are told from this thread. Ctrl-C begins no more, and returns at once: stores that were given
    something go on by themselves, and are named.
    """
    watches = {name: Watch() for name in stores}
    said: SimpleQueue[str | Ended] = SimpleQueue()
    enough = Event()
    found: dict[str, Ended] = {}  # written by the threads: what has ended has, whenever somebody stops watching
    left_over = len(watches)
    waiting = iter(list(watches.items()))  # a list's iterator gives each item to one thread

    def go() -> None:
        for name, watch in waiting:
            if enough.is_set():
                return
            said.put(name)
            found[name] = _one(name, watch, work)
            said.put(found[name])

    for _ in range(min(at_once, len(watches))):  # daemons, so that Ctrl-C leaves at once, whoever is silent
        Thread(target=go, daemon=True).start()
    try:
        while left_over:
            try:
                item = said.get(timeout=_LOOKS_UP_SECONDS)  # a Ctrl-C that comes just before is seen after it
            except Empty:
                continue
            if isinstance(item, str):
                begun(item)
            else:
                left_over -= 1
                ended(item)
    except KeyboardInterrupt:
        enough.set()
        for name, watch in watches.items():
            watch.leave()
            found.setdefault(name, left(name, run=watch.run, events=watch.events))
    return [found[name] for name in sorted(found)]


def _one(name: str, watch: Watch, work: Work) -> Ended:
    began = time.monotonic()
    try:
        code, document = work(name, watch)
        ended = answered(name, code, document, watch.events, run=watch.run)
    except Left:
        ended = left(name, run=watch.run, events=watch.events)
    except EdgectlError as error:
        ended = stopped(name, error, watch.events, run=watch.run)
    except BaseException as error:  # noqa: BLE001 - a bug with one store is this store's end, and no other's
        ended = stopped(name, _bug(error), watch.events, run=watch.run)
    return replace(ended, seconds=round(time.monotonic() - began, 3), own=watch.own)


def _bug(error: BaseException) -> Bug:
    lines = "".join(traceback.format_exception(error)).splitlines()
    return Bug(
        f"edgectl has a bug: {type(error).__name__}: {error}",
        hint="report it, with the lines above; what the node was asked to do, it finishes by itself",
        details=tuple(lines[-_EVIDENCE_LINES:]),
    )
