"""One run of the engine: which slot it converges, and what becomes of that slot. The steps are a fake store's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from edgectl.node import cancel, engine, pause, restraint
from edgectl.node.converge import journal
from edgectl.node.converge.lock import Lock, holder
from edgectl.node.converge.protocol import Gate, Observation, Status, Wait
from edgectl.node.converge.slots import Slots
from edgectl.node.engine import run
from edgectl.node.io.places import Places
from edgectl.node.io.programs import Ran
from edgectl.node.request import DEPLOY, HEAL, Request, leave, take
from edgectl.wire.document import digest_of
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import Exit
from edgectl.wire.payload import Host, K3s, Node, Payload
from tests.unit.node.fake import FakeNode, ran

ADA = Sender("ada", "laptop")


@dataclass
class App:
    """A step that runs the payload's title; titles say how it goes: `bad` fails, `thin` serves degraded."""

    node: FakeNode
    want: str
    id: str = "app"
    title: str = "app"
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Any) -> Observation:
        """Compare what runs."""
        del read
        have = self.node.text(self.node.places.root / "app") or ""
        if "bad" in self.want and have == self.want:
            return Observation(Status.FAILED, "it crash-loops", evidence=("out of memory",))
        if have == self.want:
            return Observation(Status.CURRENT, have, degraded="1 of 2" if "thin" in have else "")
        return Observation(Status.DRIFTED, f"runs {have or 'nothing'}")

    def apply(self, write: Any, seen: Observation) -> None:
        """Run it."""
        del write, seen
        self.node.write(self.node.places.root / "app", self.want)


@dataclass
class Store:
    """A node with an engine."""

    node: FakeNode
    places: Places
    sequence: int = 0
    runs: int = 0
    extra: list[Gate[Any]] = field(default_factory=list)

    def deploy(self, title: str, *, accept_degraded: bool = False) -> int:
        """Accept a payload and run the engine for it."""
        self.offer(title, accept_degraded=accept_degraded)
        return self.run(DEPLOY)

    def offer(self, title: str, *, accept_degraded: bool = False, k3s_version: str = "v1") -> None:
        """Accept a payload."""
        k3s = K3s(k3s_version, "sha256:0", "k3s.service", (), ())
        node = Node("node-1", "server", "10.77.0.11", Host(1), k3s)
        payload = Payload("store-042", title, (node,), (), {})
        self.places.blobs.mkdir(parents=True, exist_ok=True)
        self.places.runtimes.mkdir(parents=True, exist_ok=True)
        self.places.blob(payload.digest).write_bytes(payload.encode())
        self.sequence += 1
        digest = payload.digest
        offer = Envelope("store-042", "node-1", digest, digest_of(b""), "", self.sequence, "t", ADA)
        Slots(self.places).accept(replace(offer, accept_degraded=accept_degraded))

    def run(self, kind: str = HEAL) -> int:
        """Run the engine, for a request or by itself."""
        self.runs += 1
        if kind == DEPLOY:
            leave(self.places, Request(f"{self.runs:08x}", DEPLOY, ADA, "now"))
        return run(self.places)

    def counts(self) -> None:
        """Count a run of the candidate, as units/edgectl-node.sh does before the engine begins."""
        candidate = Slots(self.places).candidate
        assert candidate is not None
        (candidate.folder / "tries").write_text(f"{candidate.tries + 1}\n")

    @property
    def app(self) -> str:
        """What runs."""
        return self.node.text(self.places.root / "app") or ""

    @property
    def slots(self) -> tuple[int | None, int | None]:
        """Candidate and current."""
        found = Slots(self.places)
        candidate, current = (slot.envelope.sequence if slot else None for slot in (found.candidate, found.current))
        return candidate, current

    def said(self) -> list[dict[str, Any]]:
        """Return the newest run's journal."""
        return journal.read(journal.runs(self.places.journal)[0], 0)[0]

    def verdict(self) -> dict[str, Any]:
        """Return the newest run's verdict."""
        last = self.said()[-1]
        assert last["kind"] == "verdict"
        return dict(last["data"])


