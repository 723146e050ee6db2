"""Through jump hosts, each a real OpenSSH server: pinned like nodes, several of them, in every kind of connection."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.cli.main import run
from edgectl.control.link.bootstrap import open_session
from edgectl.control.link.connect import connect
from edgectl.control.link.lost import LinkLost, WrongHostKey
from edgectl.control.link.runtime import RuntimeArchive
from edgectl.control.link.shown import shown
from edgectl.control.link.target import Target
from edgectl.wire.errors import Unreachable
from edgectl.wire.frame import FrameError
from tests.link.conftest import Sshd, Start


def hop(sshd: Sshd, name: str) -> Target:
    """Return a server as a jump host."""
    return replace(sshd.target, node=f"jump host {name}")


def other_key(sshd: Sshd) -> str:
    """Return a host key that the server does not have."""
    return (sshd.folder / "user.pub").read_text().strip()


@pytest.fixture
def way(start: Start) -> tuple[Sshd, Sshd, Sshd]:
    """Start two jump hosts and a node."""
    return start(), start(), start()


def test_a_session_goes_through_two_hosts(way: tuple[Sshd, Sshd, Sshd], engine: RuntimeArchive, state: str) -> None:
    """Each host logs in its own key and forwards to the next; the engine answers; the bytes are the operator's own."""
    first, second, node = way
    target = replace(node.target, jump=(hop(first, "one"), hop(second, "two")))
    with open_session(target, engine, state=state) as session:
        assert session.frames.receive()["op"] == "hello"
        session.frames.send("blob", bytes=3_000_000)
        session.frames.send_bytes(b"x" * 3_000_000)
        assert session.frames.receive()["received"] == 3_000_000
        assert session.link_bytes > 3_000_000
        assert session.queued_bytes >= 0
    for sshd in way:
        assert sshd.logged("Accepted publickey") == 1


@pytest.mark.parametrize("wrong", [0, 1])
def test_another_host_key_on_the_way_ends_it(wrong: int, way: tuple[Sshd, Sshd, Sshd]) -> None:
    """Nobody logs in there, nor behind it. Seeded fault: pin the node's key alone."""
    first, second, node = way
    hops = [hop(first, "one"), hop(second, "two")]
    hops[wrong] = replace(hops[wrong], host_key=other_key(way[wrong]))
    with pytest.raises(WrongHostKey) as caught:
        connect(replace(node.target, jump=tuple(hops)))
    assert f"jump host {('one', 'two')[wrong]} " in caught.value.message
    for sshd in way[wrong:]:
        assert "Accepted" not in sshd.log


def test_what_stands_in_the_way_is_named(start: Start) -> None:
    """A host that may not forward, a node that is off behind a host, a host that knows none of the keys."""
    node, closed, open_ = start(), start("AllowTcpForwarding no"), start()
    with pytest.raises(Unreachable) as caught:
        connect(replace(node.target, jump=(hop(closed, "closed"),)))
    assert "jump host closed (" in caught.value.message
    assert "forward nothing" in caught.value.message
    with pytest.raises(Unreachable) as caught:
        connect(replace(node.target, port=1, jump=(hop(open_, "open"),)))
    assert "jump host open (" in caught.value.message
    assert "does not reach node-1 (" in caught.value.message
    with pytest.raises(Unreachable) as caught:
        connect(replace(node.target, jump=(replace(hop(open_, "open"), keys=node.target.keys),)))
    assert "(jump host open)" in caught.value.message


def test_a_host_that_goes_away_is_the_reason(way: tuple[Sshd, Sshd, Sshd], engine: RuntimeArchive, state: str) -> None:
    """The link is lost, and it is said at which host; coming back may help."""
    first, _, node = way
    with open_session(replace(node.target, jump=(hop(first, "one"),)), engine, state=state) as session:
        assert session.frames.receive()["op"] == "hello"
        first.close()
        with pytest.raises((LinkLost, FrameError)) as caught:  # noqa: PT012 - whichever of the two hears of it first
            session.frames.send("echo")
            session.frames.receive()
        assert "jump host one (" in str(caught.value)


