"""`edgectl preflight`, the wrong box in the rack, and somebody else's k3s: said in time, and nothing is written."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from edgectl.cli.main import run
from edgectl.node import session
from edgectl.node.converge.slots import Slots
from edgectl.node.io import programs
from edgectl.node.io.places import Places
from edgectl.node.rack import preflight as at_the_rack
from edgectl.wire.document import canonical
from edgectl.wire.errors import Unreachable
from tests.cli.conftest import KEY, Edgectl, declare
from tests.cli.node import MOTD, StoreNode

SUBJECTS = ("system", "disk", "memory", "clock", "network", "names", "packages", "gpu")
FACTS = """os=debian-12 Debian GNU/Linux 12 (bookworm)
arch=x86_64
kernel=6.1.0
init=systemd
systemd=252
cgroup=2
mount=/ ext4 rw
time=NTPSynchronized=yes
ip-tool=yes
ss-tool=yes
address=2: eth0    inet 10.77.0.11/24 scope global eth0
route=default via 10.77.0.1 dev eth0
nameserver=10.77.0.1
dpkg=yes
""" + "".join(f"done={name}\n" for name in SUBJECTS)
SERIAL = "sys/class/dmi/id/product_serial"


@pytest.fixture
def says(node: StoreNode, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give a function that changes what the node's survey reads; without it all is well."""
    told = {"text": FACTS}

    def program(argv: Sequence[str], **how: Any) -> programs.Ran:
        if argv[0] == "sh" and argv[1].endswith("survey.sh"):
            return programs.Ran(tuple(argv), 0, told["text"], "", 0.1)
        return node.program(argv, **how)

    def change(*pairs: tuple[str, str]) -> None:
        for old, new in pairs:
            assert old in told["text"]
            told["text"] = told["text"].replace(old, new)

    monkeypatch.setattr(programs, "run", program)
    monkeypatch.setattr("edgectl.node.survey.resolver.silent", lambda _: ())
    return change


def identify(inventory: Path, text: str) -> None:
    """Say by what the node is known."""
    inventory.write_text(inventory.read_text().replace("{address:", f"{{identity: {text}, address:"))


def box(node: StoreNode, serial: str) -> None:
    """Be the machine with this serial number."""
    place = node.file(SERIAL)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"{serial}\n")


def written(node: StoreNode) -> set[str]:
    """Return all that lies on the node but what a machine has, and the engine's own folder: folders, too."""
    found = {str(path.relative_to(node.places.root)) for path in node.places.root.rglob("*")}
    ours = {name for name in found if name.startswith("var/lib/edgectl/runtimes/")}
    return {name for name in found - ours if not name.startswith("sys")} - {
        "run", "run/edgectl", "var", "var/lib", "var/lib/edgectl", "var/lib/edgectl/runtimes",
    }  # fmt: skip


@pytest.mark.usefixtures("says", "inventory")
def test_a_bare_node_that_is_well(node: StoreNode, edgectl: Edgectl) -> None:
    """Exit 0: what is fine in one line, the cost of it nothing on the node but the engine; one question, one look."""
    said = edgectl("preflight", "store-042")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "store-042 is READY for a deploy: nothing stands in the way of a deploy (21"
    assert lines[2] == "  fine      os, disk, memory, clock, network, packages, others, k3s"
    assert len(lines) == 3
    assert written(node) == set()
    assert [frame["op"] for frame in node.heard] == ["hello", "findings"]
    every = edgectl("preflight", "store-042", "-v").out
    assert "  ok        network-address      10.77.0.11 on eth0" in every


