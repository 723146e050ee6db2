"""`edgectl chain` and, at the rack, `edgectl-node chain`: the same drawing and sentence, one exit code a state."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgectl.node import main as at_the_rack
from edgectl.node.io import look as node_look
from edgectl.node.io.look import Look
from edgectl.node.vision.chain import declared as declarations
from edgectl.node.vision.chain import looked, memory
from edgectl.node.vision.chain.declared import Declared
from edgectl.node.vision.chain.memory import Memory
from edgectl.node.vision.chain.said import Asked, words
from edgectl.wire.chain import CLOCK, NOT_READY, State
from edgectl.wire.errors import Unreachable
from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode
from tests.unit.node.fake import FakeApi
from tests.unit.node.vision.chain.store import CASES, CHAIN, bus_down, says, well, without_canary

EXPIRED = State(NOT_READY, "its TLS certificate expired", CLOCK)


class Chained:
    """A store's chain, as its node would ask it; `asked` is what a look brings."""

    def __init__(self, node: StoreNode) -> None:
        self.node = node
        self.asked = well()
        self.fails: Exception | None = None

    def ask(self, *_: object) -> Asked:
        """Stand for the asking."""
        if self.fails:
            raise self.fails
        return self.asked


@pytest.fixture
def chained(inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> Chained:
    """Return a store that is deployed, whose chain is data."""
    assert inventory.exists()
    found = Chained(node)
    assert edgectl("deploy", "store-042").code == 0
    monkeypatch.setattr(declarations, "here", lambda _: Declared("node-1", CHAIN))
    monkeypatch.setattr("edgectl.node.rack.chain.here", lambda _: Declared("node-1", CHAIN))
    monkeypatch.setattr(looked, "ask", found.ask)
    return found


@pytest.mark.usefixtures("chained")
def test_a_chain_that_is_well(edgectl: Edgectl) -> None:
    """Exit 0: the way of a frame, each link, its time; all of it for programs, too. 80 columns, no colour."""
    said = edgectl("chain", "store-042")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "store-042 is READY: camera -> inference -> bus -> uplink -> sink 214 ms"
    assert lines[1] == "  camera --> inference --> bus --> uplink --> sink"
    assert "  ready     inference                41 ms" in lines
    assert "  ready       camera:front" in lines
    assert max(map(len, lines)) <= 80
    assert said.out.isascii()
    assert "\x1b" not in said.out
    assert "  next" not in said.out
    document = edgectl("chain", "store-042", "-o", "json").document
    assert (document["word"], document["store"]) == ("ready", "store-042")
    assert document["chain"]["ms"]["inference"] == 41.0
    assert [link["name"] for link in document["chain"]["links"]][:3] == ["gpu", "model", "inference"]


@pytest.mark.parametrize(
    ("breaks", "code", "head", "drawn", "also"),
    [
        (
            lambda a: without_canary(says(a, "uplink", "sink", EXPIRED), "uplink"),
            9,
            "store-042 is DEGRADED: bus delivers; sink not reached since ",
            "camera --> inference --> bus --> uplink -x> sink",
            "(the store sells without it)",
        ),
        (
            bus_down,
            5,
            "store-042 is NOT READY: cameras deliver; bus silent since ",
            "camera --> inference -x> bus ..> uplink ..> sink",
            "not asked drift bus is broken",
        ),
        (
            CASES["model wrong answer"].breaks,
            5,
            "store-042 is NOT READY: gpu computes; model",
            "camera",
            "edgectl models",
        ),
        (
            CASES["gpu not proven"].breaks,
            5,
            "store-042 is NOT READY: gpu not proven since",
            "camera",
            "edgectl gpu store",
        ),
        (
            CASES["required dependency"].breaks,
            5,
            "store-042 is NOT READY: pos not ready since",
            "camera",
            "chain.depend",
        ),
    ],
)
def test_what_is_broken(
    chained: Chained, edgectl: Edgectl, breaks: Callable[[Asked], Asked], code: int, head: str, drawn: str, also: str
) -> None:
    """Its exit code, the first broken link in one sentence, where the way ends, what to do next."""
    chained.asked = breaks(well())
    said = edgectl("chain", "store-042")
    assert said.code == code, said
    flat = " ".join(said.out.split())
    assert flat.startswith(head), flat
    assert drawn in said.out
    assert also in flat
    assert "next" in flat
    assert max(map(len, said.out.splitlines())) <= 80
    assert edgectl("chain", "store-042", "-o", "json").document["word"] in {"degraded", "not ready"}


def test_the_watchdogs_memory_is_gone_on_from(
    chained: Chained, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A blip that the watchdog has not seen is looked at twice; nothing is written by a look."""
    node_boot = Look(chained.node.places).boot_id()
    memory.keep(chained.node.places, Memory(node_boot).after(words(well()), 0.0))
    before = chained.node.places.chain.read_bytes()
    answers = iter([bus_down(well()), well(), well()])
    monkeypatch.setattr(looked, "ask", lambda *_: next(answers))
    assert edgectl("chain", "store-042").code == 0
    assert chained.node.places.chain.read_bytes() == before


def test_colours_are_for_terminals(chained: Chained, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """FORCE_COLOR paints words, NO_COLOR wins, and without them the same text stands there."""
    chained.asked = bus_down(well())
    plain = edgectl("chain", "store-042").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    painted = edgectl("chain", "store-042").out
    assert "\x1b[1;31mNOT READY\x1b[0m" in painted
    assert "\x1b[32mcamera\x1b[0m" in painted
    for code in ("0", "1;31", "32", "33", "2"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert edgectl("chain", "store-042").out == plain


def test_a_node_that_cannot_be_reached(chained: Chained, edgectl: Edgectl) -> None:
    """Exit 4, one document for programs."""
    chained.node.refuses = Unreachable("node-1 did not answer within 15 s")
    assert edgectl("chain", "store-042").code == 4
    assert edgectl("chain", "store-042", "-o", "json").document["error"] == "Unreachable"


def test_the_technician_sees_the_same(
    chained: Chained, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`edgectl-node chain`: the same drawing and exit code, with commands for this very machine."""
    chained.asked = CASES["gpu not proven"].breaks(well())
    far = edgectl("chain", "store-042")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(at_the_rack, "Places", lambda: chained.node.places)
    assert at_the_rack.main(["chain"]) == far.code == 5
    near = capsys.readouterr().out.splitlines()
    assert near[0].startswith("node-1 is NOT READY: gpu not proven since")
    assert near[-1] == "  next      see which card, and why: edgectl-node gpu"
    assert near[2:-1] == far.out.splitlines()[2:-1]


@pytest.fixture
def till() -> Iterator[int]:
    """Yield the port of something that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.usefixtures("node")
def test_declared_deployed_asked(inventory: Path, edgectl: Edgectl, till: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a line of the inventory to a real connection: without a camera a chain is what users declare."""
    monkeypatch.setattr(node_look, "ReadApi", lambda _: FakeApi())
    assert edgectl("deploy", "store-042").code == 0
    said = edgectl("chain", "store-042")
    assert (said.code, "what runs on node-1 has no chain" in said.err) == (5, True)
    ways = (
        f"{{till: {{tcp: '127.0.0.1:{till}', required: true}}, web: {{http: 'http://127.0.0.1:{till}', timeout: 0.3}}}}"
    )
    text = inventory.read_text().replace("    title: Berlin\n", f"    chain: {{dependencies: {ways}}}\n")
    inventory.write_text(text)
    assert edgectl("deploy", "store-042").code == 0
    said = edgectl("chain", "store-042", "-o", "json")
    assert said.code == 9, said
    links = {link["name"]: link for link in said.document["chain"]["links"]}
    assert links["till"]["word"] == "ready"
    assert (links["web"]["word"], links["web"]["reason"]) == ("not ready", "no answer in time")
    inventory.write_text(text.replace("chain: {", "chain: {enabled: false, "))
    assert edgectl("deploy", "store-042").code == 0
    assert edgectl("chain", "store-042").code == 5
    assert json.loads(edgectl("chain", "store-042", "-o", "json").out)["error"] == "NotReady"
