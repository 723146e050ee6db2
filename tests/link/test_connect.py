"""Who is let in, and what people are told when they are not: against a real OpenSSH server."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgectl.control.link.connect import connect
from edgectl.wire.errors import Exit, Unreachable

if TYPE_CHECKING:
    from tests.link.conftest import Keygen, Sshd, Start


def test_one_login_and_one_channel(sshd: Sshd) -> None:
    """A connection costs one authentication, and a command one channel."""
    with connect(sshd.target) as link:
        channel = link.run("echo out; echo err >&2; exit 3")
        assert channel.read(100) == b"out\n"
        assert channel.read(100) == b""
        assert channel.exit_status() == 3
        assert channel.stderr() == "err\n"
        assert link.sent_bytes > 1000
        assert link.received_bytes > 1000
    assert sshd.logged("Accepted publickey") == 1
    assert "Failed" not in sshd.log
    assert sshd.log.count("Starting session") == 1


def test_another_host_key_is_refused_with_both_fingerprints(sshd: Sshd, keygen: Keygen, tmp_path: Path) -> None:
    """A node that shows another key than the pinned one is never logged in to."""
    other = Path(f"{keygen(tmp_path / 'other')}.pub").read_text()
    with pytest.raises(Unreachable) as caught:
        connect(replace(sshd.target, host_key=other))
    assert len(set(re.findall(r"SHA256:[A-Za-z0-9+/]{43}", caught.value.message))) == 2
    assert "pin it in the inventory" in caught.value.hint
    assert "Accepted" not in sshd.log


def test_only_the_pinned_type_is_negotiated(start: Start) -> None:
    """A server with several keys proves itself with the pinned one; without that type it is refused."""
    sshd = start(keys=("ecdsa", "ed25519", "rsa"))
    for kind in ("ecdsa", "ed25519", "rsa"):
        line = (sshd.folder / f"host_{kind}.pub").read_text()
        with connect(replace(sshd.target, host_key=line)) as link:
            assert link.is_alive()
    only = start(keys=("ecdsa",))
    with pytest.raises(Unreachable, match="no acceptable host key") as caught:
        connect(replace(only.target, host_key=(sshd.folder / "host_ed25519.pub").read_text()))
    assert "ssh-ed25519 SHA256:" in caught.value.hint


def test_a_refused_key_names_user_host_and_keys(sshd: Sshd, keygen: Keygen, tmp_path: Path) -> None:
    """A refused log-in says who knocked where, with which keys, and which files could not be used."""
    stranger = keygen(tmp_path / "stranger")
    secret = keygen(tmp_path / "secret", passphrase="opensesame")  # noqa: S106 - a key of this test
    keys = (stranger, secret, tmp_path / "nowhere")
    with pytest.raises(Unreachable) as caught:
        connect(replace(sshd.target, keys=keys))
    said = caught.value.message + "\n".join(caught.value.details)
    assert f"127.0.0.1 lets {sshd.target.user} in with none of 1 keys (node-1)" in said
    assert f"tried {stranger}  SHA256:" in said
    assert f"{secret}: the key has a passphrase; add it to the agent: ssh-add {secret}" in said
    assert f"{tmp_path}/nowhere: there is no such file" in said
    assert caught.value.exit == Exit.UNREACHABLE


def test_the_right_key_may_be_the_last(sshd: Sshd, keygen: Keygen, tmp_path: Path) -> None:
    """Keys are tried in the order in which they are named, all on one connection."""
    keys = (keygen(tmp_path / "a"), keygen(tmp_path / "b", "rsa"), *sshd.target.keys)
    with connect(replace(sshd.target, keys=keys)) as link:
        assert link.key.label == str(sshd.target.keys[0])
    assert sshd.logged("Accepted publickey") == 1
    assert sshd.log.count("Connection from") == 2  # the fixture's own look and this one


def test_rsa_keys_sign_with_sha2(start: Start, keygen: Keygen, tmp_path: Path) -> None:
    """An RSA key is let in by a server that refuses SHA-1."""
    sshd = start()
    key = keygen(tmp_path / "rsa", "rsa")
    (sshd.folder / "authorized_keys").write_text(Path(f"{key}.pub").read_text())
    with connect(replace(sshd.target, keys=(key,))) as link:
        assert link.is_alive()


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Start an SSH agent of our own."""
    place = tmp_path / "agent.sock"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 5
    while not place.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
    yield place
    os.kill(process.pid, signal.SIGTERM)
    process.wait(5)


def test_the_agent_signs_for_a_key_with_a_passphrase(sshd: Sshd, keygen: Keygen, agent: Path, tmp_path: Path) -> None:
    """A named key file that the agent holds is signed for by the agent: no passphrase is needed, nothing else tried."""
    assert agent.exists()
    key = keygen(tmp_path / "locked")
    (sshd.folder / "authorized_keys").write_text(Path(f"{key}.pub").read_text())
    for one in (keygen(tmp_path / "another"), key):
        subprocess.run(["ssh-add", "-q", str(one)], check=True, timeout=10, capture_output=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", "opensesame", "-f", str(key)],
        check=True,
        timeout=10,
        capture_output=True,
    )
    with connect(replace(sshd.target, keys=(key,), agent=True)) as link:
        assert link.key.label == f"{key} (agent)"
    assert sshd.logged("Accepted publickey") == 1
    with connect(replace(sshd.target, keys=sshd.target.keys, agent=True)) as link:
        assert link.key.label == "agent: locked"


def test_no_key_at_all_is_a_sentence(sshd: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any key nothing is connected."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Unreachable, match=r"no key to log in to node-1 \("):
        connect(replace(sshd.target, keys=()))
    assert sshd.log.count("Connection from") <= 1


def test_nobody_listens(sshd: Sshd) -> None:
    """A refused connection is told apart from a silent one."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="refused the connection"):
            connect(replace(sshd.target, port=unused.getsockname()[1]))


@pytest.mark.parametrize(
    ("greeting", "sentence"),
    [
        (b"", "did not finish SSH's key exchange within 1 s|does not speak SSH"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak SSH as expected|did not finish"),
        (b"SSH-2.0-Silent\r\n", "did not finish SSH's key exchange within 1 s|does not speak SSH"),
    ],
)
def test_what_is_not_a_living_sshd_ends_at_the_deadline(sshd: Sshd, greeting: bytes, sentence: str) -> None:
    """A port that accepts and then says nothing, or something else, is given up at the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        target = replace(sshd.target, port=server.getsockname()[1], connect_seconds=1.0)
        if greeting:
            import threading

            threading.Thread(target=_greet, args=(server, greeting), daemon=True).start()
        with pytest.raises(Unreachable, match=sentence):
            connect(target)
        assert time.monotonic() - began < 5


def _greet(server: socket.socket, greeting: bytes) -> None:
    peer, _ = server.accept()
    peer.sendall(greeting)
    time.sleep(3)
    peer.close()


def test_a_name_without_an_address(sshd: Sshd) -> None:
    """A name that cannot be resolved says so."""
    with pytest.raises(Unreachable, match=r"no address|not resolved|not reachable|did not answer"):
        connect(replace(sshd.target, host="node.invalid", connect_seconds=2.0))
