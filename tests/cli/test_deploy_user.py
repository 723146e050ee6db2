"""An account that is not root's against a node that remembers: it looks, deploys what is signed, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgectl.control.deploy.prefetch import offer_ahead
from edgectl.control.link.runtime import runtime
from edgectl.control.signing import online
from edgectl.node import session
from edgectl.node.converge.slots import EVIDENCE, Slots
from edgectl.node.io.look import Look
from edgectl.node.launch import permits
from edgectl.node.models.registry import CANDIDATE, Registry
from edgectl.node.trust.kept import heard_of
from edgectl.wire.document import to_json
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.launch import commitment
from edgectl.wire.offer import ORDERS, Offer, Part
from edgectl.wire.sshsig import fingerprint
from edgectl.wire.trust import blob_of
from tests.cli import test_models as models
from tests.cli.conftest import KEY, Edgectl, declare
from tests.cli.node import MOTD, StoreNode
from tests.cli.test_keys import agent, trusted
from tests.far.sshd import keygen

__all__ = ["agent"]

Ask = Callable[..., dict[str, Any]]
MINE = fingerprint(blob_of(KEY))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let keys lie in a folder of the test's own, and no agent hold any."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    online.started.cache_clear()
    return tmp_path / "config/edgectl/keys"


@pytest.fixture
def deployed(inventory: Path, node: StoreNode, edgectl: Edgectl) -> StoreNode:
    """Return the node after root's first deploy; from now on edgectl comes as edge."""
    trusted(inventory, edgectl)
    users = f"users: {{edge: {{keys: ['{KEY} me']}}}}, files:"
    inventory.write_text(inventory.read_text().replace("files:", users, 1))
    assert edgectl("deploy", "store-042").code == 0
    text = inventory.read_text().replace("defaults:\n", "defaults:\n  ssh: {user: edge}\n")
    inventory.write_text(text)
    node.key = MINE
    past(node)
    return node


def past(node: StoreNode) -> None:
    """Let what was sent lie some time back: two deploys within one second are told apart by nothing."""
    for path in node.places.slots.glob("*/envelope.json"):
        doc = json.loads(path.read_text())
        path.write_text(json.dumps(doc | {"created": "2026-01-01T00:00:00+00:00"}))
    trust = node.places.trust / "heard.json"
    trust.unlink(missing_ok=True)


def test_signed_deploys_end_as_roots_do(inventory: Path, deployed: StoreNode, edgectl: Edgectl) -> None:
    """A change, nothing to change, plan, status, rollback: the same words; the signature lies beside the envelope."""
    again = edgectl("deploy", "store-042")
    assert (again.code, "Nothing to change" in again.out) == (0, True), again
    past(deployed)
    declare(inventory, "better")
    plan = edgectl("plan", "store-042")
    assert (plan.code, "etc/motd" in plan.out) == (0, True), plan
    said = edgectl("deploy", "store-042")
    assert (said.code, "Sequence 2, was 1." in said.out) == (0, True), said
    assert deployed.file(MOTD).read_text() == "better"
    current = Slots(deployed.places).current
    assert current is not None
    assert all((current.folder / name).is_file() for name in EVIDENCE)
    assert current.envelope.sender.user == "anna@ops"
    assert "@" in current.envelope.sender.host, "what the operator says of itself"
    heard = heard_of(Look(deployed.places))
    assert heard is not None
    assert heard.payload == current.envelope.payload
    assert "anna@ops" in edgectl("history", "store-042").out
    for command in ("status", "journal", "gpu", "models"):
        looked = edgectl(command, "store-042")
        assert "root" not in looked.err, looked
    assert edgectl("status", "store-042").code == 0
    past(deployed)
    back = edgectl("rollback", "store-042")
    assert (back.code, deployed.file(MOTD).read_text()) == (0, "good"), back


def test_without_a_key_nothing_is_deployed(inventory: Path, deployed: StoreNode, edgectl: Edgectl, home: Path) -> None:
    """The operator says which keys may sign before a node is asked; a look needs none."""
    shutil.rmtree(home)
    declare(inventory, "better")
    said = edgectl("deploy", "store-042")
    assert (said.code, "no key here may sign for store-042: anna@ops (SHA256:" in said.err) == (3, True), said
    assert edgectl("status", "store-042").code in {0, 10}
    assert deployed.runs == 1