@pytest.mark.usefixtures("inventory")
def test_all_findings_come_at_once_worst_first(says: Callable[..., None], node: StoreNode, edgectl: Edgectl) -> None:
    """Exit 5; each with what to do; in 80 columns and ASCII; a subject with a fault is not among what is fine."""
    says(
        ("os=debian-12 Debian GNU/Linux 12 (bookworm)", "os=fedora-41 Fedora Linux 41"),
        ("nameserver=10.77.0.1\n", ""),
        ("dpkg=yes", "dpkg=yes\nhalf=vim half-configured ok"),
        ("inet 10.77.0.11/24", "inet 10.9.9.9/24"),
    )
    said = edgectl("preflight", "store-042")
    assert said.code == 5
    assert "store-042 is NOT READY for a deploy: 2 would stop a deploy, 2 to see to (" in said.out
    words = [line.split()[0] for line in said.out.splitlines() if line[:2] == "  " and line[2] != " "]
    assert words[1:] == ["fine", "stop", "stop", "warn", "warn"]
    fine = next(line for line in said.out.splitlines() if line.startswith("  fine"))
    assert fine == "  fine      disk, memory, clock, others, k3s"
    assert said.out.count("            -> ") == 4
    assert said.out.isascii()
    assert max(map(len, said.out.splitlines())) <= 80
    document = edgectl("preflight", "store-042", "-o", "json").document
    found = document["stores"]["store-042"]["nodes"]["node-1"]["findings"]
    assert {one["about"] for one in found if one["word"] == "stop"} == {"os", "network-address"}
    assert written(node) == set()


@pytest.mark.usefixtures("inventory")
def test_ci_reads_it(says: Callable[..., None], edgectl: Edgectl, tmp_path: Path) -> None:
    """JUnit: a failure for what stops, none for what only warns; a file that cannot be written is exit 2."""
    says(("nameserver=10.77.0.1\n", ""), ("arch=x86_64", "arch=riscv64"), ("done=clock\n", ""))
    assert edgectl("preflight", "store-042", "--junit", str(tmp_path / "found.xml")).code == 5
    (suite,) = ET.parse(tmp_path / "found.xml").getroot()  # noqa: S314 - our own
    assert (suite.get("name"), suite.get("failures"), suite.get("errors")) == ("store-042/node-1", "1", "1")
    assert {case.get("name") for case in suite if case.find("failure") is not None} == {"os-arch"}
    assert edgectl("preflight", "store-042", "--junit", str(tmp_path / "found.xml/no")).code == 2


@pytest.mark.usefixtures("says", "node")
def test_without_a_bundle_the_machine_is_asked_all_the_same(inventory: Path, edgectl: Edgectl) -> None:
    """What cannot be made yet is a finding among the others."""
    (inventory.parent / "bundle").rename(inventory.parent / "gone")
    said = edgectl("preflight", "store-042")
    assert said.code == 5
    assert "  stop      bundle               what would be sent cannot be made:" in said.out
    assert "  fine      os, disk" in said.out


@pytest.mark.usefixtures("says", "inventory")
def test_a_store_that_runs_is_asked_too(node: StoreNode, edgectl: Edgectl) -> None:
    """With no word of its own k3s; and at the rack, where nobody is on the line."""
    edgectl("deploy", "store-042")
    node.join()
    before = written(node)
    said = edgectl("preflight", "store-042")
    assert (said.code, "others-k3s" in edgectl("preflight", "store-042", "-v").out) == (0, False)
    assert written(node) == before


@pytest.mark.usefixtures("says")
@pytest.mark.parametrize("deployed", [False, True])
def test_the_same_at_the_rack(
    node: StoreNode, inventory: Path, edgectl: Edgectl, capsys: pytest.CaptureFixture[str], *, deployed: bool
) -> None:
    """`edgectl-node preflight` needs no inventory; what was deployed is what it compares with."""
    identify(inventory, "{serial: J5X2}")
    box(node, "J5X2")
    if deployed:
        edgectl("deploy", "store-042")
    capsys.readouterr()
    code = at_the_rack.run(node.places, argparse.Namespace(verbose=True))
    said = capsys.readouterr().out
    assert (code, said.startswith(f"{'node-1' if deployed else 'this node'} is READY: ")) == (0, True)
    assert ("machine-serial" in said) is deployed


