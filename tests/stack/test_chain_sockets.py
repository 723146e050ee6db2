"""The chain over real sockets: whatever a peer does, its own link is named, in time, and memory is bounded."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.models.registry import CURRENT, Note, Registry
from edgectl.node.vision.chain import asked as asking
from edgectl.node.vision.chain.asked import LIMIT_SECONDS, ask
from edgectl.node.vision.chain.declared import Declared
from edgectl.node.vision.chain.dependency import ask as ask_own
from edgectl.node.vision.chain.line import Late, Line, beside
from edgectl.node.vision.chain.looked import Clocks, looked
from edgectl.node.vision.chain.memory import Memory
from edgectl.node.vision.chain.mqtt import packet, text
from edgectl.node.vision.chain.said import Asked, Said
from edgectl.wire.chain import (
    CONFIG,
    DEGRADED,
    MODEL,
    NETWORK,
    NOT_READY,
    READY,
    RESOURCE,
    Chain,
    Crossing,
    Dependency,
    Endpoint,
    State,
    Status,
)
from edgectl.wire.chainlook import MISSING, SILENT
from edgectl.wire.document import canonical, digest_of, to_json
from edgectl.wire.payload import Inference, Model
from tests.ports import free_port
from tests.stack.broker import Broker
from tests.stack.peers import (
    Behaviour,
    Peer,
    answers,
    by_path,
    drips,
    floods,
    hangs_up,
    resets,
    says,
    says_nothing,
)
from tests.unit.node.fake import FakeNode

QUESTION = Inference("vision", "inference", 8000, "tiny", {"inputs": []}, (0.5,))
GOLDEN = json.dumps({"outputs": [{"data": [0.5]}]}).encode()
CROSSING = to_json(Crossing("c", "sink", {"camera": 1.0, "inference": 2.0, "bus": 3.0, "uplink": 4.0, "sink": 5.0}))
HANGS = {
    "nothing": says_nothing,
    "drips": drips,
    "half": says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", says_nothing),
}


def status(service: str, **links: State) -> bytes:
    """Return a service's own word."""
    return json.dumps(to_json(Status(service, "1", State(READY), links))).encode()


WELL: dict[str, dict[str, Behaviour]] = {
    "camera": {"/status": answers(status("camera")), "/canary": answers(json.dumps(CROSSING).encode())},
    "inference": {"/status": answers(status("inference")), "/v2/models/tiny/infer": answers(GOLDEN)},
    "uplink": {"/status": answers(status("uplink", sink=State()))},
    "drift": {"/status": answers(status("drift"))},
}


def service(node: FakeNode, name: str, address: str = "127.0.0.1") -> None:
    """Let the API know a Service."""
    item = {"metadata": {"name": name}, "spec": {"clusterIP": address, "selector": {"app": name}}}
    node.kube.objects[f"/api/v1/namespaces/vision/services/{name}"] = item
    runs = {"containerStatuses": [{"name": name, "state": {"running": {}}}]}
    pod = {"metadata": {"name": f"{name}-0", "labels": {"app": name}}, "status": runs}
    node.kube.objects[f"/api/v1/namespaces/vision/pods/{name}-0"] = pod


class Store:
    """A chain of peers; what a service does is changed before it is looked at."""

    def __init__(self, folder: Path, stack: ExitStack, bus_port: int) -> None:
        self.node = FakeNode(folder)
        self._stack = stack
        self.behaves: dict[str, Behaviour] = {name: by_path(routes) for name, routes in WELL.items()}
        self.bus_port = bus_port
        self.dependencies: tuple[Dependency, ...] = ()
        for name in (*WELL, "bus"):
            service(self.node, name)

    def declared(self) -> Declared:
        """Open the peers."""
        ports = {name: self._stack.enter_context(Peer(what)).port for name, what in self.behaves.items()}
        services = {name: Endpoint(name, port) for name, port in {**ports, "bus": self.bus_port}.items()}
        question = replace(QUESTION, port=ports["inference"])
        return Declared("n", Chain("vision", services, dependencies=self.dependencies), question=question)

    def ask(self) -> Asked:
        """Look once."""
        return ask(self.node, self.declared())