def test_a_revoked_key_is_refused_by_the_node(
    inventory: Path, deployed: StoreNode, edgectl: Edgectl, tmp_path: Path
) -> None:
    """What the node has heard counts, not what the operator's own file says."""
    trust = inventory.parent / "trust.yaml"
    old = trust.read_text()
    assert edgectl("keys", "rotate", "--overlap", "1h").code == 0
    assert edgectl("keys", "revoke", "anna@ops").code in {0, 2}
    trust.write_text(old)
    stranger = keygen(tmp_path / "config/edgectl/keys/eve")
    line = " ".join(stranger.with_name("eve.pub").read_text().split()[:2])
    trust.write_text(old + f"  - who: eve\n    key: {line}\n    valid_after: '2026-11-01T00:00:00Z'\n")
    for path in (tmp_path / "config/edgectl/keys").glob("offer*"):
        path.unlink()
    declare(inventory, "better")
    said = edgectl("deploy", "store-042")
    assert (said.code, "this node does not know the key that signed" in said.err) == (11, True), said
    assert deployed.file(MOTD).read_text() == "good"


def test_the_key_that_is_about_to_go_is_named(inventory: Path, deployed: StoreNode, edgectl: Edgectl) -> None:
    """Nobody shuts himself out: the key that came must be one of those that are declared."""
    deployed.key = "SHA256:another"
    declare(inventory, "better")
    said = edgectl("deploy", "store-042")
    assert (said.code, "this deploy would shut you out" in said.err) == (3, True), said
    assert edgectl("status", "store-042").code in {0, 10}


def test_what_needs_root_says_so(deployed: StoreNode, edgectl: Edgectl) -> None:
    """Exit 11 and one sentence, before anything is changed."""
    asked: list[tuple[str, ...]] = [
        ("pause", "store-042", "--for", "1h", "--why", "x"),
        ("resume", "store-042"),
        ("cancel", "store-042"),
        ("models", "rollback", "store-042", "tiny"),
    ]
    for words in asked:
        said = edgectl(*words)
        assert (said.code, "this needs root" in said.err) == (11, True), (words, said)
    shells: list[tuple[str, ...]] = [("ssh", "store-042"), ("ssh", "store-042", "--", "id")]
    inside: list[tuple[str, ...]] = [("tunnel", "store-042"), ("events", "store-042"), ("logs", "store-042", "camera")]
    for words in (*shells, *inside, ("kubectl", "store-042", "--", "get", "pods")):
        said = edgectl(*words)
        assert (said.code, "needs root, and edge starts edgectl there and nothing else" in said.err) == (11, True), said
    assert deployed.runs == 1


def test_every_question_is_decided() -> None:
    """A question that somebody adds is root's until somebody decides otherwise, here and in docs/users.md."""
    roots = {"cancel", "doctor-bundle", "join-token", "pause", "reader", "resume", "share"}
    roots |= {"backup", "forget-node", "lab", "remove", "restore"}
    assert permits.LOOKS | permits.SIGNED | roots == set(session._QUESTIONS)
    assert not permits.LOOKS & permits.SIGNED
    page = (Path(__file__).parents[2] / "docs/users.md").read_text()
    for op in session._QUESTIONS:
        assert f"`{op}`" in page, op
    assert all(hasattr(Envelope, order) and hasattr(Offer, order) for order in ORDERS)


@pytest.fixture
def ask(deployed: StoreNode) -> Ask:
    """Give a function that says one frame to the node as edge, and returns its last answer."""

    def one(op: str, *, raw: bytes = b"", **fields: Any) -> dict[str, Any]:
        where = SimpleNamespace(node="node-1", host="", user="edge", sign=lambda *_: None)
        with_node = deployed.connect(where, runtime())
        try:
            with_node.frames.receive()
            with_node.frames.send(op, **fields)
            with_node.frames.send_bytes(raw)
            while (answer := with_node.frames.receive())["op"] in {"beat", "note", "event"}:
                pass
            return answer
        finally:
            with_node.close()

    return one


def made(node: StoreNode, home: Path, **fields: Any) -> dict[str, Any]:
    """Return the frame of a well signed deploy of what runs; `signs` is changed before it is signed, all else after."""
    current = Slots(node.places).current
    assert current is not None
    size = node.places.blob(current.envelope.payload).stat().st_size
    now = int(time.time())
    offer = Offer(
        "store-042",
        now,
        now + 3600,
        Part(current.envelope.payload, size),
        Part(runtime().digest, 1),
        values=commitment("n", {"app": {"KEY": "right"}}),
    )
    data = replace(offer, **{key: value() for key, value in fields.pop("signs", {}).items()}).encode()
    signature = signed(data, home, fields.pop("namespace", "edgectl-offer"))
    envelope = Envelope(
        "store-042", "node-1", offer.payload.digest, runtime().digest, offer.payload.digest, 2, "", Sender("u", "h")
    )
    envelope = replace(envelope, **fields.pop("envelope", {}))
    return {
        "envelope": to_json(envelope),
        "blobs": {offer.payload.digest: size},
        "offer": data.decode(),
        "signature": signature.decode(),
        **fields,
    }


