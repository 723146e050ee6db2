"""One try at the sink, judged: taken, refused for what it is, or later; and told to the line.

Owns: which statuses are about the batch, and which about us. Not for several threads at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from edgectl.stack.ops.clock import Clock
from edgectl.stack.uplink.certificate import validity
from edgectl.stack.uplink.config import SinkAt
from edgectl.stack.uplink.dial import Broken, behind
from edgectl.stack.uplink.egress import Fault, Seen, judge, moment, refusal, skewed, untimely
from edgectl.stack.uplink.line import Line
from edgectl.stack.uplink.post import Post, Reply

MOST_WAIT_SECONDS = 3600.0  # a sink that says "in a year" is asked sooner

# 4xx that no other batch would be spared: a token, a path, a header. All other ones are about what is in the batch.
_ABOUT_US = frozenset({401, 402, 403, 404, 405, 406, 407, 408, 410, 411, 415, 417, 421, 425, 426, 428, 429, 431, 451})


@dataclass(frozen=True, slots=True)
class Answered:
    """The sink has read the batch: it has taken all of it, or never will (`why`)."""

    taken: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """It has not. `wait_seconds`: as the sink asks, 0.0 where it does not. `slow`: a limit of time was passed."""

    fault: Fault
    wait_seconds: float = 0.0
    slow: bool = False


class Sender:
    """Says on the line what each try has met. `small`: it sends single events, which no thin line makes slow."""

    def __init__(
        self, sink: SinkAt, line: Line, clock: Clock, *, small: bool = False, wall: Callable[[], float] = time.time
    ) -> None:
        self._post, self._seconds, self._small = Post(sink), sink.timeout_seconds, small
        self._line, self._clock, self._wall = line, clock, wall

    def send(self, body: bytes, *, key: str, trace: str = "") -> Answered | Later:
        """Send a packed batch once."""
        began = time.monotonic()
        try:
            reply = self._post.send(body, key=key, trace=trace)
        except Broken as broken:
            return self._broken(broken)
        status = reply.status
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            self._heard(reply, time.monotonic() - began)
            return Answered(taken=True)
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _ABOUT_US:
            return Answered(taken=False, why=f"HTTP {status}{f': {reply.text}' if reply.text else ''}")
        fault = refusal(status, self._post.target, reply.text)
        self._line.failed(fault)
        return Later(fault, self._wait(reply.wait))

    def refuses_all(self, why: str) -> Later:
        """Note that it is not one event that is refused, but whatever comes."""
        fault = Fault("http", "config", f"{self._post.target.host}: refuses every event ({why})")
        self._line.failed(fault)
        return Later(fault)

    def look(self) -> None:
        """See whether the sink is reached, with nothing to say."""
        try:
            self._post.look()
        except Broken as broken:
            self._broken(broken)
        else:
            self._line.looked()

    def close(self) -> None:
        """Let go of the connection."""
        self._post.close()

    def _heard(self, reply: Reply, took_seconds: float) -> None:
        wrong = skewed(reply.date, self._post.target, now=self._clock.now())
        if wrong is None:
            self._line.well(took_seconds=took_seconds, small=self._small)
        else:
            self._line.failed(wrong)

    def _broken(self, broken: Broken) -> Later:
        seen = None
        if untimely(broken):
            der, date = behind(self._post.target, seconds=self._seconds)
            seen = Seen(validity(der), moment(date))
        fault = judge(broken, self._post.target, now=self._wall(), seen=seen)
        self._line.failed(fault)
        return Later(fault, slow=isinstance(broken.cause, TimeoutError))

    def _wait(self, text: str) -> float:
        """Return the seconds of a Retry-After: a number, or a date (RFC 9110, 10.2.3)."""
        if text.isascii() and text.isdecimal():
            seconds = float(text[:9])
        else:
            seconds = (moment(text) or 0.0) - self._clock.now() if text else 0.0
        return min(max(seconds, 0.0), MOST_WAIT_SECONDS)