@pytest.fixture
def store(tmp_path: Path, broker: Broker) -> Any:
    """Yield a store whose every service is well, on a real bus."""
    with ExitStack() as stack:
        yield Store(tmp_path, stack, broker.port)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let services have little time, so that those that hang cost a test little."""
    monkeypatch.setattr(asking, "_STATUS_SECONDS", 0.5)


def test_a_whole_chain_in_little_time(store: Store) -> None:
    """When all is well the verdict is there in less than two seconds, over a real broker."""
    began = time.monotonic()
    look, _ = looked(store.node, store.declared(), Memory("b"))
    assert time.monotonic() - began < 2.0
    assert (look.word, look.reason) == (READY, "camera -> inference -> bus -> uplink -> sink 15 ms"), look
    assert [link.name for link in look.links] == ["model", "inference", "camera", "bus", "uplink", "sink", "drift"]


def test_everything_hangs(tmp_path: Path) -> None:
    """With every peer mute, the verdict comes within its limit, each is named silent, and the first of them is it."""
    with ExitStack() as stack:
        store = Store(tmp_path, stack, stack.enter_context(Peer(says_nothing)).port)
        store.behaves = dict.fromkeys(WELL, says_nothing)
        port = stack.enter_context(Peer(says_nothing)).port
        store.dependencies = (
            Dependency("web", "http", f"http://127.0.0.1:{port}/"),
            Dependency("broker", "mqtt", f"127.0.0.1:{port}"),
            Dependency("mine", "exec", command=("/bin/sleep", "60")),
        )
        declared, began = store.declared(), time.monotonic()
        seen = ask(store.node, declared)
        assert time.monotonic() - began < LIMIT_SECONDS
        silent = [*(heard.fault for heard in seen.services.values()), seen.bus, *seen.dependencies.values()]
        assert {said.how for said in silent if said} == {SILENT}
        look, _ = looked(store.node, declared, Memory("b"))
        assert (look.word, look.first) == (NOT_READY, "inference")


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("how", [*HANGS, "floods"])
def test_a_peer_that_never_ends_is_hung_up_on(store: Store, how: str) -> None:
    """One service that hangs costs its own share of the time; its connection does not stay behind; others are heard."""
    peer_does = HANGS.get(how, floods)
    with Peer(peer_does) as peer:
        declared = store.declared()
        services = {**declared.chain.services, "drift": Endpoint("drift", peer.port)}
        began = time.monotonic()
        seen = ask(store.node, replace(declared, chain=replace(declared.chain, services=services)))
        assert time.monotonic() - began < 2.0
        assert seen.services["drift"].status is None
        assert seen.services["uplink"].status is not None
        assert peer.hung_up.wait(5)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    ("behaves", "says_so", "how"),
    [
        (resets, "breaks the connection off", SILENT),
        (hangs_up, "breaks the connection off", SILENT),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "breaks the connection off", SILENT),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "does not speak HTTP", "says"),
        (says(b"\x15\x03\x01\x00\x02\x02\x16"), "does not speak HTTP", "says"),
        (answers(b"", "503 Service Unavailable"), "answers HTTP 503 at /status", "says"),
        (answers(b"<html>"), "it is no JSON", "says"),
        (answers(b"[]"), "it is no object", "says"),
        (answers(b"[" * 100_000), "it is no JSON", "says"),
        (answers(b'{"state": {"word": "fine"}}'), "state has none of the words", "says"),
        (answers(b'{"state": {"word": "ready"}, "links": []}'), "links is no object", "says"),
        (answers(b'{"state": {"word": "ready"}, "links": {"sink": 1}}'), "links.sink has none", "says"),
        (answers(b"a" * 300_000), "more than 256 KiB", "says"),
    ],
)
def test_what_a_service_may_do_instead(store: Store, behaves: Behaviour, says_so: str, how: str) -> None:
    """Each has a sentence, and is told apart: silent, or answering something else."""
    store.behaves["uplink"] = behaves
    fault = store.ask().services["uplink"].fault
    assert says_so in fault.reason, fault
    assert (fault.word, fault.how) == (NOT_READY, how)


def test_a_service_of_ones_own_is_read_with_mercy(store: Store) -> None:
    """Fields that nobody knows are passed over; texts are one printable line of bounded length."""
    doc = {"state": {"word": "degraded", "reason": "a\n\x1b[31mb" + "c" * 9000, "kind": "odd", "mine": 1}, "more": []}
    store.behaves["uplink"] = answers(json.dumps(doc).encode())
    found = store.ask().services["uplink"].status
    assert found is not None
    assert found.state.reason.startswith("a ?[31mbccc")
    assert (len(found.state.reason), found.state.kind) == (300, "")


def test_missing_refused_and_why(store: Store) -> None:
    """No Service, nobody on its port, and what Kubernetes knows of its pods, are three sentences."""
    del store.node.kube.objects["/api/v1/namespaces/vision/services/drift"]
    declared = store.declared()
    services = {**declared.chain.services, "uplink": Endpoint("uplink", free_port())}
    declared = replace(declared, chain=replace(declared.chain, services=services))
    del store.node.kube.objects["/api/v1/namespaces/vision/pods/uplink-0"]
    seen = ask(store.node, declared)
    assert seen.services["drift"].fault.how == MISSING
    assert seen.services["uplink"].fault.reason == "no pod of it is there"
    waiting = {"name": "uplink", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}}
    pod = {"metadata": {"name": "uplink-7f", "labels": {"app": "uplink"}}, "status": {"containerStatuses": [waiting]}}
    store.node.kube.objects["/api/v1/namespaces/vision/pods/uplink-7f"] = pod
    fault = ask(store.node, declared).services["uplink"].fault
    assert fault.reason == "its pod uplink-7f: uplink: CrashLoopBackOff back-off 40s"
    pod["status"] = {"containerStatuses": [{"name": "uplink", "state": {"running": {}}}]}
    assert ask(store.node, declared).services["uplink"].fault.reason == "connection refused"


def test_the_known_question(store: Store) -> None:
    """Another answer is the model's fault at once; a failing service is not; a candidate's answer is no fault."""
    infer = "/v2/models/tiny/infer"

    def golden(behaviour: Behaviour) -> Said:
        store.behaves["inference"] = by_path({**WELL["inference"], infer: behaviour})
        found = store.ask().golden
        assert found is not None
        return found

    wrong = json.dumps({"outputs": [{"data": [0.7]}]}).encode()
    assert golden(answers(wrong)).kind == MODEL
    assert golden(answers(b"", "500 Internal Server Error")).kind == NETWORK
    candidate = json.dumps({"outputs": [{"data": [0.7]}], "parameters": {"candidate": True}}).encode()
    assert golden(answers(candidate)).word == READY
    look, _ = looked(store.node, replace(store.declared()), Memory("b"))
    assert not look.never
    store.behaves["inference"] = by_path({**WELL["inference"], infer: answers(wrong)})
    look, _ = looked(store.node, store.declared(), Memory("b"))
    assert (look.never, look.first) == (True, "model")


def test_the_known_question_is_that_of_the_version_that_runs(store: Store) -> None:
    """What the registry says runs is asked its own question; a version that is not loaded yet gives no wrong answer.

    Seeded faults: the declared question is asked; whoever answers is judged.
    """
    files = {"model.onnx": "sha256:" + "a" * 64}
    model, registry = Model("tiny", "1.3", files), Registry(store.node.places)
    folder = registry.at("tiny", model.folder)
    folder.mkdir(parents=True)
    (folder / "model.json").write_bytes(canonical(Note("tiny", "1.3", "", model.digest, files)))
    (folder / "reference.json").write_text('{"request": {"inputs": []}, "answer": [0.7]}')
    registry.point("tiny", "current", model.folder)

    def golden(answer: float, version: str) -> Said:
        doc = {"outputs": [{"data": [answer]}], "parameters": {"version": version, "candidate": False}}
        infer = {"/v2/models/tiny/infer": answers(json.dumps(doc).encode())}
        store.behaves["inference"] = by_path({**WELL["inference"], **infer})
        found = store.ask().golden
        assert found is not None
        return found

    assert golden(0.7, "1.3").word == READY
    assert (golden(0.5, "1.3").word, golden(0.5, "1.3").kind) == (NOT_READY, MODEL)
    assert golden(0.5, "1.2") == Said(DEGRADED, "tiny 1.2 answers, 1.3 is not loaded yet", RESOURCE)


def test_a_version_that_is_about_to_be_switched_is_no_wrong_model(store: Store) -> None:
    """`current` has moved, and the version before answers for a moment: degraded, believed when it lasts."""
    places = store.node.places
    places.blobs.mkdir(parents=True)
    places.blob(digest_of(b"weights")).write_bytes(b"weights")
    model = Model("tiny", "3", {"model.onnx": digest_of(b"weights")})
    registry = Registry(places)
    registry.bring(model)
    registry.point("tiny", CURRENT, model.folder)
    before = json.dumps({"outputs": [{"data": [0.7]}], "parameters": {"version": "2"}}).encode()
    well = Memory("b").after({"model": Said()}, time.monotonic() - 60)
    store.behaves["inference"] = by_path({**WELL["inference"], "/v2/models/tiny/infer": answers(before)})
    declared = replace(store.declared(), models=("tiny",))
    said = ask(store.node, declared).golden
    assert said == Said(DEGRADED, "tiny 2 answers, 3 is not loaded yet", RESOURCE)
    look, _ = looked(store.node, declared, well, clocks=Clocks(sleep=lambda _: None))
    assert (look.word, look.never) == (READY, False)
    assert [link.doubt for link in look.links if link.name == "model"] == [said.reason]


CONNACK, SUBACK = packet(2, 0, b"\0\0"), packet(9, 0, b"\0\1\0")
BROKERS = {
    "mute": (says_nothing, "no answer to CONNECT in time", SILENT),
    "refuses": (says(packet(2, 0, b"\0\5")), "the node is not authorized", "says"),
    "odd refusal": (says(packet(2, 0, b"\0\x99")), "refuses: code 153", "says"),
    "http": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n", says_nothing), "", "says"),
    "short connack": (says(packet(2, 0, b"")), "does not speak MQTT", "says"),
    "endless length": (says(b"\x20\xff\xff\xff\xff\xff", says_nothing), "does not speak MQTT", "says"),
    "huge packet": (says(b"\x30\xff\xff\xff\x7f", says_nothing), "packet of 268435455 bytes", "says"),
    "floods": (says(CONNACK, says(packet(13, 0, b"") * 300)), "sends what nobody asked for", "says"),
    "no suback": (says(CONNACK, says_nothing), "no answer to SUBSCRIBE in time", "says"),
    "suback refused": (says(CONNACK, says(packet(9, 0, b"\0\1\x80"))), "does not let the node read", "says"),
    "loses messages": (
        says(CONNACK, says(SUBACK, says(packet(4, 0, b"\0\2"), says_nothing))),
        "gives none back",
        "says",
    ),
    "another's message": (
        says(CONNACK, says(SUBACK, says(packet(3, 0, text("edgectl/chain") + b"old"), says_nothing))),
        "does not come back",
        "says",
    ),
    "resets": (resets, "breaks the connection off", SILENT),
    "half a packet": (says(b"\x20"), "breaks the connection off", SILENT),
}


@pytest.mark.parametrize("name", BROKERS)
def test_brokers_that_are_none(name: str) -> None:
    """Whatever is sent: a sentence, in time, and never "well"."""
    behaves, says_so, how = BROKERS[name]
    with Peer(behaves) as peer:
        asked = Dependency("bus", "mqtt", f"127.0.0.1:{peer.port}", timeout_seconds=1.5)
        said = own(asked)
    assert said.word == NOT_READY
    assert says_so in said.reason, said
    assert said.how == how


@pytest.mark.parametrize(("code", "word"), [(b"\4", READY), (b"\5", READY), (b"\3", NOT_READY)])
def test_a_bus_with_passwords_is_there(store: Store, code: bytes, word: str) -> None:
    """Passwords of the bus are the services' own (BUS_USER): that the node has none turns no store down."""
    with Peer(says(packet(2, 0, b"\0" + code))) as peer:
        store.bus_port = peer.port
        found = store.ask()
    assert found.bus is not None
    assert found.bus.word == word