@pytest.fixture
def store(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a bare node whose recipe is one app."""
    made = Store(node, node.places)
    monkeypatch.setattr(engine, "Look", lambda *_, **__: node)
    monkeypatch.setattr(engine, "Hands", lambda *_, **__: node)
    monkeypatch.setattr(engine, "recipe", lambda payload, _, **__: (App(node, payload.title), *made.extra))
    monkeypatch.setattr(engine, "_LOCK_TRIES", 1)
    monkeypatch.setattr("edgectl.node.engine.time.sleep", lambda _: None)
    return made


def test_a_good_candidate_becomes_current(store: Store) -> None:
    """Promoted, with a verdict that says what changed."""
    assert store.deploy("v1") == Exit.OK
    assert (store.slots, store.app) == ((None, 1), "v1")
    verdict = store.verdict()
    assert (verdict["promoted"], verdict["changed"], verdict["serving"]) == (True, ["app"], 1)
    assert store.said()[0]["data"]["sender"] == {"user": "ada", "host": "laptop", "key": ""}


def test_a_bad_candidate_is_rejected_and_the_old_one_runs_again(store: Store) -> None:
    """Law: a failed rollout ends with the version that worked running; the exit code is the failure's."""
    store.deploy("v1")
    assert store.deploy("v2-bad") == Exit.FAILED
    assert (store.slots, store.app) == ((None, 1), "v1")
    verdict = store.verdict()
    assert (verdict["promoted"], verdict["serving"], verdict["returned"]["word"]) == (False, 1, "ready")
    assert verdict["evidence"] == ["out of memory"]
    assert Slots(store.places).all()[0].rejected is not None


@dataclass
class Kubernetes:
    """The gate that sees Kubernetes serve, or not."""

    status: Status
    id: str = "k3s-serves"
    title: str = "kubernetes"
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Any) -> Observation:
        """Say it."""
        del read
        return Observation(self.status, "the API does not answer")


@pytest.mark.parametrize(("served", "base", "apps"), [(Status.CURRENT, 2, 1), (Status.FAILED, 1, 1)])
def test_a_minor_version_of_k3s_stays_once_it_has_served(store: Store, served: Status, base: int, apps: int) -> None:
    """Law: only one that never served goes back, with its datastore from before; of another the apps alone go back."""
    gate = Kubernetes(Status.CURRENT)
    store.extra.append(gate)
    store.offer("v1", k3s_version="v1.36.3+k3s1")
    store.run(DEPLOY)
    store.offer("v2-bad", k3s_version="v1.37.0+k3s1")
    gate.status = served
    store.run(DEPLOY)
    slots = Slots(store.places)
    current = slots.current
    assert current is not None
    assert (current.envelope.sequence, slots.apps_of(current).envelope.sequence) == (base, apps)


def test_a_heal_does_not_bring_a_rejected_one_back(store: Store) -> None:
    """Nor does a reboot: only a person's deploy tries it again."""
    store.deploy("v1")
    store.deploy("v2-bad")
    assert store.run() == Exit.OK
    assert (store.slots, store.app) == ((None, 1), "v1")


def test_a_heal_repairs_what_a_hand_has_changed(store: Store) -> None:
    """Drift is applied away; a heal without drift changes nothing."""
    store.deploy("v1")
    store.node.write(store.places.root / "app", "by hand")
    assert store.run() == Exit.OK
    assert (store.app, store.verdict()["changed"]) == ("v1", ["app"])
    assert store.run() == Exit.OK
    assert store.verdict()["changed"] == []


def test_a_heal_does_not_fight(store: Store) -> None:
    """What is changed again and again is left after the sixth repair of an hour, and says so; a deploy repairs it."""
    store.deploy("v1")
    for _ in range(restraint.MOST_REPAIRS):
        store.node.write(store.places.root / "app", "by somebody else")
        assert store.run() == Exit.OK
    store.node.write(store.places.root / "app", "by somebody else")
    assert store.run() == Exit.FAILED
    assert store.app == "by somebody else"
    assert "repaired 6 times within the hour, so something else changes it: left for " in store.said()[-1]["reason"]
    assert store.run(DEPLOY) == Exit.OK
    assert store.app == "v1"
    store.node.write(store.places.root / "app", "by somebody else")
    assert store.run() == Exit.OK


