"""Safe changes of models, through the real commands: a pod's word (over HTTP, from a server with a state) decides."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from edgectl.node import pause
from edgectl.node.converge.lock import Lock
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.models.declares import declared
from edgectl.node.models.outcome import Outcome
from edgectl.node.outbox.queue import Queue
from edgectl.node.rack import models as rack
from edgectl.node.watch import rollouts
from edgectl.node.watch.rollouts import Rollouts
from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode
from tests.cli.test_models import NEXT_14, build, heal, runs, say
from tests.cli.test_models import shop as shop  # noqa: PLC0414 - a fixture
from tests.unit.node.fake import FakeApi

CANARY_14 = (
    '{version: "1.4", from: ./models/detector-1.4.onnx, strategy: canary, '
    "rollout: {steps: [5, 50], soak: 10m, give_up: 1h}}"
)
EVENTS = "/api/v1/namespaces/default/events"


class Inference:
    """The node's inference pod: it reads the order as the service does, and says what the test wants of it."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.says: dict[str, Any] = {}
        self.broken = self.drips = False
        pod = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert self.path == "/status"
                data = pod.status()
                self.send_response(500 if pod.broken else 200)
                self.end_headers()
                for _ in range(300 if pod.drips else 0):
                    self.wfile.write(b" ")
                    time.sleep(0.1)
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.api = FakeApi({"/api/v1/namespaces/vision/pods/inference-1": _pod("127.0.0.1")})
        hands = Hands(places)
        hands.api = self.api  # type: ignore[assignment]
        self.now = 1000.0
        port = self._server.server_address[1]
        self._begins = partial(Rollouts, places, hands=hands, port=port, monotonic=lambda: self.now)
        self.watchdog = self._begins()

    def restarts(self, *, now: float) -> None:
        """Let the watchdog begin anew; after a boot, its clock does so, too."""
        self.now = now
        self.watchdog = self._begins()

    def status(self) -> bytes:
        """Return what it answers; the id is the order's, as the service takes it up."""
        order = self._places.models / "detector" / "rollout.json"
        facts = {}
        if order.exists() and self.says:
            facts = {"rollout": {"id": json.loads(order.read_bytes())["id"], **self.says}}
        state = {"word": "ready", "reason": "", "kind": "", "since": 0.0}
        doc = {"service": "inference", "version": "1", "state": state, "links": {}, "facts": facts}
        return json.dumps(doc).encode()

    def look(self, **says: Any) -> None:
        """Say this from now on, and let the watchdog look."""
        self.says = says
        self.watchdog.look()

    def events(self) -> list[str]:
        """Return what was told of the node."""
        return [item["reason"] for path, item in self.api.objects.items() if path.startswith(EVENTS)]

    def end(self) -> None:
        """Be gone."""
        self._server.shutdown()
        self._server.server_close()


def _pod(address: str) -> dict[str, Any]:
    meta = {"name": "inference-1", "namespace": "vision", "labels": {"app.kubernetes.io/name": "inference"}}
    return {"metadata": meta, "spec": {"nodeName": "node-1"}, "status": {"phase": "Running", "podIP": address}}


@pytest.fixture
def pod(node: StoreNode, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inference]:
    """Return the pod, which is there as long as the test is."""
    monkeypatch.setattr(rollouts, "print", lambda *_, **__: None, raising=False)
    found = Inference(node.places)
    yield found
    found.end()


@pytest.fixture
def beside(shop: Path, node: StoreNode, edgectl: Edgectl) -> Path:
    """Return the inventory of a store on which 1.4 is a canary beside 1.3."""
    assert edgectl("deploy", "store-042").code == 0
    say(shop, CANARY_14)
    build(shop, edgectl)
    said = edgectl("deploy", "store-042")
    assert said.code == 0, said
    node.join()
    return shop