@pytest.mark.parametrize("seed", range(40))
def test_noise_is_no_broker(seed: int) -> None:
    """Random bytes end with a sentence."""
    noise = bytes((seed * 31 + index * index * 7) % 256 for index in range(500))
    for head in (b"", CONNACK, CONNACK + SUBACK):
        with Peer(says(head + noise)) as peer:
            assert own(Dependency("bus", "mqtt", f"127.0.0.1:{peer.port}", timeout_seconds=0.3)).word == NOT_READY


def own(asked: Dependency) -> Said:
    """Ask a dependency as a look does."""
    came = beside({"own": (asked.timeout_seconds, lambda line: ask_own(line, asked, lambda host: host))})["own"]
    return came if isinstance(came, Said) else Said(NOT_READY, came.why or "late", NETWORK, SILENT)


def test_a_real_broker_gives_back(broker: Broker) -> None:
    """On the declared topic; a message that somebody else has left there does not count."""
    said = own(Dependency("bus", "mqtt", f"127.0.0.1:{broker.port}", expect="shop/ping"))
    assert (said.word, said.reason) == (READY, "a message comes back")
    broker.stop()
    assert own(Dependency("bus", "mqtt", f"127.0.0.1:{broker.port}")).reason == "connection refused"


def test_http_and_tcp_of_ones_own() -> None:
    """A status that was not expected, a port that is closed, a name that is none, a certificate that is none."""
    with Peer(answers(b"", "204 No Content")) as peer:
        url = f"http://127.0.0.1:{peer.port}/health?deep=1"
        assert own(Dependency("web", "http", url, expect="204")).word == READY
        assert own(Dependency("web", "http", url, expect="200")).reason == "answers HTTP 204, not 200"
        assert own(Dependency("tls", "http", url.replace("http:", "https:"))).reason.startswith("no TLS: ")
        assert own(Dependency("port", "tcp", f"127.0.0.1:{peer.port}")).word == READY
    assert own(Dependency("port", "tcp", f"127.0.0.1:{free_port()}")).reason == "connection refused"
    assert own(Dependency("odd", "smoke", "x")).kind == CONFIG


