"""A store of several nodes: every command names the node that is not there, and an agent takes nobody else's word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgectl.control.bundle.layout import Bundle
from edgectl.control.gather.models import take_models
from edgectl.control.gather.shopping import Shopping
from edgectl.control.inventory.load import load
from edgectl.node.converge.slots import Slots
from edgectl.wire.document import digest_of, to_json
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.errors import Unreachable
from edgectl.wire.payload import Host, K3s, ManagedFile, Node, Payload
from tests.cli.conftest import KEY, Edgectl
from tests.cli.node import StoreNode

TOKEN = "K10abc::server:very-secret"  # noqa: S105 - of no cluster


@pytest.fixture
def pair(inventory: Path, node: StoreNode, monkeypatch: pytest.MonkeyPatch) -> StoreNode:
    """Return the lead of a store whose second node is off."""
    second = f", node-2: {{role: agent, address: 10.77.0.12, host_key: {KEY}}}}}\n"
    inventory.write_text(inventory.read_text().rstrip().removesuffix("}") + second)
    token = node.places.k3s_data / "server/token"
    token.parent.mkdir(parents=True)
    token.write_text(TOKEN + "\n")
    node.one_at_a_time = False  # the token is asked for beside the deploy

    def connect(where: Any, runtime: Any) -> Any:
        if where.node == "node-2":
            raise Unreachable("node-2 (root@10.77.0.12:22) did not answer within 15 s")
        return node.connect(where, runtime)

    monkeypatch.setattr("edgectl.control.link.bootstrap.open_session", connect)
    return node


def test_a_deploy_goes_on_without_one_that_is_off(pair: StoreNode, edgectl: Edgectl) -> None:
    """Exit 9: the lead's deploy stands, the node is named, and the token is said nowhere."""
    said = edgectl("deploy", "store-042")
    assert said.code == 9, said
    assert "store-042 is DEGRADED. node-2: node-2 (root@10.77.0.12:22) did not answer within 15 s." in said.out
    assert "node-2    node-2 (root@10.77.0.12:22) did not answer" in said.out
    assert "very-secret" not in said.out + said.err
    document = edgectl("deploy", "store-042", "-o", "json").document
    assert (document["verdict"]["word"], document["others"]["node-2"]["exit"]) == ("degraded", 4)
    kept = [path for path in pair.places.root.rglob("*") if path.is_file() and b"very-secret" in path.read_bytes()]
    assert kept == [pair.places.k3s_data / "server/token"]


@pytest.mark.usefixtures("pair")
def test_every_look_names_it(edgectl: Edgectl) -> None:
    """`status` is degraded, `plan` shows what can be seen, `pause` holds the others; nothing hides that one is off."""
    edgectl("deploy", "store-042")
    status = edgectl("status", "store-042")
    assert (status.code, "store-042 is DEGRADED: node-2: " in status.out) == (9, True)
    plan = edgectl("plan", "store-042")
    assert (plan.code, "  unknown   node-2" in plan.out) == (9, True)
    paused = edgectl("pause", "store-042", "--for", "1h", "--why", "cabling")
    assert (paused.code, "  not       node-2: node-2 (root@10.77.0.12:22)" in paused.out) == (9, True)
    assert edgectl("resume", "store-042", "-o", "json").document["unreached"].keys() == {"node-2"}


def test_models_come_ahead_to_those_that_are_there(pair: StoreNode, inventory: Path, edgectl: Edgectl) -> None:
    """Exit 4: the one that is off is named, and keeps no other from its bytes, nor from going back."""
    for version in ("1", "2"):
        (inventory.parent / f"d-{version}.onnx").write_bytes(version.encode() * 5_000)
    model = 'version: "1", from: ./d-1.onnx, next: {version: "2", from: ./d-2.onnx}'
    inventory.write_text(inventory.read_text() + f"    models: {{detector: {{{model}}}}}\n")
    shopping = Shopping(Bundle(inventory.parent / "bundle"), (), lambda _: None)
    take_models([load(inventory).store("store-042")], shopping)
    assert edgectl("deploy", "store-042").code == 9
    said = edgectl("models", "prefetch", "store-042")
    assert (said.code, "  not       node-2: node-2 (root@10.77.0.12:22) did not answer" in said.out) == (4, True)
    assert (pair.places.models / "detector/candidate/model.onnx").read_bytes() == b"2" * 5_000
    shown = edgectl("models", "store-042")
    assert (shown.code, "store-042/node-2  not asked: node-2" in shown.out) == (4, True)