def test_a_heal_in_vain_becomes_patient(store: Store) -> None:
    """After three, it only looks, until something is different or its pause is over."""
    store.deploy("v1")
    gone = Gone(store.node, "", id="camera", title="camera")
    store.extra.append(gone)
    for _ in range(restraint.PATIENT_RUNS):
        assert store.run() == Exit.FAILED
        assert store.said()[1]["kind"] == "step"
    assert store.run() == Exit.FAILED
    assert [item["kind"] for item in store.said()] == ["run", "note", "verdict"]
    assert "nothing has changed since the last 3 runs; the next repair in 10 min" in store.said()[1]["reason"]
    store.extra.clear()
    assert store.run() == Exit.OK
    assert restraint.read(store.places).vain == 0


def test_pauses_double_and_end() -> None:
    """10, 20, 40, then an hour; what was repaired an hour ago counts no more."""
    held, now, pauses = restraint.Restraint(), 0.0, []
    for _ in range(8):
        held = held.after(("app",), well=False, now=now)
        pauses.append(held.waits(now) / 60)
        now += held.waits(now) + 400
    assert pauses == [0, 0, 10, 20, 40, 60, 60, 60]
    assert len(held.repairs["app"]) == 1
    assert held.after((), well=True, now=now).waits(now) == 0


def test_the_first_candidate_is_never_rejected(store: Store) -> None:
    """There is nothing to go back to: it is tried again by every heal until it works."""
    assert store.deploy("v1-bad") == Exit.FAILED
    assert store.slots == (1, None)
    assert store.run() == Exit.FAILED
    assert store.slots == (1, None)


def test_a_degraded_candidate_serves(store: Store) -> None:
    """Exit 9, promoted: the store sells."""
    assert store.deploy("v1-thin") == Exit.DEGRADED
    assert store.slots == (None, 1)


def test_a_candidate_that_serves_less_is_rejected(store: Store) -> None:
    """Law: no worse than before. What was whole is not degraded by an update; the reason says how to insist."""
    store.deploy("v1")
    assert store.deploy("v2-thin") == Exit.NOT_READY
    assert (store.slots, store.app) == ((None, 1), "v1")
    assert store.said()[-1]["reason"] == "1 of 2; it was whole before this deploy (to insist: --accept-degraded)"


def test_a_person_may_insist_on_less(store: Store) -> None:
    """--accept-degraded lets it serve less, and never lets it fail."""
    store.deploy("v1")
    assert store.deploy("v2-thin", accept_degraded=True) == Exit.DEGRADED
    assert (store.slots, store.app) == ((None, 2), "v2-thin")
    assert store.deploy("v3-bad", accept_degraded=True) == Exit.FAILED
    assert (store.slots, store.app) == ((None, 2), "v2-thin")


def test_what_served_less_may_go_on_serving_less(store: Store) -> None:
    """A store with a dead GPU is updated like any other: compared with what it was, not with what it should be."""
    store.deploy("v1-thin")
    assert store.deploy("v2-thin") == Exit.DEGRADED
    assert (store.slots, store.app) == ((None, 2), "v2-thin")


class Gone(App):
    """A gate that is false whatever is deployed: a camera that was stolen."""

    def probe(self, read: Any) -> Observation:
        """Say no."""
        del read
        return Observation(Status.FAILED, "the camera is gone")


def test_what_was_wrong_before_does_not_condemn_an_update(store: Store) -> None:
    """It became wrong while the old one ran, a heal has waited for it in vain, and it still is."""
    store.deploy("v1")
    store.extra.append(Gone(store.node, "", id="camera", title="camera"))
    assert store.run() == Exit.FAILED
    assert store.deploy("v2") == Exit.FAILED
    assert (store.slots, store.app) == ((None, 2), "v2")
    assert store.verdict()["promoted"] is True


class Placed(App):
    """A step that this version of edgectl does first: in every store that was there before, it is drifted."""

    def probe(self, read: Any) -> Observation:
        """Say whether it was applied."""
        del read
        return Observation(Status.CURRENT if self.want else Status.DRIFTED, "cluster dns")

    def apply(self, write: Any, seen: Observation) -> None:
        """Apply it."""
        del write, seen
        self.want = "placed"


