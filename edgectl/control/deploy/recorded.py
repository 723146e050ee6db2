"""What a deploy was like, kept while it is shown: its events and when they came, its connections, its transfer.

Owns: the operator's clock over all of it. A node's own times are laid on it by the event that came soonest, so that a
node whose clock is wrong by years is drawn and traced where it belongs. Must not know who reads it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edgectl.wire import event

if TYPE_CHECKING:
    from edgectl.control.deploy.listener import Listener
    from edgectl.control.deploy.transfer import Progress
    from edgectl.control.link.session import Session

CONNECT, SEND, CUT, RESTART = "connect", "send", "link lost", "restart"
_PASSING = frozenset({event.CHANGING, event.WAITING, event.REBOOTING})


@dataclass(slots=True)
class Phase:
    """Something that took a while, by the operator's clock (seconds since 1970). `ended` is 0 while it lasts."""

    name: str
    node: str
    began: float
    ended: float = 0.0
    failed: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run as it went: seconds of the run, and the spans of it in which it changed or waited."""

    item: dict[str, Any]  # its last event
    node: str
    began: float
    ended: float
    spans: tuple[tuple[str, float, float], ...] = ()  # (word, from, to)


class Recorded:
    """A listener that keeps what it hears, and passes all of it on."""

    def __init__(self, listener: Listener, node: str, *, clock: Callable[[], float] = time.time) -> None:
        self._listener = listener
        self.node = node
        self._clock = clock
        self.began = clock()
        self.phases: list[Phase] = []
        self.heard: list[tuple[float, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)

    def opening(self, node: str, connect: Callable[[], Session]) -> Callable[[], Session]:
        """Return what opens a session of a node, timed."""

        def open_it() -> Session:
            phase = Phase(CONNECT, node, self._clock())
            self.phases.append(phase)
            try:
                return connect()
            except BaseException as error:
                phase.failed = str(error)
                raise
            finally:
                phase.ended = self._clock()

        return open_it

    def wanted(self, blobs: int, missing_bytes: int) -> None:
        """Begin the transfer."""
        if blobs and self._open(SEND) is None:
            facts = {"blobs": blobs, "bytes": missing_bytes}
            self.phases.append(Phase(SEND, self.node, self._clock(), facts=facts))
        self._listener.wanted(blobs, missing_bytes)

    def sending(self, look: Callable[[], Progress]) -> None:
        """End it when all has arrived."""
        phase = self._open(SEND)
        if phase is not None and (progress := look()).is_done:
            phase.ended = self._clock()
            phase.facts |= {"bytes": progress.total_bytes, "wire_bytes": progress.wire_bytes}
        self._listener.sending(look)

    def started(self, run: str, sequence: int) -> None:
        """Know that nothing is sent any more."""
        self._end(SEND)
        self._listener.started(run, sequence)

    def event(self, item: dict[str, Any]) -> None:
        """Keep it."""
        self.heard.append((self._clock(), item))
        self._listener.event(item)

    def restarting(self, node: str, reason: str) -> None:
        """Begin a machine's restart."""
        self.phases.append(Phase(RESTART, node, self._clock(), facts={"reason": reason}))
        self._listener.restarting(node, reason)

    def restarted(self, node: str, seconds: float | None) -> None:
        """End it."""
        self._end(RESTART)
        self._listener.restarted(node, seconds)

    def link_lost(self, why: str, attempt: int) -> None:
        """Begin a gap of the link."""
        if self._open(CUT) is None:
            self.phases.append(Phase(CUT, self.node, self._clock(), failed=why))
        self._listener.link_lost(why, attempt)

    def link_back(self) -> None:
        """End it."""
        self._end(CUT)
        self._listener.link_back()

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events, in the order in which they came."""
        return [item for _, item in self.heard]

    def run_began(self, node: str = "") -> float:
        """Return when a node's run began ("": the lead's) by the operator's clock: no event comes before it is said."""
        return min(
            (came - seconds_of(item.get("at")) for came, item in self.heard if node_of(item) == node),
            default=self.began,
        )

    @property
    def nodes(self) -> list[str]:
        """The nodes that have said something, "" for the lead."""
        return list(dict.fromkeys(node_of(item) for item in self.events))

    def close(self) -> float:
        """End whatever still lasts; returns the time."""
        now = self._clock()
        for phase in self.phases:
            phase.ended = phase.ended or now
        return now

    def _open(self, name: str) -> Phase | None:
        return next((phase for phase in self.phases if phase.name == name and not phase.ended), None)

    def _end(self, name: str) -> None:
        if phase := self._open(name):
            phase.ended = self._clock()


def node_of(item: dict[str, Any]) -> str:
    """Return whose event it is; "" for the lead's."""
    return str(item.get("node") or "")


def seconds_of(value: Any) -> float:
    """Return a number of seconds as a node says it; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < 10**9 else 0.0  # not NaN either


def steps_of(events: list[dict[str, Any]]) -> Iterator[Step]:
    """Yield the steps of a run, each from the end of the one before it on the same node to its own last word.

    What is looked at again after other steps is another one. A step that never came to rest ends with the run.
    """
    last: dict[str, float] = {}
    open_: dict[str, tuple[dict[str, Any], list[tuple[str, float, float]]]] = {}
    for item in events:
        node, at = node_of(item), seconds_of(item.get("at"))
        if item.get("kind") == event.RUN:
            last[node] = at
        if item.get("kind") != event.STEP:
            continue
        before, spans = open_.pop(node, (None, []))
        if before is not None:
            if before.get("step") == item.get("step"):
                spans.append((str(before.get("word", "")), seconds_of(before.get("at")), at))
            else:
                yield Step(before, node, last.get(node, 0.0), seconds_of(before.get("at")), tuple(spans))
                last[node], spans = seconds_of(before.get("at")), []
        if item.get("word") in _PASSING:
            open_[node] = (item, spans)
        else:
            yield Step(item, node, last.get(node, 0.0), max(at, last.get(node, 0.0)), tuple(spans))
            last[node] = at
    ended = {node_of(item): seconds_of(item.get("at")) for item in events}
    for node, (item, spans) in open_.items():
        at = seconds_of(item.get("at"))
        spans.append((str(item.get("word", "")), at, ended[node]))
        yield Step(item, node, last.get(node, 0.0), max(ended[node], at), tuple(spans))
