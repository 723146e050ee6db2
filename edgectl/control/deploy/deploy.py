"""Deploy one node: offer, send what is missing, start, follow, and come back when the link dies.

Owns: the conversation with one node and when to reconnect. The node finishes alone: giving up here stops nothing
there. Must not know how anything is shown.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from edgectl.control.deploy.answered import need
from edgectl.control.deploy.caps import Forecast
from edgectl.control.deploy.decided import Hello, comes, counted, decided, left_alone, runs, unmoved
from edgectl.control.deploy.foresight import pauses_of
from edgectl.control.deploy.line import Line
from edgectl.control.deploy.listener import Listener
from edgectl.control.deploy.offer import Offer
from edgectl.control.deploy.outcome import Outcome
from edgectl.control.deploy.restarting import Restarting
from edgectl.control.link.known import Hints
from edgectl.control.link.lost import LinkLost, WrongHostKey
from edgectl.control.link.session import Session
from edgectl.control.payload.effects import Pause
from edgectl.wire import event
from edgectl.wire.document import to_json
from edgectl.wire.envelope import Envelope
from edgectl.wire.errors import Bug, EdgectlError, InvalidInput, Locked, NotReady, Refused, StepFailed, Unreachable
from edgectl.wire.frame import FrameError

if TYPE_CHECKING:
    from edgectl.control.deploy.neighbours import Neighbours

RECONNECT_SECONDS = 900.0
_PAUSES_SECONDS = (0.0, 1.0, 2.0, 5.0, 10.0)
_RESTART_PAUSE_SECONDS = 2.0


class Deploy:
    """One deploy of one node."""

    def __init__(
        self,
        offer: Offer,
        connect: Callable[[], Session],
        listener: Listener,
        *,
        line: Line | None = None,
        near: Neighbours | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        reconnect_seconds: float = RECONNECT_SECONDS,
    ) -> None:
        self._offer = offer
        self._connect = connect
        self._listener = listener
        self._line = line or Line()
        self._near = near
        self._monotonic = monotonic
        self._sleep = sleep
        self._reconnect_seconds = reconnect_seconds
        self._offset = 0
        self._heard = 0.0
        self._restart: Restarting | None = None  # of the node's machine, as long as it may be away
        self._missing: int | None = None
        self._counted = 0  # of blob_bytes, when that was said
        self._has_wanted = False  # on this link
        self._upon: Hello | None = None  # the greeting that was offered upon
        self._refused: EdgectlError | None = None
        self._hints = Hints()
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Bring the store to a verdict. Raises EdgectlError (Locked, Refused, Unreachable, NotReady, ...)."""
        began = self._monotonic()
        lost_at: float | None = None
        tries = 0
        while True:
            try:
                self._talk()
            except (Locked, Refused) as error:
                # A run of the very same, there already, may have ended between the greeting and our offer: ask anew.
                if self._refused or self.outcome.run or (lost_at is None and not comes(self._upon, self._offer)):
                    raise
                self._refused = error
            except (Unreachable, NotReady, Bug) as lost:
                now = self._monotonic()
                if self._restart is not None:
                    self._restart.miss(lost, now)
                    self._sleep(_RESTART_PAUSE_SECONDS)
                    continue
                if not isinstance(lost, Unreachable):
                    raise
                if not self.outcome.sessions or isinstance(lost, WrongHostKey):
                    raise  # never reached, so nothing to come back to; or somebody else answers
                if lost_at is None or self._heard > lost_at:
                    lost_at, tries = now, 0
                if now - lost_at > self._reconnect_seconds:
                    raise left_alone(self._offer.store, lost) from lost
                self._listener.link_lost(lost.message, tries + 1)
                self._sleep(_PAUSES_SECONDS[min(tries, len(_PAUSES_SECONDS) - 1)])
                tries += 1
            else:
                self.outcome.seconds = self._monotonic() - began
                return self.outcome

    def _talk(self) -> None:
        session = self._connect()
        self._has_wanted = False
        self.outcome.sessions += 1
        try:
            if self.outcome.sessions > 1 and self._restart is None and self._refused is None:
                self._listener.link_back()
            self._converse(session)
        except FrameError as error:
            raise LinkLost("the link broke off", details=(str(error),)) from error
        finally:
            self.outcome.link_bytes += session.link_bytes
            session.close()

    def _converse(self, session: Session) -> None:
        hello = session.frames.receive()
        need(hello, "hello")
        self._listener.connected(hello)
        self._take_up(hello, session.key)
        if self.outcome.run:
            session.frames.send("follow", run=self.outcome.run, offset=self._offset)
            if self._follow(session):
                return
            # The run ended without a verdict (a power cut, say): what it began is found by looking, so deploy again.
            self._listener.note("that run ended without a verdict; starting again")
            self.outcome.run, self._offset = "", 0
        session.frames.send("deploy", **self._request(hello, session.key))
        self._receive_acceptance(session)
        if not self._follow(session):
            raise StepFailed("the run on the node ended without a verdict", hint="run the same command again")

    def _take_up(self, hello: dict[str, Any], key: str) -> None:
        """Follow the run that has decided about our offer, where its start was lost: what it rejected stays so."""
        found = decided(hello, self._offer, replace(self._offer.sender, key=key), self._upon)
        if found and not self.outcome.run:
            self.outcome.run, self.outcome.sequence = found, int(hello["newest"]["sequence"])
            self.outcome.audit = str(hello.get("audit", self.outcome.audit))
            self._listener.started(found, self.outcome.sequence)

    def _request(self, hello: dict[str, Any], key: str) -> dict[str, Any]:
        offer = self._offer
        if offer.keeps and key not in offer.keeps:
            raise InvalidInput(
                f"the key that {offer.node} has let you in with ({key}) is none that host.users declares for you: "
                "this deploy would shut you out",
                hint="add the line of its .pub file there (host.users), or come with one of those keys (ssh.keys)",
                docs="users",
            )
        unmoved(hello, offer)
        base = runs(hello)
        if self._refused and base not in {offer.payload, runs(self._upon)}:
            raise self._refused  # somebody else was faster
        self._upon = hello
        self.outcome.audit = str(hello.get("audit", ""))
        self.outcome.before = int(hello.get("sequence", 0))
        self.outcome.serving = int((hello.get("current") or {}).get("sequence", 0))
        envelope = Envelope(
            store=offer.store,
            node=offer.node,
            payload=offer.payload,
            runtime=offer.runtime,
            base=base,
            sequence=offer.led.sequence if offer.led else max(self.outcome.before, offer.after) + 1,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            sender=replace(offer.sender, key=key),
            commit=offer.commit,
            summary=offer.summary,
            accept_degraded=offer.accept_degraded,
            may_reboot=offer.may_reboot,
            lead=offer.led.run if offer.led else "",
            without=offer.without,
            take_over=offer.take_over,
        )
        given = offer.beside() | offer.judged_first(base)
        if self._near is not None:
            given["neighbours"] = True
        self._hints = Hints()
        if offer.payload != base or hello.get("lacks"):  # else nothing will be wanted
            here = {digest: source for digest, source in offer.sources.items() if digest in offer.blobs}
            self._hints = Hints.of(here, offer.names)
        if self._hints.digests:
            given["layers"] = self._hints.text
        return {"envelope": to_json(envelope), "blobs": offer.blobs, **given}

    def _receive_acceptance(self, session: Session) -> None:
        while True:
            frame = session.frames.receive()
            if not self._has_answered(session, frame):
                need(frame, "accepted")
                self.outcome.run = str(frame["run"])
                self.outcome.sequence = int(frame["sequence"])
                self.outcome.audit = str(frame.get("audit", self.outcome.audit))
                self._listener.started(self.outcome.run, self.outcome.sequence)
                return

    def _has_answered(self, session: Session, frame: dict[str, Any]) -> bool:
        """Answer what a node asks before it takes what it is given; False when it asks nothing."""
        if frame["op"] == "want":
            self._send(session, frame)
        elif frame["op"] == "lacks":
            self._take_near(session, frame)
        elif frame["op"] == "note":
            self._listener.note(str(frame.get("reason", "")))
        elif frame["op"] == "payload" and self._offer.signed:
            packed = zlib.compress(self._offer.signed.payload)
            session.frames.send("payload", bytes=len(packed))
            session.frames.send_bytes(packed)
            self.outcome.wire_bytes += len(packed)
        else:
            return bool(frame["op"] == "beat")
        return True

    def _take_near(self, session: Session, frame: dict[str, Any]) -> None:
        """Let the node take from its neighbours what they hold of what it lacks."""
        took = self._near.bring(self._offer.node, session, frame["blobs"], self._listener) if self._near else 0
        self.outcome.neighbour_bytes += took
        if took:
            self._advanced()

    def _send(self, session: Session, frame: dict[str, Any]) -> None:
        wanted: list[dict[str, Any]] = frame["blobs"]
        missing = sum(int(item["size"]) - int(item["have_bytes"]) for item in wanted)
        if self._missing is None or missing < self._missing:
            self._advanced()  # a greeting alone is no progress: it may pass where nothing else does
        self._listener.wanted(len(wanted), missing)
        forecast = self._line.caps.forecast(missing, self._line.transfer.measured) if missing else Forecast()
        pauses: tuple[Pause, ...] = ()
        if self._missing is None:  # told once
            pauses = self.outcome.pauses = pauses_of(frame, self._offer.sources.get(self._offer.payload))
            self.outcome.bytes_missing, self.outcome.seconds_estimate = missing, forecast.seconds
        again, self._has_wanted = self._has_wanted, True
        if self._missing is not None and not again:  # what a piece stood for is known only when it ends: a cut hides it
            self.outcome.blob_bytes = max(self.outcome.blob_bytes, self._counted + self._missing - missing)
        self._missing, self._counted = missing, self.outcome.blob_bytes
        self._listener.foreseen(forecast, pauses)
        send = self._line.send
        known, sources = self._hints.answered(frame.get("layers", ())), self._offer.sources
        send(self._offer.node, session, wanted, sources, self._listener, self._count, known=known, again=again)

    def _count(self, content: int, wire: int) -> None:
        self.outcome.blob_bytes += content
        self.outcome.wire_bytes += wire

    def _follow(self, session: Session) -> bool:
        """Pass events on until the verdict; False when the run ended without one."""
        while True:
            frame = session.frames.receive()
            self._advanced()
            op = frame["op"]
            if op == "event":
                self._offset = int(frame["offset"])
                self._event(frame["event"])
                if frame["event"].get("kind") == event.VERDICT:
                    return True  # always the last: what follows it may get lost with the link
            elif op == "end":
                return True
            elif op == "lost":
                return False
            elif op != "beat":
                need(frame, "event")

    def _advanced(self) -> None:
        """Note that the deploy has come further; only then does the patience with a bad link begin anew."""
        self._heard = self._monotonic()

    def _event(self, item: dict[str, Any]) -> None:
        item = counted(item, self._offer)
        if item.get("kind") == event.VERDICT:
            data = item.get("data", {})
            self.outcome.verdict = {**data, "reason": item.get("reason", ""), "word": item.get("word", "")}
            self.outcome.looked = int(data.get("looked", 0))
            self.outcome.changed = tuple(data.get("changed", ()))
        self.outcome.saw(item)
        if item.get("word") == event.REBOOTING:
            self._restart = Restarting(self._offer.node, str(item.get("reason", "")), self._heard)
            self._listener.restarting(self._restart.node, self._restart.reason)
            return
        if (restart := self._restart) is not None:
            self._restart = None  # it is over, or has not come: the step says why
            if item.get("kind") == event.RUN and (restart.was_away or item.get("data", {}).get("restarts")):
                self.outcome.reboots.append(restart.told(self._heard))
                self._listener.restarted(restart.node, restart.seconds(self._heard))
        self._listener.event(item)

    @property
    def restarts(self) -> bool:
        """Tell whether the node's machine restarts now."""
        return self._restart is not None