@pytest.mark.parametrize("by", ["this version", "an older version"])
def test_a_step_that_no_store_has_yet_takes_no_excuse_away(store: Store, by: str) -> None:
    """Law: the first deploy by a version that does more is no stricter with what is degraded already.

    Seeded: whatever is drifted excuses nothing. And what was looked at and has drifted since still excuses nothing.
    """
    store.deploy("v1-thin")
    if by == "an older version":
        note = store.places.run / "settled.json"
        note.write_text(
            json.dumps({key: said for key, said in json.loads(note.read_text()).items() if key != "looked"})
        )
    store.extra.append(Placed(store.node, "", id="cluster-dns", title="cluster dns"))
    assert store.deploy("v2-thin") == Exit.DEGRADED
    assert store.slots == (None, 2)
    store.extra[0] = Placed(store.node, "", id="cluster-dns", title="cluster dns")
    assert store.deploy("v3-thin") == Exit.NOT_READY


def test_what_nobody_has_waited_for_is_not_taken_for_wrong(store: Store) -> None:
    """Just after a boot everything looks wrong: only a run of this boot that ended says how the store stood."""
    store.deploy("v1")
    store.extra.append(Gone(store.node, "", id="camera", title="camera"))
    assert store.deploy("v2") == Exit.FAILED
    assert (store.slots, store.app) == ((None, 1), "v1")


