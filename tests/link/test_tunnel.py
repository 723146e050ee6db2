"""A tunnel over a real OpenSSH server: bytes both ways, a link that breaks, and that nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import edgectl
from edgectl.control.link.bootstrap import open_session
from edgectl.control.link.runtime import RuntimeArchive, pack, sources
from edgectl.control.link.session import Session
from edgectl.control.tunnel.tunnel import Tunnel
from edgectl.wire.errors import InvalidInput, NotReady, Unreachable
from tests.link.conftest import Sshd, Start

_ENGINE = b"""
import json, os, sys
from edgectl.wire.frame import FrameError, Frames

def write(data):
    while data:
        data = data[os.write(1, data):]

frames = Frames(lambda count: os.read(0, count), write)
frames.send("hello")
told = json.load(open(TOLD))
while True:
    try:
        frame = frames.receive()
    except FrameError:
        sys.exit(0)
    with open(told["log"], "a") as log:
        log.write(frame["deed"] + " " + frame["name"] + chr(10))
    if told.get("error"):
        frames.send("error", **told["error"])
        continue
    frames.send("reader", token="t0ken", until="2026-11-28T12:00:00+00:00", ca="CA", port=told["port"], server_name="k")
"""


class Api:
    """Something that listens at the node and answers in capitals."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._answer, args=(self._listener.accept()[0],), daemon=True).start()

    def _answer(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            while data := sock.recv(65536):
                sock.sendall(data.upper())
            sock.sendall(b".")

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):  # or whoever waits in accept does so for ever
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def api() -> Iterator[Api]:
    """Run one."""
    found = Api()
    yield found
    found.close()


@pytest.fixture
def told(tmp_path: Path, api: Api) -> Path:
    """Return the file that says what the engine answers."""
    path = tmp_path / "told.json"
    path.write_text(json.dumps({"port": api.port, "log": str(tmp_path / "log")}))
    return path


@pytest.fixture
def connect(told: Path, tmp_path: Path) -> Callable[[Sshd], Callable[[], Session]]:
    """Give a function that says how a server is dialled."""
    files = sources(Path(edgectl.__file__).parent)
    main = _ENGINE.replace(b"TOLD", repr(str(told)).encode())
    engine: RuntimeArchive = pack(
        {**{name: data for name, data in files.items() if "/node/" not in name}, "__main__.py": main}
    )
    return lambda sshd: lambda: open_session(sshd.target, engine, state=str(tmp_path / "var"))


def opened(sshd: Sshd, connect: Callable[[Sshd], Callable[[], Session]], path: Path, said: list[str]) -> Tunnel:
    """Open a tunnel."""
    return Tunnel("store-042", connect(sshd), tell=said.append, path=path).open(who="me", seconds=60)


def ask(port: int, data: bytes) -> bytes:
    """Send something, say that it is all, and return what comes."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        found = b""
        while piece := sock.recv(65536):
            found += piece
    return found


def until(true: Callable[[], object], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_bytes_go_both_ways_and_nothing_stays(
    sshd: Sshd, connect: Callable[[Sshd], Callable[[], Session]], tmp_path: Path
) -> None:
    """Many connections at once, megabytes in each, half-closed; the reader is given back, and the file is gone."""
    said: list[str] = []
    file = tmp_path / "kubeconfig"
    with opened(sshd, connect, file, said) as tunnel:
        assert f"https://127.0.0.1:{tunnel.port}" in file.read_text()
        found: list[bytes] = []
        data = os.urandom(400_000).hex().encode()
        asking = [threading.Thread(target=lambda: found.append(ask(tunnel.port, data))) for _ in range(8)]
        for one in asking:
            one.start()
        for one in asking:
            one.join(60)
        assert found == [data.upper() + b"."] * 8
        port = tunnel.port
    assert not file.exists()
    deeds = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert [deed for deed, _ in deeds] == ["open", "close"]
    assert deeds[0][1] == deeds[1][1]
    assert said == []
    with pytest.raises(OSError):  # noqa: PT011 - refused
        socket.create_connection(("127.0.0.1", port), 1)
    assert sshd.logged("Accepted publickey") == 1, "one connection"


def test_a_lost_link_is_dialled_again(
    sshd: Sshd, connect: Callable[[Sshd], Callable[[], Session]], tmp_path: Path
) -> None:
    """It is said; what was under way ends; the port and the token are the same. Seeded fault: do not dial again."""
    said: list[str] = []
    with opened(sshd, connect, tmp_path / "kubeconfig", said) as tunnel:
        before = (tmp_path / "kubeconfig").read_text()
        with socket.create_connection(("127.0.0.1", tunnel.port), 10) as open_one:
            open_one.sendall(b"a")
            assert open_one.recv(10) == b"A"
            for pid in reversed(sshd.children()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert open_one.recv(10) == b"", "whoever waits for an answer hears of it"
        until(lambda: any("the link is back" in one for one in said))
        assert "is lost" in said[0]
        assert said[0].endswith("dialling again")
        assert ask(tunnel.port, b"again") == b"AGAIN."
        assert (tmp_path / "kubeconfig").read_text() == before
    assert (tmp_path / "log").read_text().split()[::2] == ["open", "close"]


def test_a_port_that_is_taken_costs_no_connection(
    sshd: Sshd, connect: Callable[[Sshd], Callable[[], Session]], tmp_path: Path, api: Api
) -> None:
    """Nor does a file that is somebody else's: exit 3 before anybody is dialled."""
    with pytest.raises(InvalidInput, match=f"port {api.port} of this machine"):
        Tunnel("s", connect(sshd), tell=print, port=api.port)
    (tmp_path / "config").write_text("mine")
    with pytest.raises(InvalidInput, match="left alone"):
        Tunnel("s", connect(sshd), tell=print, path=tmp_path / "config")
    assert "Accepted" not in sshd.log


def test_a_store_that_is_not_up_leaves_nothing(
    sshd: Sshd, connect: Callable[[Sshd], Callable[[], Session]], tmp_path: Path, told: Path
) -> None:
    """What the node says is raised; no file, no port."""
    error = NotReady("k3s has not made its certificates yet", hint="edgectl deploy STORE").to_json()
    told.write_text(json.dumps({**json.loads(told.read_text()), "error": error}))
    tunnel = Tunnel("s", connect(sshd), tell=print, path=tmp_path / "kubeconfig")
    with pytest.raises(NotReady, match="certificates"):
        tunnel.open(who="me", seconds=60)
    assert not (tmp_path / "kubeconfig").exists()
    with pytest.raises(OSError):  # noqa: PT011 - refused
        socket.create_connection(("127.0.0.1", tunnel.port), 1)


def test_a_node_that_forwards_nothing_is_named(
    start: Start, connect: Callable[[Sshd], Callable[[], Session]], tmp_path: Path
) -> None:
    """Before the file is written; the reader that was made is given back."""
    closed = start("AllowTcpForwarding no")
    with pytest.raises(Unreachable, match="forward nothing") as caught:
        opened(closed, connect, tmp_path / "kubeconfig", [])
    assert "AllowTcpForwarding local" in caught.value.hint
    assert not (tmp_path / "kubeconfig").exists()
    assert (tmp_path / "log").read_text().split()[::2] == ["open", "close"]