def _script(folder: Path, body: str) -> tuple[str, ...]:
    path = folder / "probe.sh"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return (str(path),)


@pytest.mark.parametrize(
    ("body", "word", "says_so"),
    [
        ("echo all is well; exit 0", READY, "all is well"),
        ("echo; echo ' printer: no paper'; exit 3", NOT_READY, "printer: no paper"),
        ("exit 7", NOT_READY, "ended with 7"),
        ("printf 'a\\033[31mb\\n'; exit 1", NOT_READY, "a?[31mb"),
        ("sleep 60", NOT_READY, "did not end in time"),
        ("sleep 60 & echo left; exit 0", NOT_READY, ""),
        ("yes", NOT_READY, "says too much"),
        ("echo to stderr >&2; exit 1", NOT_READY, "to stderr"),
    ],
)
def test_a_program_of_ones_own(body: str, word: str, says_so: str) -> None:
    """Its exit code counts, its first line is the sentence; it cannot hang, flood, or paint the terminal."""
    with _open_folder() as folder:
        began = time.monotonic()
        seconds = 1.0 if "sleep" in body else 2.5
        said = own(Dependency("mine", "exec", command=_script(folder, body), timeout_seconds=seconds))
    assert time.monotonic() - began < 3
    assert said.word == word, said
    assert says_so in said.reason