def test_a_full_disk_keeps_no_bad_candidate(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its base would stay, but that cannot be written: then all of it goes, and the store serves what it served."""
    store.deploy("v1")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(engine._Run, "_keeps_base", lambda *_: (True, False))
    monkeypatch.setattr(Slots, "promote", full)
    assert store.deploy("v2-bad") == Exit.FAILED
    assert (store.slots, store.app) == ((None, 1), "v1")
    assert store.verdict()["returned"]["word"] == "ready"


def test_a_cancelled_candidate_is_dropped(store: Store) -> None:
    """Between two steps; what ran before is put back, the next deploy is free."""
    store.deploy("v1")
    store.offer("v2")
    cancel.begin(store.places, sequence=2, who="grace@desk")
    assert store.run(DEPLOY) == Exit.INTERRUPTED
    assert (store.slots, store.app) == ((None, 1), "v1")
    assert store.said()[-1]["reason"] == "cancelled by grace@desk"
    assert store.verdict()["returned"]["word"] == "ready"
    assert store.deploy("v3") == Exit.OK


def test_a_cancel_that_comes_late_stops_no_repair(store: Store) -> None:
    """Law: what has become current is cancelled by nobody, not by whoever asked while its last change was kept."""
    store.deploy("v1")
    followed = list[str | None]()

    def late(*argv: str) -> Ran:
        if argv == ("sync",) and not followed:
            followed.append(cancel.ask(store.places, "grace@desk"))
        return ran()

    store.node.on_change = late
    assert store.deploy("v2") == Exit.OK
    assert (followed, store.slots) == ([f"{store.runs:08x}"], (None, 2))
    store.node.write(store.places.root / "app", "by hand")
    assert store.run() == Exit.OK
    assert store.app == "v2"


def test_a_deploy_that_was_cancelled_before_its_run_says_so(store: Store) -> None:
    """Law: who waits for a deploy is told of that deploy, never ready of what ran before; the next one is free."""
    store.deploy("v1")
    store.offer("v2")
    assert cancel.ask(store.places, "grace@desk") == ""
    store.node.write(store.places.root / "app", "by hand")
    assert store.run(DEPLOY) == Exit.INTERRUPTED
    assert (store.slots, store.app) == ((None, 1), "v1")
    said = store.verdict()
    assert (said["sequence"], said["serving"], said["promoted"]) == (2, 1, False)
    assert (store.said()[-1]["reason"], said["returned"]["word"]) == ("cancelled by grace@desk", "ready")
    assert store.run() == Exit.OK, "a heal is nobody's deploy"
    assert store.verdict()["sequence"] == 1
    cancel.end(store.places)  # as the next deploy does
    assert store.deploy("v3") == Exit.OK


def test_a_cancelled_first_candidate_only_stops(store: Store) -> None:
    """There is nothing to go back to, and it is never rejected."""
    store.offer("v1")
    cancel.begin(store.places, sequence=1, who="grace@desk")
    assert store.run(DEPLOY) == Exit.INTERRUPTED
    assert (store.slots, store.app) == ((1, None), "")
    cancel.end(store.places)
    assert store.run() == Exit.OK


def test_a_candidate_that_was_cut_off_is_gone_on_with(store: Store) -> None:
    """Accepted and then the power went: boot takes it up, without a request."""
    store.deploy("v1")
    store.offer("v2")
    assert store.run() == Exit.OK
    assert (store.slots, store.app) == ((None, 2), "v2")


def test_a_run_that_was_asked_to_stop_decides_nothing(store: Store) -> None:
    """A heal steps aside between two steps: 130, and the candidate is neither promoted nor rejected."""
    store.deploy("v1")
    store.offer("v2")
    (store.places.run / "yield").write_text("x")
    with Lock(store.places.run / "sending", {"pid": 1}) as sending:
        assert sending.acquire()
        assert store.run() == Exit.INTERRUPTED
        assert (store.slots, store.app) == ((2, 1), "v1")
        assert store.run(DEPLOY) == Exit.OK  # a deploy does not yield


def test_a_mark_without_its_deploy_stops_no_heal(store: Store) -> None:
    """The deploy that asked for room was killed: its mark alone must not end self-healing."""
    store.deploy("v1")
    (store.places.run / "yield").write_text("x")
    assert store.run() == Exit.OK


def test_a_candidate_without_a_verdict_is_given_up_after_three_runs(store: Store) -> None:
    """An engine that dies each time must not keep what worked from running."""
    store.deploy("v1")
    store.offer("v2")
    candidate = Slots(store.places).candidate
    assert candidate is not None
    (candidate.folder / "tries").write_text("4")
    assert store.run() != Exit.OK
    assert (store.slots, store.app) == ((None, 1), "v1")


def test_a_pause_costs_a_candidate_no_try(store: Store) -> None:
    """Law: a start that touches nothing is none of the three, however many there are."""
    store.deploy("v1")
    store.offer("v2")
    pause.begin(store.places, who="ada", why="rack", seconds=3600)
    for _ in range(4):
        store.counts()
        assert store.run() == Exit.OK
    pause.end(store.places)
    store.counts()
    assert store.run() == Exit.OK
    assert (store.slots, store.app) == ((None, 2), "v2")


def test_the_journal_is_never_believed(store: Store) -> None:
    """Wipe what runs and keep the journal: the next run looks, and brings it back. And the other way round."""
    store.deploy("v1")
    (store.places.root / "app").unlink()
    assert store.run() == Exit.OK
    assert store.app == "v1"
    for path in journal.runs(store.places.journal):
        path.write_bytes(b"{torn")
    assert store.run() == Exit.OK
    assert store.verdict()["changed"] == []


def test_nothing_deployed_is_no_error(store: Store) -> None:
    """The timer runs on a bare node, too."""
    assert run(store.places) == Exit.OK
    assert journal.runs(store.places.journal) == []


def test_a_pause_stops_heals_and_not_deploys(store: Store) -> None:
    """A deploy is refused where it arrives; one that was accepted before is finished."""
    store.deploy("v1")
    store.node.write(store.places.root / "app", "by hand")
    pause.begin(store.places, who="ada", why="rack", seconds=3600)
    assert store.run() == Exit.OK
    assert store.app == "by hand"
    assert store.run(DEPLOY) == Exit.OK
    assert store.app == "v1"


def test_two_engines_never_run(store: Store) -> None:
    """The second ends with 7 and touches nothing."""
    store.deploy("v1")
    store.node.write(store.places.root / "app", "by hand")
    other = Lock(store.places.run, {"run": "other"})
    assert other.acquire()
    assert store.run() == Exit.LOCKED
    assert store.app == "by hand"
    other.release()
    assert store.run() == Exit.OK


def test_who_finds_the_lock_held_has_cost_nothing(store: Store) -> None:
    """Law: a deploy's request waits for the run that gets the lock, and its candidate has all its tries then."""
    store.deploy("v1")
    store.offer("v2")
    leave(store.places, Request("abcd", DEPLOY, ADA, "now"))
    with Lock(store.places.run, {"run": "other"}) as other:
        assert other.acquire()
        for _ in range(4):
            store.counts()
            assert run(store.places) == Exit.LOCKED
    store.counts()
    assert run(store.places) == Exit.OK
    assert (store.slots, store.app) == ((None, 2), "v2")
    assert (store.said()[0]["reason"], journal.find("abcd", store.places.journal)) == (
        DEPLOY,
        journal.runs(store.places.journal)[0],
    )


def test_who_finds_the_lock_held_takes_no_newer_request_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the session that lives waits for its own run; an older one, of a dead link, is not put in its place."""
    store.deploy("v1")
    store.offer("v2")
    leave(store.places, Request("abcd", DEPLOY, ADA, "now"))
    with Lock(store.places.run, {"run": "other"}) as other:
        assert other.acquire()
        monkeypatch.setattr(
            "edgectl.node.engine.time.sleep", lambda _: leave(store.places, Request("beef", DEPLOY, ADA, "later"))
        )
        assert run(store.places) == Exit.LOCKED
    monkeypatch.undo()
    found = take(store.places)
    assert found is not None
    assert found.run == "beef"


def test_the_holder_says_who_and_what(store: Store) -> None:
    """What a second deploy shows to its person: sender, kind, since when, which payload."""
    seen: list[dict[str, Any]] = []

    class Peek(App):
        def probe(self, read: Any) -> Observation:
            del read
            seen.append(holder(store.places.run) or {})
            return Observation(Status.CURRENT, "")

    store.extra.append(Peek(store.node, "", id="peek"))
    store.deploy("v1")
    assert seen[0]["kind"] == DEPLOY
    assert seen[0]["sender"]["user"] == "ada"
    assert seen[0]["payload"].startswith("sha256:")
    assert seen[0]["since"]
    assert holder(store.places.run) is None


def test_a_request_is_taken_once(store: Store) -> None:
    """The run after a deploy's is a heal again."""
    leave(store.places, Request("abcd", DEPLOY, ADA, "now"))
    found = take(store.places)
    assert found == Request("abcd", DEPLOY, ADA, "now")
    assert take(store.places) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run":1}'])
def test_a_request_that_cannot_be_read_is_a_heal(store: Store, text: str) -> None:
    """It is not taken twice, either."""
    store.places.run.mkdir(parents=True)
    (store.places.run / "request.json").write_text(text)
    assert take(store.places) is None
    assert not (store.places.run / "request.json").exists()


@pytest.mark.parametrize("harm", ["gone", "torn", "newer"])
def test_a_payload_that_cannot_be_read_is_a_verdict(store: Store, harm: str) -> None:
    """A sentence in the journal; and what was current is not rejected for it."""
    store.deploy("v1")
    current = Slots(store.places).current
    assert current is not None
    blob = store.places.blob(current.envelope.payload)
    doc = json.loads(blob.read_bytes())
    blob.unlink()
    if harm != "gone":
        blob.write_text("{torn" if harm == "torn" else json.dumps({**doc, "format": 99}))
    assert store.run() == Exit.FAILED
    assert "cannot be read" in store.said()[-1]["reason"]
    assert store.slots == (None, 1)


def test_done_is_said_when_it_is_on_the_disk(store: Store) -> None:
    """A run that has changed something ends with a sync; one that has not, does not."""
    store.deploy("v1")
    assert ("sync",) in store.node.changes
    store.node.changes.clear()
    store.run()
    assert store.node.changes == []


def test_a_step_that_crashes_is_a_verdict(store: Store) -> None:
    """A bug in one probe ends in exit 5 and evidence, never in a run without an end."""

    class Crash(App):
        def probe(self, read: Any) -> Observation:
            del read
            raise RuntimeError("surprise")

    store.extra.append(Crash(store.node, "", id="crash"))
    assert store.deploy("v1") == Exit.NOT_READY
    assert "RuntimeError: surprise" in store.said()[-1]["reason"]
    assert store.app == "v1"