def test_a_canary_begins_with_a_deploy_that_ends_ready(beside: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Law: `current` stays; plan says it before; neither the same deploy nor a heal changes anything."""
    assert (runs(node), runs(node, "candidate")) == ("1.3", "1.4")
    order = json.loads(node.file("var/lib/edgectl/models/detector/rollout.json").read_bytes())
    assert set(order) == {
        *("id", "strategy", "candidate", "version", "steps"),
        *("soak_seconds", "thresholds", "min_frames", "since"),
    }
    assert (order["strategy"], order["version"], order["steps"], order["soak_seconds"]) == (
        "canary",
        "1.4",
        [5, 50],
        600,
    )
    assert order["thresholds"] == {"agreement": 0.9, "latency_ratio": 2.0, "error_rate": 0.01, "drift": 0.25}
    again = edgectl("deploy", "store-042", "-o", "json").document
    assert (again["changed"], again["blob_bytes"]) == ([], 0)
    node.join()
    assert heal(node) == 0
    assert json.loads(node.file("var/lib/edgectl/models/detector/rollout.json").read_bytes()) == order
    status = edgectl("status", "store-042")
    assert status.code == 0
    assert "  rollout   detector: canary 1.4 beside 1.3, since " in status.out
    assert beside.is_file()


def test_what_it_is_about_to_do_is_planned(shop: Path, edgectl: Edgectl, node: StoreNode) -> None:
    """And nothing of it is done."""
    edgectl("deploy", "store-042")
    say(shop, CANARY_14)
    build(shop, edgectl)
    planned = edgectl("plan", "store-042")
    assert planned.code == 0
    assert "detector candidate: none -> 1.4" in planned.out
    assert "detector rollout: none -> canary of 1.4" in planned.out
    assert runs(node, "candidate") == ""


@pytest.mark.usefixtures("beside")
def test_one_that_passes_runs(node: StoreNode, pod: Inference, edgectl: Edgectl) -> None:
    """Law: with the line cut, by the pod's word alone; journal, outbox and Event say it."""
    pod.look(word="running", step=1, percent=50, frames=1204, agreement=0.971, latency_ratio=1.1)
    shown = edgectl("models", "store-042").out
    assert "               canary 1.4 beside 1.3, since " in shown
    assert "running, 50 % (step 2 of 2), 1,204 frames, agreement 0.97, latency 1.1 x, 20 min to go" in shown
    assert runs(node) == "1.3"
    pod.look(word="passed", step=1, percent=50, frames=1300)
    assert (runs(node), runs(node, "previous"), runs(node, "candidate")) == ("1.4", "1.3", "")
    assert pod.events() == ["ModelPromoted"]
    told = "detector 1.4 runs now, 1.3 before: its canary has passed"
    assert told in edgectl("journal", "store-042").out
    kinds = [entry.kind for entry in Queue(node.places.outbox, 1 << 20).entries()]
    assert kinds[-2:] == ["verdict", "journal"]
    assert edgectl("deploy", "store-042", "-o", "json").document["changed"] == []
    assert "canary" not in edgectl("models", "store-042").out
    pod.look(word="passed")
    assert pod.events() == ["ModelPromoted"], "once"


def test_one_that_fails_is_held_back(beside: Path, node: StoreNode, pod: Inference, edgectl: Edgectl) -> None:
    """Law: the store stays ready with what ran; neither heal nor the same deploy brings it back."""
    pod.look(word="failed", reason="agreement 0.62, at least 0.9 needed")
    sentence = "held at 1.3 by itself since "
    for by_heal in (True, False):
        assert (heal(node) if by_heal else edgectl("deploy", "store-042").code) == 0
        node.join()
        assert (runs(node), runs(node, "candidate")) == ("1.3", "")
    status = edgectl("status", "store-042").out
    assert f"  held      detector {sentence}" in status
    assert ": agreement 0.62, at least 0.9 needed" in status
    assert pod.events() == ["ModelTurnedDown"]
    say(beside, CANARY_14.replace("1.4", "1.5"))
    build(beside, edgectl)
    assert edgectl("deploy", "store-042").code == 0
    assert (runs(node), runs(node, "candidate")) == ("1.3", "1.5")
    assert sentence not in edgectl("status", "store-042").out


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("how", ["down", "nobody", "stopped", "mute", "broken", "far", "drips"])
def test_silence_decides_nothing_and_is_said_until_it_is_given_up(
    how: str, node: StoreNode, pod: Inference, edgectl: Edgectl
) -> None:
    """Law: an API or a pod that does not answer, none at all, one that has not taken it up."""
    if how == "down":
        pod.api.down = True
    elif how == "nobody":
        pod.api.objects.clear()
    elif how == "stopped":
        pod.api.objects["/api/v1/namespaces/vision/pods/inference-1"]["status"] = {"phase": "Pending"}
    elif how == "broken":
        pod.broken = True
    elif how == "far":
        pod.end()
    pod.drips = how == "drips"
    began = time.monotonic()
    pod.look()
    assert time.monotonic() - began < 10
    said = {
        "down": "the API",
        "nobody": "no inference pod",
        "stopped": "does not run",
        "mute": "has not taken",
        "broken": "500",
        "far": "refused",
        "drips": "no answer in time",
    }
    shown = edgectl("models", "store-042").out
    assert "not heard of yet: " in shown
    assert said[how] in shown
    assert runs(node) == "1.3"
    pod.now += 3601
    pod.look()
    if how == "nobody":
        assert (runs(node), runs(node, "candidate")) == ("1.3", "1.4"), "who serves nothing judges nothing"
        return
    assert runs(node, "candidate") == ""
    assert "not judged within 1 h: the inference service was not heard" in edgectl("models", "store-042").out


@pytest.mark.usefixtures("beside")
def test_a_clock_that_jumps_gives_nothing_up(
    pod: Inference, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: only the time counts in which it was watched; a clock that is set, or a night without power, does not."""
    pod.look(word="running", frames=3)
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall + 3 * 86400)
    pod.now += 10
    pod.look(word="running", frames=3)
    assert (runs(node), runs(node, "candidate")) == ("1.3", "1.4")
    assert "held" not in edgectl("models", "store-042").out


@pytest.mark.usefixtures("beside")
def test_what_restarts_goes_on_counting(pod: Inference, node: StoreNode) -> None:
    """Law: however often the watchdog or the machine begins anew, it is given up in time: all that was watched counts.

    Of another rollout, nothing does.
    """
    for boot in range(6):
        pod.restarts(now=50.0 * boot)
        for _ in range(61):  # ten minutes
            pod.look(word="running", frames=3)
            assert runs(node, "candidate") == "1.4", boot
            pod.now += 10
    note = node.file("var/lib/edgectl/models/detector/watched")
    of, seconds = note.read_text().split()
    assert float(seconds) == 3600.0
    note.write_text(f"another {seconds}")
    pod.restarts(now=7.0)
    pod.look(word="running", frames=3)
    pod.now += 10
    pod.look(word="running", frames=3)
    assert runs(node, "candidate") == "1.4"
    note.write_text(f"{of} {seconds}")
    pod.now += 1
    pod.look(word="running", frames=3)
    assert (runs(node), runs(node, "candidate"), note.exists()) == ("1.3", "", False)


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize(("namespace", "then"), [("vision", "1.4"), ("elsewhere", "1.3")])
def test_pods_of_nobodys_release_decide_nothing(
    namespace: str, then: str, node: StoreNode, pod: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: whoever may start a pod in some namespace can put any label on it; a store's models are not his."""
    real = declared
    monkeypatch.setattr(rollouts, "declared", lambda places: replace(real(places), namespaces=frozenset({"vision"})))
    pod.api.objects["/api/v1/namespaces/vision/pods/inference-1"]["metadata"]["namespace"] = namespace
    pod.look(word="passed")
    assert runs(node) == then


@pytest.mark.usefixtures("beside")
def test_a_deploy_a_pause_and_a_heal_go_first(node: StoreNode, pod: Inference) -> None:
    """Law: nobody switches versions beside them; it is done at the next look."""
    with Lock(node.places.run, {"run": "0", "kind": "deploy"}) as lock:
        assert lock.acquire()
        pod.look(word="passed")
        assert pod.watchdog._end("detector", "x", Outcome(passed=True)).startswith("it ends when that has")
    pause.begin(node.places, who="anna", why="works", seconds=60)
    pod.look(word="passed")
    assert runs(node) == "1.3"
    pause.end(node.places)
    pod.look(word="passed")
    assert runs(node) == "1.4"


def test_a_shadow_waits_for_a_person(shop: Path, node: StoreNode, pod: Inference, edgectl: Edgectl) -> None:
    """Law: what has passed by hand stays beside until somebody promotes it; a second time is fine."""
    edgectl("deploy", "store-042")
    say(shop, '{version: "1.4", from: ./models/detector-1.4.onnx, strategy: shadow}')
    build(shop, edgectl)
    assert edgectl("deploy", "store-042").code == 0
    node.join()
    pod.look(word="passed", frames=99, agreement=0.99)
    assert runs(node) == "1.3"
    assert (
        "passed, 99 frames, agreement 0.99, edgectl models promote lets it take over"
        in edgectl("models", "store-042").out
    )
    for group, said in (("model", "detector 1.4 runs now, 1.3 before"), ("models", "detector 1.4 runs, and none")):
        done = edgectl(group, "promote", "store-042", "detector")
        assert (done.code, said in done.out) == (0, True), done
    assert (runs(node), heal(node)) == ("1.4", 0)


def test_by_hand_whatever_the_strategy_is(shop: Path, node: StoreNode, pod: Inference, edgectl: Edgectl) -> None:
    """Law: what has come ahead, as a canary; passed, it stays by a hold until it is declared."""
    edgectl("deploy", "store-042")
    for verb in ("canary", "shadow"):
        none = edgectl("model", verb, "store-042", "detector")
        assert (none.code, "no version of detector has come ahead" in none.err) == (5, True)
    say(shop, NEXT_14)
    build(shop, edgectl)
    assert edgectl("models", "prefetch", "store-042").code == 0
    wrong = edgectl("model", "canary", "store-042", "detector@1.9")
    assert (wrong.code, "keeps no version 1.9 of detector (it keeps 1.3, 1.4)" in wrong.err) == (5, True)
    assert edgectl("model", "canary", "store-042", "detector", "--percent", "101").code == 2
    assert edgectl("model", "canary", "store-042", "detector", "--soak", "soon").code == 2
    said = edgectl("model", "canary", "store-042", "detector@1.4", "--percent", "10", "--soak", "30s")
    assert said.code == 0, said
    assert "  node-1    detector 1.4 is canary beside 1.3 (10 %)" in said.out
    assert heal(node) == 0
    pod.look(word="passed")
    assert runs(node) == "1.4"
    assert "held at 1.4 by " in edgectl("status", "store-042").out
    say(shop, '{version: "1.4", from: ./models/detector-1.4.onnx, strategy: canary}')
    build(shop, edgectl)
    assert edgectl("deploy", "store-042").code == 0
    assert (runs(node), runs(node, "previous"), runs(node, "candidate")) == ("1.4", "1.3", "")
    assert "held" not in edgectl("status", "store-042").out


@pytest.mark.usefixtures("beside")
def test_at_the_rack(
    node: StoreNode, pod: Inference, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`edgectl-node models rollback`, `canary`, `shadow`, `promote`: the same, with no link."""
    monkeypatch.setenv("SUDO_USER", "anna")
    capsys.readouterr()
    steps = [
        (Namespace(deed="rollback", name="detector", why=""), "detector: the canary of 1.4 ends; held at 1.3 by anna@"),
        (
            Namespace(deed="canary", name="detector@1.4", percent=20, soak="30s"),
            "detector 1.4 is canary beside 1.3 (20",
        ),
        (Namespace(deed="shadow", name="detector@1.4", soak=""), "detector 1.4 is shadow beside 1.3\n"),
        (Namespace(deed="promote", name="detector", why=""), "detector 1.4 runs now, 1.3 before\n"),
    ]
    for args, said in steps:
        assert rack.run(node.places, args) == 0
        assert capsys.readouterr().out.startswith(said)
        assert heal(node) == 0
    assert rack.run(node.places, Namespace(deed="canary", name="detector", soak="never", percent=0)) == 2
    assert pod.events() == []
    assert runs(node) == "1.4"


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ('{version: "1.4", strategy: canary}', "models.detector: canary, but no registry keeps it"),
        (CANARY_14.replace("[5, 50]", "[50, 5]"), "models.detector.rollout.steps: they must rise"),
        (CANARY_14.replace("10m", "soon"), "models.detector.rollout.soak"),
        (CANARY_14.replace("canary", "carefully"), "models.detector.strategy"),
    ],
)
def test_what_is_wrong_in_the_inventory_is_said_with_its_line(
    model: str, sentence: str, shop: Path, edgectl: Edgectl
) -> None:
    say(shop, model)
    said = edgectl("render", "store-042")
    assert said.code == 3
    assert sentence in said.err
    assert "inventory.yaml:10:" in said.err


@pytest.mark.usefixtures("beside")
def test_the_watchdog_looks_every_ten_seconds_and_waits_for_nobody(pod: Inference, node: StoreNode) -> None:
    """Law: at once, then every 10 s, one look at a time; it says for how long it has nothing to do."""
    now = [0.0]
    looked: list[float] = []
    watch = Rollouts(node.places, monotonic=lambda: now[0])
    watch.look = lambda: looked.append(now[0])  # type: ignore[method-assign]
    for moment, left in ((0.0, 10.0), (2.0, 8.0), (9.9, 0.1), (10.0, 10.0)):
        now[0] = moment
        assert watch.tick() == pytest.approx(left)
        assert watch._looking is not None
        watch._looking.join(5)
    assert looked == [0.0, 10.0]
    assert pod.events() == []