def signed(data: bytes, home: Path, namespace: str) -> bytes:
    """Return anna's signature."""
    from edgectl.control.signing.sign import sign

    return sign(data, home / "offer_ed25519", namespace=namespace)


def _now() -> int:
    return int(time.time())


EVIL = "sha256:" + "e" * 64
HOSTILE: dict[str, tuple[str, dict[str, Any], str]] = {
    "unsigned": ("deploy", {"signature": ""}, "nobody has signed this"),
    "unsigned content": ("stage", {"offer": ""}, "nobody has signed this"),
    "an unsigned look at a payload": ("plan", {"signature": "", "bytes": 1}, "nobody has signed this"),
    "another payload": ("deploy", {"envelope": {"payload": EVIL}}, "is not what is signed"),
    "another engine": ("deploy", {"envelope": {"runtime": EVIL}}, "is not what is signed"),
    "another store": ("deploy", {"envelope": {"store": "store-007"}}, "belongs to store-042"),
    "another node": ("deploy", {"envelope": {"node": "node-2"}}, "this is node-1, not node-2"),
    "an offer for another store": ("deploy", {"signs": {"store": lambda: "store-007"}}, "the offer is for store-007"),
    "signed as an engine": ("deploy", {"namespace": "edgectl-engine"}, "not as an offer of edgectl"),
    "an old offer": ("deploy", {"signs": {"serial": lambda: 1700000000}}, "is old"),
    "an expired one": ("deploy", {"signs": {"serial": _now, "expires": _now}}, "has expired"),
    "a sequence without an end": ("deploy", {"envelope": {"sequence": 10**9}}, "is too far from"),
    "a lead's, without an end": ("deploy", {"envelope": {"sequence": 10**9, "lead": "x"}}, "is too far from"),
    "other values": ("deploy", {"values": {"app": {"KEY": "wrong"}}, "nonce": "n"}, "not those that were signed"),
    "values under another nonce": ("deploy", {"values": {"app": {"KEY": "right"}}, "nonce": "m"}, "not those that"),
    "no envelope": ("deploy", {"envelope_is": 5}, "cannot be read"),
    "models of nobody": ("prefetch", {"models": {"current": []}}, "not those of the signed payload"),
    "another payload to look at": ("plan", {"bytes": 1 << 30}, "another payload is to be looked at"),
    "a deed with models": ("models", {"deed": "release", "name": "x"}, "this needs root"),
    "a listener": ("share", {"token": "t", "address": "0.0.0.0"}, "this needs root"),  # noqa: S104 - refused
    "a reader of the cluster": (
        "reader",
        {"deed": "open", "name": "edgectl-reader-0", "seconds": 1},
        "this needs root",
    ),
    "the token of the cluster": ("join-token", {"seconds": 1}, "this needs root"),
    "a question of the future": ("shell", {}, "does not know 'shell'"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_whatever_a_stolen_account_says(deployed: StoreNode, ask: Ask, home: Path, what: str) -> None:
    """Law: only what is signed counts, whatever stands beside it; nothing is staged, accepted or run."""
    op, fields, why = HOSTILE[what]
    frame = made(deployed, home, **{key: value for key, value in fields.items() if key != "envelope_is"})
    if "envelope_is" in fields:
        frame["envelope"] = fields["envelope_is"]
    before = sorted(deployed.places.state.iterdir())
    answer = ask(op, **frame)
    assert (answer["op"], why in answer["message"]) == ("error", True), answer
    assert sorted(deployed.places.state.iterdir()) == before
    slots = Slots(deployed.places)
    assert (slots.sequence, deployed.runs, slots.candidate) == (1, 1, None)


@pytest.mark.parametrize(
    "declared",
    [
        {"names": ["--service=/home/evil"]},
        {"names": ["-s"]},
        {"names": ["a b"]},
        {"lead": "-f"},
        {"address": "fe80::1%$(id)"},
        {"blobs": {"../../../etc/shadow": 1}},
    ],
)
def test_a_look_before_a_deploy_passes_no_options_on(ask: Ask, declared: dict[str, Any]) -> None:
    """Law: preflight takes a question that nobody has signed; nothing of it is an option of a program, or a path."""
    answer = ask("preflight", declared=declared, clock=time.time())
    assert (answer["op"], "cannot be looked at" in answer["message"]) == ("error", True), answer


def test_what_stands_beside_a_signed_offer_is_left_out(deployed: StoreNode, ask: Ask, home: Path) -> None:
    """A token to join with, blobs that the payload does not name, paths, orders that nobody has signed: none counts."""
    secret = deployed.file("/etc/evil.part")
    blobs = {"../../../etc/evil": 4, EVIL: 4}
    envelope = {"accept_degraded": True, "may_reboot": True, "take_over": True, "sequence": 7, "commit": "forged"}
    frame = made(deployed, home, envelope=envelope, join_token=f"K10evil::{MINE}", neighbours=True)
    answer = ask("deploy", **{**frame, "blobs": {**frame["blobs"], **blobs}})
    assert answer["op"] in {"want", "accepted", "end"}, answer
    assert not secret.exists()
    assert not deployed.places.join_token.exists()
    assert not list(deployed.places.staging.glob("*"))
    deployed.join()
    newest = Slots(deployed.places).all()[0].envelope
    orders = (newest.accept_degraded, newest.may_reboot, newest.take_over, newest.commit)
    assert orders == (False, False, False, ""), newest


def test_a_path_is_no_digest_for_root_either(deployed: StoreNode) -> None:
    """What becomes the name of a file is looked at first, whoever offers it."""
    where = SimpleNamespace(node="node-1", host="", user="root", sign=None)
    opened = deployed.connect(where, runtime())
    opened.frames.receive()
    envelope = Envelope("store-042", "node-1", EVIL, EVIL, "", 2, "", Sender("u", "h"))
    opened.frames.send("stage", envelope=to_json(envelope), blobs={"../../../etc/evil": 4})
    answer = opened.frames.receive()
    opened.close()
    assert (answer["op"], "no digest" in answer["message"]) == ("error", True), answer


def test_values_that_are_signed_for_are_taken(deployed: StoreNode, ask: Ask, home: Path) -> None:
    """The right values under the right nonce pass; what stands in the offer says nothing of them."""
    frame = made(deployed, home, values={"app": {"KEY": "right"}}, nonce="n")
    assert "right" not in frame["offer"]
    assert ask("deploy", **frame)["op"] in {"want", "accepted", "end"}


@pytest.mark.usefixtures("agent")
def test_the_agent_signs_too(inventory: Path, deployed: StoreNode, edgectl: Edgectl, home: Path) -> None:
    """A key that only the SSH agent holds is found by what the trust says of it."""
    subprocess.run(["ssh-add", "-q", str(home / "offer_ed25519")], check=True, timeout=30)
    shutil.rmtree(home)
    past(deployed)
    declare(inventory, "better")
    said = edgectl("deploy", "store-042")
    assert (said.code, deployed.file(MOTD).read_text()) == (0, "better"), said


def test_models_come_ahead_only_as_the_payload_names_them(
    inventory: Path, deployed: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a prefetch is of a signed payload, which is brought first; other models beside it are refused."""
    folder = inventory.parent / "models"
    folder.mkdir()
    for version in ("1.3", "1.4"):
        (folder / f"detector-{version}.onnx").write_bytes(models.weights(int(version[-1])))
    say = '{version: "1.3", from: ./models/detector-1.3.onnx, next: {version: "1.4", from: ./models/detector-1.4.onnx}}'
    models.say(inventory, say)
    models.build(inventory, edgectl)
    past(deployed)
    came = edgectl("models", "prefetch", "store-042")
    assert (came.code, "detector 1.4" in came.out + came.err) == (0, True), came
    assert Slots(deployed.places).sequence == 1
    assert Registry(deployed.places).linked("detector", CANDIDATE)

    def forged(given: Any, rendered: Any, node: str) -> Any:
        offer = offer_ahead(given, rendered, node)
        assert offer is not None
        assert offer.models is not None
        return replace(offer, models=replace(offer.models, next=(replace(offer.models.next[0], version="6.6.6"),)))

    monkeypatch.setattr("edgectl.control.deploy.prefetch.offer_ahead", forged)
    said = edgectl("models", "prefetch", "store-042")
    assert (said.code, "not those of the signed payload" in said.err) == (11, True), said