@pytest.mark.usefixtures("says")
def test_several_stores_and_one_that_is_off(
    inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 4 names it, the other is shown; alone it is an error as of any command."""
    second = f"  store-043:\n    nodes: {{node-9: {{address: 10.77.0.11, host_key: {KEY}}}}}\n"
    inventory.write_text(inventory.read_text() + second)

    def connect(where: Any, runtime: Any) -> Any:
        if where.node == "node-9":
            raise Unreachable("node-9 (root@10.77.0.11:22) did not answer within 15 s")
        return node.connect(where, runtime)

    monkeypatch.setattr("edgectl.control.link.bootstrap.open_session", connect)
    said = edgectl("preflight", "store-*")
    assert said.code == 4
    assert "store-042 is READY for a deploy" in said.out
    flat = " ".join(said.out.split())
    assert (
        "store-043 is UNKNOWN for a deploy: nothing stands in the way of a deploy (0 looked at), node-9 could" in flat
    )
    alone = edgectl("preflight", "store-043")
    assert (alone.code, alone.out) == (4, "")


@pytest.mark.usefixtures("says")
@pytest.mark.parametrize("what", ["{serial: J5X2}", "{macs: ['d8:bb:c1:00:00:01']}"])
def test_nothing_is_written_on_the_wrong_box(inventory: Path, node: StoreNode, edgectl: Edgectl, what: str) -> None:
    """Law: exit 11 before a byte of content, before a lock even; preflight says the same; the right box is taken."""
    identify(inventory, what)
    box(node, "J5X9")
    said = edgectl("deploy", "store-042")
    assert said.code == 11
    assert "the inventory means" in said.err
    assert "; nothing was changed" in said.err
    assert "next: swap the boxes, or" in said.err
    assert "  stop  machine-" in said.err
    assert written(node) == set()
    assert not any(frame["op"] in {"want", "accepted"} for frame in node.heard)
    found = edgectl("preflight", "store-042")
    assert (found.code, "  stop      machine-" in found.out) == (5, True)
    assert written(node) == set()
    box(node, "J5X2")
    card = node.file("sys/class/net/eth0/address")
    card.parent.mkdir(parents=True)
    card.write_text("d8:bb:c1:00:00:01\n")
    assert edgectl("deploy", "store-042").code == 0
    assert node.file(MOTD).read_text() == "good"


@pytest.mark.usefixtures("says")
def test_a_store_that_runs_keeps_running_on_another_board(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """A disk in another box: nothing new is taken, what ran runs; the inventory's new line lets it go on."""
    identify(inventory, "{serial: J5X2}")
    box(node, "J5X2")
    assert edgectl("deploy", "store-042").code == 0
    box(node, "J5X9")
    declare(inventory, "better")
    said = edgectl("deploy", "store-042")
    assert (said.code, "runs now: sequence 1; this deploy has changed nothing" in said.err) == (11, True)
    assert (node.file(MOTD).read_text(), node.runs) == ("good", 1)
    inventory.write_text(inventory.read_text().replace("J5X2", "J5X9"))
    assert edgectl("deploy", "store-042").code == 0


@pytest.mark.usefixtures("says")
def test_what_is_said_of_the_machine_costs_little(
    inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing where nothing is declared, under 200 bytes where it is; and no round trip more."""
    frames: list[dict[str, Any]] = []
    deploy = session._QUESTIONS["deploy"]

    def heard(places: Places, line: Any, frame: dict[str, Any]) -> None:
        frames.append(frame)
        deploy(places, line, frame)

    monkeypatch.setitem(session._QUESTIONS, "deploy", heard)

    def said() -> list[str]:
        node.heard.clear()
        assert edgectl("deploy", "store-042").code == 0
        return [frame["op"] for frame in node.heard if frame["op"] not in {"event", "beat"}]

    first = said()
    identify(inventory, "{serial: 5CG1234ABC, macs: ['d8:bb:c1:00:00:01', 'd8:bb:c1:00:00:02']}")
    box(node, "5CG1234ABC")
    for number in (1, 2):
        card = node.file(f"sys/class/net/eth{number}/address")
        card.parent.mkdir(parents=True)
        card.write_text(f"d8:bb:c1:00:00:0{number}\n")
    assert said() == first
    without, with_it = frames
    assert "machine" not in without
    assert 0 < len(canonical({"machine": with_it["machine"]})) < 200


@pytest.mark.usefixtures("inventory", "says")
def test_somebody_elses_k3s_is_refused_until_it_is_taken_over(node: StoreNode, edgectl: Edgectl) -> None:
    """Exit 11 by name, with what was found, and nothing written; --take-over goes on, and is written down."""
    unit = node.file("etc/systemd/system/k3s.service")
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\n")
    before = written(node)
    said = edgectl("deploy", "store-042", "-o", "json")
    assert said.code == 11
    assert said.document["message"] == "a k3s that edgectl has not installed is on this node; nothing was changed"
    assert "  found /etc/systemd/system/k3s.service" in said.document["details"]
    assert "--take-over makes it this store's" in said.document["hint"]
    assert written(node) == before
    found = edgectl("preflight", "store-042")
    assert (found.code, "  stop      others-k3s" in found.out) == (5, True)
    taken = edgectl("preflight", "store-042", "--take-over")
    assert (taken.code, "  warn      others-k3s" in taken.out) == (0, True)
    assert written(node) == before
    assert edgectl("deploy", "store-042", "--take-over").code == 0
    (slot,) = Slots(node.places).all()
    assert slot.envelope.take_over is True
    assert edgectl("deploy", "store-042").code == 0  # it is ours from here on


@pytest.mark.usefixtures("inventory", "says")
def test_a_newer_k3s_is_not_taken_back(node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minor version goes one way, whoever has installed it: exit 11, and no slot."""
    binary = node.file("usr/local/bin/k3s")
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n")

    def program(argv: Sequence[str], **how: Any) -> programs.Ran:
        if argv[0] == str(binary):
            return programs.Ran(tuple(argv), 0, "k3s version v1.37.0+k3s1 (0a1b2c3d)\n", "", 0.1)
        return node.program(argv, **how)

    monkeypatch.setattr(programs, "run", program)
    said = edgectl("deploy", "store-042", "--take-over")
    assert (said.code, "the k3s on this node is v1.37; a minor version cannot go back to v1.36.3" in said.err) == (
        11,
        True,
    )
    assert Slots(node.places).all() == []


@pytest.mark.usefixtures("says")
def test_an_agent_in_the_wrong_box_is_sent_nothing(
    inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its content would come first: no byte of it, and nothing is deployed to the lead."""
    second = f", node-2: {{role: agent, identity: {{serial: J5X2}}, address: 10.77.0.12, host_key: {KEY}}}}}\n"
    inventory.write_text(inventory.read_text().rstrip().removesuffix("}") + second)
    agent = StoreNode(Places(tmp_path / "agent"))
    agent.places.run.mkdir(parents=True)
    box(agent, "J5X9")
    token = node.file("var/lib/rancher/k3s/server/token")  # else whoever is let in waits for it
    token.parent.mkdir(parents=True)
    token.write_text("K10abc::server:x\n")
    node.one_at_a_time = False
    monkeypatch.setattr(
        "edgectl.control.link.bootstrap.open_session",
        lambda where, runtime: (agent if where.node == "node-2" else node).connect(where, runtime),
    )
    said = edgectl("deploy", "store-042")
    assert (said.code, "this machine is J5X9, the inventory means J5X2; nothing was changed" in said.err) == (11, True)
    assert written(agent) == set()
    assert Slots(node.places).all() == []


@pytest.mark.usefixtures("inventory", "node")
def test_what_the_help_says(capsys: pytest.CaptureFixture[str]) -> None:
    """--take-over says what it will do."""
    assert run(["deploy", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "its binary, unit and settings become what is declared, its cluster's data stay" in said


@pytest.mark.parametrize(
    ("which", "code", "said"),
    [("store-042", 4, "did not answer"), ("store-43", 3, "has no store"), ("store-042", 130, "stopped before it had")],
)
@pytest.mark.usefixtures("inventory", "says")
def test_its_junit_is_written_however_it_ends(
    which: str, code: int, said: str, node: StoreNode, edgectl: Edgectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a silent node, an unknown store and Ctrl-C are an error in the file. Seeded: it is written at a good end."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    node.silent = frozenset({"10.77.0.11"})
    if code == 130:
        monkeypatch.setattr("edgectl.control.deploy.everywhere.everywhere", interrupted)
    assert edgectl("preflight", which, "--junit", str(tmp_path / "found.xml")).code == code
    root = ET.parse(tmp_path / "found.xml").getroot()  # noqa: S314 - our own
    assert (root.get("name"), root.get("tests"), root.get("errors")) == ("edgectl preflight", "1", "1")
    assert said in (tmp_path / "found.xml").read_text()
