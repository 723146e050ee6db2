"""One press for a store of several nodes: content to all, then the lead takes the deploy, then the others with it.

Owns: that order, and what becomes of the store's outcome when a node cannot be reached. Each node finishes alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Event, RLock, Thread
from typing import Any, cast

from edgectl.control.deploy.caps import Caps, Forecast
from edgectl.control.deploy.content import Content, Part
from edgectl.control.deploy.deploy import Deploy
from edgectl.control.deploy.line import Line
from edgectl.control.deploy.listener import Listener
from edgectl.control.deploy.look import join_token
from edgectl.control.deploy.neighbours import Neighbours, Place
from edgectl.control.deploy.offer import Led, Offer
from edgectl.control.deploy.outcome import Outcome
from edgectl.control.deploy.transfer import Progress
from edgectl.control.link.secret import Secret
from edgectl.control.link.session import Session
from edgectl.control.payload.effects import Pause
from edgectl.wire import event
from edgectl.wire.errors import Bug, EdgectlError, Exit, NotReady, Unreachable
from edgectl.wire.payload import decode
from edgectl.wire.verdict import DEGRADED

_FINE = frozenset({int(Exit.OK), int(Exit.DEGRADED)})
_TOKEN_SECONDS = 600.0
_AGAIN_SECONDS = 2.0
_RECONNECT_SECONDS = 120.0  # the lead's word is the store's: nobody waits long for a follower's
Connect = Callable[[], Session]


class Together:
    """One deploy of the lead, and one of each node that follows it."""

    def __init__(
        self,
        offer: Offer,
        connect: Connect,
        listener: Listener,
        followers: Mapping[str, tuple[Offer, Connect]],
        line: Line | None = None,
    ) -> None:
        self._line = line or Line()
        self._connect = connect
        self._lock = RLock()
        self._listener = listener
        self._followers = followers
        self._reached: tuple[str, ...] = ()
        self._content: list[Outcome] = []
        self._threads: list[Thread] = []
        self._token: Secret | EdgectlError | None = None
        self._has_asked = Event()
        self._has_ended = Event()  # the lead
        self._offer = offer
        self._near = _neighbours(offer, connect, followers, self._line)
        self.lead = Deploy(offer, connect, listener, line=self._line)
        self.running: dict[str, Deploy] = {}
        self.ended: dict[str, Outcome | EdgectlError] = {}

    def run(self) -> Outcome:
        """Bring the lead to its verdict, and wait for the others; a node that is not reached leaves it degraded."""
        if self._followers:
            self._send_content()
        try:
            outcome = self.lead.run()
        finally:
            self._has_ended.set()
            self._end_sharing()
        for thread in self._threads:
            thread.join()
        for sent in self._content:
            outcome.seconds_estimate = _sum(outcome, sent)
            outcome.bytes_missing += sent.bytes_missing
            outcome.pauses = outcome.pauses or sent.pauses
            _add_bytes(outcome, sent)
        for name in sorted(self._followers):
            self._add(outcome, name, self.ended.get(name, Bug(f"nothing is known of {name}")))
        return outcome

    def _end_sharing(self) -> None:
        if self._near:
            self._near.end()

    @property
    def ungiven(self) -> tuple[str, ...]:
        """The nodes that have not taken the deploy, as far as is known here."""
        given = {name for name, running in self.running.items() if running.outcome.run}
        return tuple(name for name in self._followers if name not in given)

    def _send_content(self) -> None:
        """Send first what nodes lack: the lead moves pods only where their images are, or can be in minutes.

        Raises Locked or Refused when a node that was reached takes nothing; nothing has been changed then.
        """
        listener = cast("Listener", _Lead(self._listener, self._lock, self._begin))
        followers = {
            name: Part(offer, connect, Follower(self._listener, name, self._lock))
            for name, (offer, connect) in self._followers.items()
        }
        content = Content(Part(self._offer, self._connect, listener), followers, self._line, self._near)
        self.lead = content.lead
        content.run()
        self.ended = {**content.unreached}
        self._reached = tuple(name for name in self._followers if name not in self.ended)
        self._content = content.outcomes
        after = max((one.sequence for one in self._content), default=0)
        self._offer = replace(self._offer, without=tuple(self.ended), after=max(self._offer.after, after))
        self.lead = Deploy(self._offer, self._connect, listener, line=self._line, near=self._near)

    def _begin(self, run: str, sequence: int) -> None:
        """Let the others follow: the lead has taken the deploy (or has again, after a lost run)."""
        self._end_sharing()
        if self._threads:
            return
        asks = Thread(target=self._ask, daemon=True)
        follow = [Thread(target=self._follow, args=(name, run, sequence), daemon=True) for name in self._reached]
        self._threads = [asks, *follow]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        """Get what the others join with; the lead makes it behind packages and a restart, and may take its time."""
        deadline = time.monotonic() + _TOKEN_SECONDS
        if self._offer.signed:  # what nodes join with is root's alone; those that have joined need none
            self._token = Secret("")
        try:
            while self._token is None:
                if not (is_over := self._has_ended.is_set()):
                    deadline = time.monotonic() + _TOKEN_SECONDS
                try:
                    self._token = Secret(join_token(self._connect, seconds=_TOKEN_SECONDS))
                except (Unreachable, NotReady, Bug) as error:
                    if is_over and (time.monotonic() > deadline or not isinstance(error, Unreachable)):
                        raise
                    time.sleep(_AGAIN_SECONDS)
        except EdgectlError as error:
            self._token = error
        finally:
            self._has_asked.set()

    def _follow(self, name: str, run: str, sequence: int) -> None:
        self._has_asked.wait()
        if not isinstance(self._token, Secret):
            self.ended[name] = self._token or Unreachable("the lead gave nothing to join with")
            return
        offer, connect = self._followers[name]
        offer = replace(offer, led=Led(run, sequence, self._token))
        listener = Follower(self._listener, name, self._lock)
        self.running[name] = Deploy(offer, connect, listener, line=self._line, reconnect_seconds=_RECONNECT_SECONDS)
        try:
            self.ended[name] = self.running[name].run()
        except EdgectlError as error:
            self.ended[name] = error
            listener.note(error.message)

    def _add(self, outcome: Outcome, name: str, ended: Outcome | EdgectlError) -> None:
        if isinstance(ended, EdgectlError):
            outcome.others[name] = {"exit": int(ended.exit), "reason": ended.message, "hint": ended.hint}
        else:
            verdict = ended.verdict
            outcome.others[name] = {key: verdict.get(key) for key in ("exit", "word", "reason")}
            outcome.others[name]["run"] = ended.run
            outcome.looked += ended.looked
            outcome.changed = (*outcome.changed, *(f"{name}/{step}" for step in ended.changed))
            outcome.reboots += ended.reboots
            _add_bytes(outcome, ended)
        found = outcome.others[name]
        if found["exit"] not in _FINE and int(outcome.verdict.get("exit", Exit.NOT_READY)) == Exit.OK:
            reason = f"{name}: {found['reason']}"
            outcome.verdict |= {"word": DEGRADED, "exit": int(Exit.DEGRADED), "reason": reason}


def _neighbours(
    offer: Offer, connect: Connect, followers: Mapping[str, tuple[Offer, Connect]], line: Line
) -> Neighbours | None:
    """Return the nodes that may give each other blobs; None where nothing is sent, or there is one alone."""
    payload = offer.sources.get(offer.payload)
    if offer.signed or not followers or not isinstance(payload, bytes):
        return None
    addresses = {node.name: node.address for node in decode(payload).nodes}
    asked = {offer.node: connect, **{name: at for name, (_, at) in followers.items()}}
    places = {name: Place(at, addresses[name]) for name, at in asked.items() if name in addresses}
    return Neighbours(places, line)


def _add_bytes(outcome: Outcome, other: Outcome) -> None:
    outcome.blob_bytes += other.blob_bytes
    outcome.wire_bytes += other.wire_bytes
    outcome.neighbour_bytes += other.neighbour_bytes
    outcome.link_bytes += other.link_bytes
    outcome.sessions += other.sessions


def _sum(one: Outcome, other: Outcome) -> float | None:
    """Return how long both take, one after the other over one line; None when nobody knows."""
    found = [each.seconds_estimate for each in (one, other) if each.bytes_missing]
    known = [seconds for seconds in found if seconds is not None]
    return sum(known) if known and len(known) == len(found) else None


class _Lead:
    """Passes everything on, one caller at a time, and tells when the lead has taken over."""

    def __init__(self, listener: Listener, lock: RLock, begun: Callable[[str, int], None]) -> None:
        self._listener = listener
        self._lock = lock
        self._begun = begun
        self._pauses: Sequence[Pause] = ()

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(*args: object) -> None:
            with self._lock:
                getattr(self._listener, name)(*args)

        return call

    def foreseen(self, forecast: Forecast, pauses: Sequence[Pause]) -> None:
        """Say what will pause once: before the content is sent, and not again when the lead takes it."""
        with self._lock:
            self._listener.foreseen(forecast, () if pauses == self._pauses else pauses)
            self._pauses = pauses or self._pauses

    def started(self, run: str, sequence: int) -> None:
        with self._lock:
            self._listener.started(run, sequence)
        self._begun(run, sequence)


class Follower:
    """Tells of a node that follows, under its name: what it changes and what is wrong, not what is fine."""

    def __init__(self, listener: Listener, node: str, lock: RLock) -> None:
        self._listener = listener
        self._node = node
        self._lock = lock

    def _note(self, sentence: str) -> None:
        with self._lock:
            self._listener.note(f"{self._node}: {sentence}")

    def connected(self, hello: dict[str, Any]) -> None:
        """Nothing to say."""

    def wanted(self, blobs: int, missing_bytes: int) -> None:
        """Say it under the node's name; how far it is, is said of all together."""
        if blobs:
            self._note(f"{missing_bytes / 1e6:.1f} MB to send")

    def foreseen(self, forecast: object, pauses: object) -> None:
        """Nothing to say: the nodes share a line, and only the whole has a time."""

    def limited(self, limit: float | None, caps: Caps) -> None:
        """Pass it on: it is the store's."""
        with self._lock:
            self._listener.limited(limit, caps)

    def sending(self, look: Callable[[], Progress]) -> None:
        """Pass it on: it is of all nodes together."""
        with self._lock:
            self._listener.sending(look)

    def started(self, run: str, sequence: int) -> None:
        """Nothing to say: the lead has said it."""

    def event(self, item: dict[str, Any]) -> None:
        """Pass on what lasts."""
        if item.get("kind") == event.STEP and item.get("word") not in {event.WAITING, event.CHANGING}:
            with self._lock:
                title = f"{self._node} {item.get('title', '')}"
                self._listener.event({**item, "title": title, "node": self._node})

    def note(self, sentence: str) -> None:
        """Pass it on under the node's name."""
        self._note(sentence)

    def restarting(self, node: str, reason: str) -> None:
        """Pass it on: it names the node."""
        with self._lock:
            self._listener.restarting(node, reason)

    def restarted(self, node: str, seconds: float | None) -> None:
        """Pass it on."""
        with self._lock:
            self._listener.restarted(node, seconds)

    def link_lost(self, why: str, attempt: int) -> None:
        """Say it once."""
        if attempt == 1:
            self._note(f"link lost ({why}); it goes on by itself")

    def link_back(self) -> None:
        """Say it."""
        self._note("link back")
