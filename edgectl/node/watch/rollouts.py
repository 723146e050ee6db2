"""While a version of a model stands beside another: ask the node's own inference pods how it does, and act on it.

Owns: when they are asked and how, and who is told of the end. Nothing here needs a link. What is decided is decided
under the store's lock (models/outcome.py); a deploy, a pause and a run of the engine go first.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any
from urllib.parse import quote

from edgectl.node.converge.journal import Journal
from edgectl.node.converge.lock import holder
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.gpu.told import happened
from edgectl.node.io.api import Denied
from edgectl.node.io.files import write_atomic
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.models import heard, rollout
from edgectl.node.models.declares import Declares, declared
from edgectl.node.models.heard import Heard
from edgectl.node.models.outcome import Outcome, bring_about, judged, mended
from edgectl.node.models.registry import Registry
from edgectl.node.models.turn import quiet
from edgectl.node.outbox.report import Ended, report_deed
from edgectl.node.request import deploy_comes
from edgectl.node.rest import rest
from edgectl.node.vision.chain.fetched import Fetched, Unheard, fetch
from edgectl.node.vision.chain.line import Line, beside
from edgectl.wire import event
from edgectl.wire.chain import Status
from edgectl.wire.document import from_json
from edgectl.wire.errors import Locked, NotReady
from edgectl.wire.rollout import Progress, progress_of
from edgectl.wire.verdict import READY, StepResult, Verdict

KIND = "watchdog"
EVERY_SECONDS = 10.0
_NOTE_SECONDS = 300.0  # at most so much is forgotten
PORT = 9100
_SERVES = "app.kubernetes.io/name=inference"
_ANSWER_SECONDS = 2.0
_OK = 200
NOBODY = "no inference pod is on this node: it judges nothing, and waits"


class Rollouts:
    """One node's."""

    def __init__(
        self,
        places: Places,
        *,
        hands: Hands | None = None,
        port: int = PORT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = places
        self._hands = hands or Hands(places)
        self._port = port
        self._monotonic = monotonic
        self._next = float("-inf")
        self._noted: dict[str, float] = {}  # by rollout: when
        self._looking: Thread | None = None

    def tick(self) -> float:
        """Look when it is time, and do not wait for it: nothing here holds up the watching of GPUs.

        Returns for how many seconds it has nothing to do.
        """
        now = self._monotonic()
        if self._looking is not None and self._looking.is_alive():
            return EVERY_SECONDS
        if now >= self._next:
            self._next = now + EVERY_SECONDS
            if rollout.names(Registry(self._places)):
                self._looking = Thread(target=self.look, daemon=True)
                self._looking.start()
        return self._next - now

    def look(self) -> None:
        """Ask about each rollout once, and end what is to end."""
        if rest(self._places) or deploy_comes(self._places) or holder(self._places.run) is not None:
            return
        with suppress(NotReady, OSError):  # a bare node, or one whose payload cannot be read: the engine's matter
            declares = declared(self._places)
            found = {name: self._one(declares, name) for name in rollout.names(Registry(self._places))}
            heard.keep(self._places, {name: one for name, one in found.items() if one is not None})

    def _one(self, declares: Declares, name: str) -> Heard | None:
        begun = declares.running(name)
        if begun is None or begun.passed:
            with suppress(Locked, NotReady, OSError), quiet(self._places, seconds=0.0):
                mended(declared(self._places), name)
            return None
        known = heard.read(self._places).get(name)
        last = known.progress if known and known.id == begun.order.id else None
        answers, trouble = self._heard(declares, begun.order.id)
        watched = self._watched(name, begun.order.id)
        outcome = judged(begun, answers, watched=watched) if trouble != NOBODY else None
        if outcome is not None and (failure := self._end(name, begun.order.id, outcome)):
            trouble = failure
        worst = min(answers, key=lambda one: one.frames, default=last)
        return Heard(begun.order.id, worst, trouble)

    def _watched(self, name: str, wanted: str) -> float:
        """Return for how many seconds a rollout was watched, here and before a restart: clocks may jump."""
        place, now = Registry(self._places).of(name) / rollout.WATCHED, self._monotonic()
        seconds = new = now - self._noted.setdefault(wanted, now)
        with suppress(OSError, ValueError):
            of, noted = place.read_text().split()
            seconds += float(noted) if of == wanted else 0
        if new >= _NOTE_SECONDS:
            with suppress(OSError):
                write_atomic(place, f"{wanted} {seconds}".encode())
                self._noted[wanted] = now
        return seconds

    def _heard(self, declares: Declares, wanted: str) -> tuple[list[Progress], str]:
        """Return what the node's inference pods say of a rollout, and why there is nothing more."""
        try:
            items = self._pods(declares)
        except (LookFailed, Denied) as failure:
            return [], f"the API was not asked: {failure}"
        if not items:
            return [], NOBODY
        found: list[Progress] = []
        addresses = _addresses(items)
        trouble = "" if addresses else "the inference pod of this node does not run"
        for address in addresses:
            try:
                said = progress_of(self._status(address).facts)
            except (Unheard, ValueError, RecursionError) as error:
                trouble = f"{address}:{self._port} does not answer: {error}"
                continue
            if said is None or said.id != wanted:
                trouble = "the inference service has not taken it up yet"
            else:
                found.append(said)
        return ([], trouble) if trouble and not _failed(found) else (found, "")

    def _pods(self, declares: Declares) -> list[dict[str, Any]]:
        """Return the pods of the store's own releases: a label of anybody else's in the cluster decides nothing."""
        query = f"fieldSelector=spec.nodeName%3D{declares.node}&labelSelector={quote(_SERVES)}&resourceVersion=0"
        items = (self._hands.api.get(f"/api/v1/pods?{query}") or {}).get("items", [])
        name, value = _SERVES.split("=")
        found = [item for item in items if (item["metadata"].get("labels") or {}).get(name) == value]
        return [item for item in found if declares.deploys_to(str(item["metadata"].get("namespace")))]

    def _status(self, address: str) -> Status:
        where = f"http://{f'[{address}]' if ':' in address else address}:{self._port}/status"

        def ask(line: Line) -> Fetched | Unheard:
            try:
                return fetch(line, where)
            except Unheard as no:
                return no

        found = beside({"status": (_ANSWER_SECONDS, ask)})["status"]  # all of it: a byte now and then is no answer
        if isinstance(found, Unheard):
            raise found
        if not isinstance(found, Fetched):
            raise Unheard("no answer in time")
        if found.status != _OK:
            raise ValueError(f"HTTP {found.status}")
        return from_json(Status, json.loads(found.body))

    def _end(self, name: str, wanted: str, outcome: Outcome) -> str:
        """End a rollout under the lock, if it is still the same; returns what stands against it."""
        try:
            with quiet(self._places, seconds=0.0):
                declares = declared(self._places)
                begun = declares.running(name)
                if begun is None or begun.order.id != wanted:
                    return ""
                sentence = bring_about(declares, name, begun, outcome)
                self._tell(declares.node, sentence, failed=not outcome.passed)
        except Locked as locked:
            return f"it ends when that has: {locked.message}"
        except NotReady as wrong:
            return wrong.message
        except OSError as error:
            return f"its end could not be kept on the disk: {error.strerror or error}"
        return ""

    def _tell(self, node: str, sentence: str, *, failed: bool) -> None:
        """Say it in a journal, upward, and in an Event on the Node. What cannot be told is done all the same."""
        run = secrets.token_hex(4)
        verdict = Verdict(READY, 0, sentence, (StepResult("models", "models", "current", sentence, applied=True),))
        said = {"word": READY, "exit": 0, "looked": 1, "changed": ["models"]}
        with suppress(OSError):
            journal = Journal(self._places.journal, run, KIND, spare=self._places.journals[1])
            try:
                journal.write(event.RUN, reason=KIND, data={"boot": self._hands.boot_id()})
                journal.write(event.STEP, step="models", title="models", word=event.CHANGED, reason=sentence)
                journal.write(event.VERDICT, word="done", reason=sentence, data={**said, "word": "done"})
            finally:
                journal.close()
            report_deed(self._places, self._hands, Ended(run, KIND, said, verdict, verdict, journal.path))
        print(sentence, flush=True)  # noqa: T201 - the unit's log
        happened(self._hands, node, "ModelTurnedDown" if failed else "ModelPromoted", sentence, warning=failed)


def _addresses(items: list[dict[str, Any]]) -> list[str]:
    """Return where the pods that run are reached; one that goes says nothing any more."""
    return [
        str(item["status"]["podIP"])
        for item in items
        if not item["metadata"].get("deletionTimestamp")
        and item.get("status", {}).get("podIP")
        and item["status"].get("phase") == "Running"
    ]


def _failed(found: list[Progress]) -> bool:
    return any(one.word == "failed" for one in found)
