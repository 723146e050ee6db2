"""The `edgectl-node` command, run as systemd runs it, on slots in a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import edgectl.node.units.install as beside
from edgectl.node.converge.slots import MOST_TRIES

pytestmark = pytest.mark.programs("a shell script is tested by a shell")

SCRIPT = Path(str(beside.__file__)).with_name("edgectl-node.sh")
ENGINE = "import sys\nprint(__file__, *sys.argv[1:])\n"


class Node:
    """A node's slots, and the command on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.slots = root / "var/lib/edgectl/slots"
        self.script = root / "edgectl-node"
        self.script.write_text(SCRIPT.read_text().replace("/var/lib/edgectl", str(root / "var/lib/edgectl")))

    def slot(self, link: str, sequence: str) -> Path:
        """Make a slot with an engine of its own, and point a link to it."""
        engine = self.root / f"var/lib/edgectl/runtimes/engine-{sequence}"
        engine.mkdir(parents=True)
        (engine / "__main__.py").write_text(ENGINE)
        folder = self.slots / sequence
        folder.mkdir(parents=True)
        (folder / "runtime").symlink_to(engine)
        (self.slots / link).symlink_to(sequence)
        return folder

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run the command; returns its end and what it said."""
        argv = ["/bin/sh", str(self.script), *arguments]
        ran = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
        return ran.returncode, (ran.stdout + ran.stderr).strip()


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Return a bare node."""
    return Node(tmp_path)


def test_a_bare_node_says_what_to_do(node: Node) -> None:
    """Exit 5 and a sentence."""
    code, said = node.run("status")
    assert code == 5
    assert "nothing has been deployed to this node yet" in said


def test_the_engine_of_what_runs(node: Node) -> None:
    """By its own name, since the slots' links are switched while it runs, and its arguments as they are."""
    node.slot("current", "1")
    code, said = node.run("pause", "--why", "new rack")
    assert (code, said) == (0, f"{node.root}/var/lib/edgectl/runtimes/engine-1/__main__.py pause --why new rack")


def test_the_candidate_goes_first(node: Node) -> None:
    """Its own engine brings it up."""
    node.slot("current", "1")
    node.slot("candidate", "2")
    assert "engine-2" in node.run("converge")[1]
    assert "engine-2" in node.run("status")[1]


def test_a_candidate_is_given_up_after_its_tries(node: Node) -> None:
    """An engine that cannot even start is not started for ever: the one that works takes over and turns it down."""
    node.slot("current", "1")
    folder = node.slot("candidate", "2")
    said = [node.run("converge")[1] for _ in range(MOST_TRIES + 2)]
    assert ["engine-2" in text for text in said] == [True] * MOST_TRIES + [False] * 2
    assert int((folder / "tries").read_text()) == MOST_TRIES + 2


def test_only_converges_count(node: Node) -> None:
    """A person's look costs the candidate nothing."""
    node.slot("current", "1")
    folder = node.slot("candidate", "2")
    for _ in range(MOST_TRIES + 2):
        node.run("status")
    assert not (folder / "tries").exists()


def test_the_first_candidate_is_tried_for_ever(node: Node) -> None:
    """There is nothing else that could run."""
    node.slot("candidate", "1")
    for _ in range(MOST_TRIES + 2):
        assert "engine-1" in node.run("converge")[1]


@pytest.mark.parametrize("text", ["", "\n", "torn", "0\0\0", "08"])
def test_a_torn_count_starts_anew(node: Node, text: str) -> None:
    """A power cut in the middle of the count keeps no engine from starting."""
    node.slot("current", "1")
    (node.slot("candidate", "2") / "tries").write_text(text)
    code, said = node.run("converge")
    assert (code, "engine-2" in said) == (0, True), said
