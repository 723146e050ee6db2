"""The operator's half of the launcher's handshake, over a real sshd: one connection, one exec, frames from then on."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.control.link.bootstrap import open_session
from edgectl.control.link.runtime import RuntimeArchive, pack
from edgectl.control.link.target import Started, Target
from edgectl.wire.errors import InvalidInput, NotReady, Refused, Unreachable
from tests.link.conftest import Sshd, Start
from tests.link.launching import BOOTSTRAP, Node


@pytest.fixture
def whole(engine: RuntimeArchive) -> RuntimeArchive:
    """Return the engine that echoes frames, with what unpacks it."""
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(engine.tar)) as archive:
        files = {entry.name: (archive.extractfile(entry) or io.BytesIO()).read() for entry in archive}
    return pack({**files, "edgectl/node/bootstrap.py": BOOTSTRAP.read_bytes()})


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Return a node that trusts ada."""
    found = Node(tmp_path / "node", tmp_path / "keys")
    found.trust()
    return found


def through(start: Start, node: Node, runtime: RuntimeArchive, *, who: str = "ada") -> tuple[Sshd, Target]:
    """Return a server whose key starts the launcher, and how a person comes in there."""
    program = node.program()
    sshd = start(command=f"SUDO_USER=edge exec {sys.executable} -IS {program}")

    def sign(digest: str, size: int) -> Started:
        assert (digest, size) == (runtime.digest, len(runtime.tar))
        data = node.statement(runtime)
        return Started(node.name(who), data, node.signature(data, who))

    return sshd, replace(sshd.target, sign=sign)


def test_the_engine_is_signed_for_and_sent_once(start: Start, node: Node, whole: RuntimeArchive) -> None:
    """A bare node gets it; once it is accepted, nobody is asked to sign; each is one connection and one exec."""
    sshd, target = through(start, node, whole)
    for number in range(2):
        with open_session(target, whole) as session:
            assert session.engine_sent is (number == 0)
            assert session.frames.receive()["argv"] == ["session", "--signed", "edge"]
            session.frames.send("echo", text="after the archive nothing is left over")
            assert session.frames.receive()["text"] == "after the archive nothing is left over"
    node.accepted(whole)

    def never(digest: str, size: int) -> Started:
        raise AssertionError((digest, size))

    with open_session(replace(target, sign=never), whole) as session:
        assert session.frames.receive()["op"] == "hello"
        assert session.link_bytes < 6 * 1024
    assert sshd.logged("Starting session") == 3


def test_what_the_launcher_says_against_it_is_the_sentence(start: Start, node: Node, whole: RuntimeArchive) -> None:
    """A key that does not count, no trust, a disk: exit 11 and 5, in the node's own words."""
    _, target = through(start, node, whole, who="eve")
    with pytest.raises(Refused, match="node-1: this node does not know the key that signed this engine"):
        open_session(target, whole)
    node.places.runtimes.write_text("in the way")
    _, target = through(start, node, whole)
    with pytest.raises(NotReady, match="cannot start the engine"):
        open_session(target, whole)
    (node.places.trust / "trust.json").unlink()
    with pytest.raises(Refused, match="trusts nobody's signature yet") as caught:
        open_session(target, whole)
    assert "deploy once as root" in caught.value.hint


def test_without_a_key_at_hand_the_operator_says_so(start: Start, node: Node, whole: RuntimeArchive) -> None:
    """What signing raises comes through as it is, and the connection ends."""
    _, target = through(start, node, whole)

    def sign(digest: str, size: int) -> Started:
        raise InvalidInput("no key here may sign for store-042", details=(digest, str(size)))

    with pytest.raises(InvalidInput, match="no key here"):
        open_session(replace(target, sign=sign), whole)


@pytest.mark.parametrize(
    "command",
    ["echo 'sudo: a password is required' >&2; exit 1", "exec /usr/local/sbin/edgectl-launch-is-not-here"],
)
def test_a_node_without_a_launcher(start: Start, node: Node, whole: RuntimeArchive, command: str) -> None:
    """The first deploy is root's, and that is what is said."""
    _, target = through(start, node, whole)
    sshd = start(command=command)
    with pytest.raises(Unreachable, match="could not start /usr/local/sbin/edgectl-launch") as caught:
        open_session(replace(sshd.target, sign=target.sign), whole)
    assert "a node's first deploy is root's" in caught.value.hint


def test_a_node_that_says_anything_else(start: Start, node: Node, whole: RuntimeArchive) -> None:
    """A launcher of another age, or something that is none."""
    _, target = through(start, node, whole)
    for said in ("edgectl-link later 2", "edgectl-link refused nonsense", "edgectl-link failed [1]"):
        sshd = start(command=f"echo '{said}'; cat >/dev/null")
        with pytest.raises((Unreachable, Refused, NotReady)):
            open_session(replace(sshd.target, sign=target.sign), whole)