def test_a_program_has_no_privileges() -> None:
    """It runs as nobody, with no way to gain more, without root's environment and without what is open here."""
    with _open_folder() as folder:
        body = 'echo "$(id -u) $(id -G) $(grep NoNewPrivs /proc/self/status | tr -d "[:space:]") ${KUBECONFIG:-none}"'
        said = own(Dependency("mine", "exec", command=_script(folder, body)))
    who = "65534 65534" if os.geteuid() == 0 else f"{os.getuid()} "
    assert said.reason.startswith(who), said
    assert said.reason.endswith("NoNewPrivs:1 none")
    assert "/no/such/program" in own(Dependency("mine", "exec", command=("/no/such/program",))).reason


def _open_folder() -> Any:
    """Return a folder that nobody may enter and read, unlike pytest's own."""
    import tempfile

    class Folder(tempfile.TemporaryDirectory[str]):
        def __enter__(self) -> Path:  # type: ignore[override]
            path = Path(super().__enter__())
            path.chmod(0o755)
            return path

    return Folder()


def test_a_surprise_in_one_job_is_its_own() -> None:
    """An error that nobody foresaw takes no other job with it."""

    def fails(_: Line) -> None:
        raise RuntimeError("oops")

    jobs: dict[str, tuple[float, Callable[[Line], Any]]] = {"bad": (1.0, fails), "good": (1.0, lambda _: 7)}
    assert beside(jobs) == {"bad": Late("RuntimeError: oops"), "good": 7}