def test_a_nodes_host_key_is_seen_through_a_host(way: tuple[Sshd, Sshd, Sshd]) -> None:
    """What it shows is its own key, not the host's; at the node nobody logs in."""
    first, _, node = way
    key = shown(replace(node.target, host_key="", jump=(hop(first, "one"),)))
    assert key.blob != shown(first.target).blob
    assert key.fingerprint == shown(node.target).fingerprint
    assert "Accepted" not in node.log


@pytest.fixture
def inventory(way: tuple[Sshd, Sshd, Sshd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an inventory of one store behind both hosts, which its defaults name."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first, second, node = way
    jump = [
        {
            "host": "127.0.0.1",
            "port": sshd.port,
            "user": sshd.target.user,
            "keys": [str(sshd.target.keys[0])],
            "agent": False,
            "host_key": sshd.target.host_key,
        }
        for sshd in (first, second)
    ]
    ssh = {
        "host": "127.0.0.1",
        "port": node.port,
        "user": node.target.user,
        "keys": [str(node.target.keys[0])],
        "agent": False,
        "jump": jump,
    }
    path = tmp_path / "inventory.yaml"
    nodes = {"node-1": {"address": "10.0.0.1", "host_key": node.target.host_key}}
    defaults = {"k3s": {"version": "v1.36.3+k3s1"}, "ssh": ssh}
    store = json.dumps({"nodes": nodes})
    path.write_text(f"version: 1\nbundle: bundle\ndefaults: {json.dumps(defaults)}\nstores:\n  store-1: {store}\n")
    monkeypatch.setenv("EDGECTL_INVENTORY", str(path))
    return path


def test_commands_go_the_same_way(
    way: tuple[Sshd, Sshd, Sshd], inventory: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`edgectl ssh` (OpenSSH's own client) and `scan-keys` pass both hosts, and `explain` says who named them."""
    first, second, node = way
    assert run(("ssh", "store-1", "-o", "json", "--", "echo", "inside")) == 0
    assert json.loads(capfd.readouterr().out)["stdout"] == "inside\n"
    for sshd in way:
        assert sshd.logged("Accepted publickey") == 1
    assert run(("inventory", "scan-keys", "store-1", "--again")) == 0
    assert capfd.readouterr().out.startswith("same          store-1/node-1")
    assert first.logged("Accepted publickey") == 2
    assert second.logged("Accepted publickey") == 2
    assert node.logged("Accepted publickey") == 1
    assert run(("explain", "store-1", "nodes.node-1.ssh.jump", "-v")) == 0
    told = capfd.readouterr().out
    assert str(second.port) in told
    assert "from defaults" in told
    assert inventory.exists()


def test_openssh_holds_the_hosts_to_their_keys_too(
    way: tuple[Sshd, Sshd, Sshd], inventory: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Seeded fault: check the node's key alone in `edgectl ssh`."""
    _, second, node = way
    inventory.write_text(inventory.read_text().replace(second.target.host_key, " ".join(other_key(second).split()[:2])))
    assert run(("ssh", "store-1", "--", "echo", "inside")) == 4
    assert "inside" not in capfd.readouterr().out
    assert "Accepted" not in second.log
    assert "Accepted" not in node.log


def test_a_jump_host_without_a_key_is_an_error_at_its_line(inventory: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No trust on first use on the way either; a command that only looks at keys says so, too."""
    text = inventory.read_text().replace('"host_key": "ssh-ed25519', '"host_key": "no', 1)
    inventory.write_text(text)
    assert run(("ssh", "store-1", "--", "true")) == 3
    assert "jump" in capfd.readouterr().err
    assert run(("inventory", "scan-keys", "store-1", "--again")) == 3
    assert "ssh.jump" in capfd.readouterr().out