@pytest.mark.usefixtures("pair")
def test_a_node_that_is_none_is_a_usage_error(edgectl: Edgectl) -> None:
    """Exit 2, with the names that exist."""
    for words in (("history",), ("journal",), ("ssh",)):
        said = edgectl(*words, "store-042", "--node", "node-9")
        assert (said.code, "it has node-1, node-2" in said.err) == (2, True), said
    assert edgectl("history", "store-042", "--node", "node-2").code == 4


PART = K3s("v1.36.3+k3s1", digest_of(b"k3s"), "k3s.service", (), ())
LEAD = Node("node-1", "server", "10.77.0.11", Host(1), PART)
AGENT = replace(LEAD, name="node-2", role="agent", address="10.77.0.12")
PAIR = Payload("store-042", "Berlin", (LEAD, AGENT), (), {digest_of(b"k3s"): 3})


def _offered(node: StoreNode, payload: Payload, **fields: Any) -> dict[str, Any]:
    """Offer a payload whose blobs are there; return what the node says."""
    node.places.blobs.mkdir(parents=True, exist_ok=True)
    node.places.blob(digest_of(b"k3s")).write_bytes(b"k3s")
    node.places.blob(payload.digest).write_bytes(payload.encode())
    engine = SimpleNamespace(digest=digest_of(b"engine"))
    offer = Envelope("store-042", "node-2", payload.digest, engine.digest, "", 7, "t", Sender("ada", "laptop"))
    session = node.connect(None, engine)
    assert session.frames.receive()["op"] == "hello"
    session.frames.send("deploy", envelope=to_json(replace(offer, **fields)), blobs={}, join_token=TOKEN)
    want = session.frames.receive()
    assert (want["op"], want["blobs"]) == ("want", [])
    said = session.frames.receive()
    session.close()
    node.join()
    return said


def test_an_agent_takes_only_what_its_lead_has_taken(node: StoreNode) -> None:
    """Without a lead's run it refuses; with one it takes it, under the lead's sequence, and keeps the token."""
    said = _offered(node, PAIR)
    assert (said["op"], "store-042 is led by node-1" in said["message"]) == ("error", True)
    assert not node.places.join_token.exists()
    said = _offered(node, PAIR, lead="run1")
    assert (said["op"], said["sequence"]) == ("accepted", 7)
    assert node.places.join_token.read_text() == TOKEN + "\n"
    assert node.places.join_token.stat().st_mode & 0o777 == 0o600
    current = Slots(node.places).current
    assert current is not None
    assert (current.envelope.sequence, current.envelope.lead) == (7, "run1")
    again = _offered(node, PAIR, lead="run2")
    assert (again["op"], again["sequence"]) == ("accepted", 7)


def test_a_person_may_let_it_try_again(node: StoreNode) -> None:
    """What it has turned down comes again with the lead, under the same number: it is tried, not refused."""
    assert _offered(node, PAIR, lead="run1")["op"] == "accepted"
    host = replace(AGENT.host, files=(ManagedFile("/etc/motd", "bad"),))
    bad = replace(PAIR, nodes=(LEAD, replace(AGENT, host=host)))
    assert _offered(node, bad, lead="run2", sequence=8)["op"] == "accepted"
    newest = Slots(node.places).all()[0]
    assert (newest.envelope.sequence, newest.rejected is not None) == (8, True)
    runs = node.runs
    assert _offered(node, bad, lead="run3", sequence=8)["op"] == "accepted"
    newest = Slots(node.places).all()[0]
    assert (node.runs, newest.envelope.lead, newest.rejected is not None) == (runs + 1, "run3", True)


def test_what_does_not_fit_a_follower_is_refused(node: StoreNode) -> None:
    """An older sequence of the lead, the number again for something else, another role: exit 11, by name."""
    assert _offered(node, PAIR, lead="run1")["op"] == "accepted"
    other = replace(PAIR, title="Hamburg")
    says = {
        "node-2 has taken something else as sequence 7": _offered(node, other, lead="run2"),
        "node-2 is its store's agent": _offered(
            node, replace(other, nodes=(replace(AGENT, role="server"),)), sequence=8, base=PAIR.digest
        ),
        "takes nobody else's lead": _offered(
            node, replace(other, nodes=(replace(AGENT, role="server"), LEAD)), lead="run2", sequence=8
        ),
    }
    for sentence, said in says.items():
        assert (said["exit"], sentence in said["message"]) == (11, True), said
