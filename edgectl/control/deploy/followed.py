"""A run's journal, read once or followed to its verdict: over a link that breaks, and a restart of the machine.

Owns: when to come back, and at which line. Must not know how an event is shown, nor change anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from edgectl.control.deploy.answered import need
from edgectl.control.deploy.look import Open, speaking
from edgectl.control.deploy.restarting import Restarting
from edgectl.control.link.lost import WrongHostKey
from edgectl.control.link.session import Session
from edgectl.wire import event
from edgectl.wire.errors import Bug, NotReady, StepFailed, Unreachable

RECONNECT_SECONDS = 900.0
_PAUSE_SECONDS = 2.0
Json = dict[str, Any]
Say = Callable[[str], object]


def journal(connect: Open, *, run: str) -> Iterator[Json]:
    """Yield a run's events as far as it is; "" is the newest one."""
    with speaking(connect) as session:
        need(session.frames.receive(), "hello")
        for item, _ in _told(session, run, 0, wait=False):
            yield item


@dataclass(slots=True)
class Following:
    """One run, to its verdict. The patience begins anew with whatever comes."""

    connect: Open
    node: str
    run: str = ""  # an id, or the beginning of one; "" is the newest
    say: Say = lambda _: None
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _offset: int = field(default=0, init=False)
    _restart: Restarting | None = field(default=None, init=False)
    _lost_at: float | None = field(default=None, init=False)
    _was_there: bool = field(default=False, init=False)
    _ended: bool = field(default=False, init=False)

    def events(self) -> Iterator[Json]:
        """Yield its events. Raises Unreachable where the node stays away, NotReady where there is no such run.

        StepFailed where it has ended without a verdict.
        """
        while not self._ended:
            try:
                yield from self._session()
            except (Unreachable, NotReady, Bug) as lost:
                self._miss(lost)
                self.sleep(_PAUSE_SECONDS)

    def _session(self) -> Iterator[Json]:
        with speaking(self.connect) as session:
            need(session.frames.receive(), "hello")
            self._was_there = True
            if not self.run:  # behind a restart the newest is another one
                self.run = _newest(session)
            try:
                for item, behind in _told(session, self.run, self._offset, wait=True):
                    self._back()
                    self._offset = behind
                    if item.get("word") == event.REBOOTING:
                        self._restart = Restarting(self.node, str(item.get("reason", "")), self.monotonic())
                    self._ended = item.get("kind") == event.VERDICT  # what follows it may get lost with the link
                    yield item
            except StepFailed:
                self._back()
                raise
        self._ended = True

    def _miss(self, lost: Unreachable | NotReady | Bug) -> None:
        """Go on where the node is to be back; else raise."""
        now = self.monotonic()
        if self._restart is not None:
            if not self._restart.was_away:
                self.say(f"{self.node} restarts; this goes on when it is back ...")
            self._restart.miss(lost, now)
            return
        if not isinstance(lost, Unreachable) or isinstance(lost, WrongHostKey) or not self._was_there:
            raise lost
        if self._lost_at is None:
            self._lost_at = now
            self.say(f"link lost ({lost.message}); the node goes on by itself. Reconnecting ...")
        if now - self._lost_at > RECONNECT_SECONDS:
            raise lost

    def _back(self) -> None:
        """Note that something has come: nothing is waited for any more."""
        if (self._restart is not None and self._restart.was_away) or self._lost_at is not None:
            self.say(f"{self.node} is back")
        self._restart = self._lost_at = None


def _newest(session: Session) -> str:
    """Return the id of the newest run; "" where none is kept."""
    session.frames.send("journal")
    frame = session.frames.receive()
    need(frame, "runs")
    names = [str(name) for name in frame["runs"]]
    return names[0].removesuffix(".jsonl").rpartition("-")[2] if names else ""


def _told(session: Session, run: str, offset: int, *, wait: bool) -> Iterator[tuple[Json, int]]:
    """Yield a run's events with the offset behind each, until it has ended (or, without `wait`, as far as it is)."""
    session.frames.send("follow", run=run, offset=offset, wait=wait)
    while True:
        frame = session.frames.receive()
        if frame["op"] == "event":
            yield frame["event"], int(frame["offset"])
        elif frame["op"] == "lost" and run and not frame.get("found", True):
            raise NotReady(f"the node has kept no run {run}", hint="edgectl journal STORE --list shows its runs")
        elif frame["op"] == "lost" and wait and frame.get("found", True):
            raise StepFailed("that run ended without a verdict", hint="edgectl status STORE says how it stands now")
        elif frame["op"] in {"end", "lost"}:
            return
        elif frame["op"] != "beat":
            need(frame, "event")
