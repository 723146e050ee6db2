"""A real OpenSSH server on 127.0.0.1, one a test, with keys of its own; and a small engine that echoes frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import edgectl
from edgectl.control.link.runtime import RuntimeArchive, pack, sources
from tests.far.sshd import Sshd, serve, server
from tests.far.sshd import keygen as make_key

__all__ = ["Keygen", "Sshd", "Start"]

_ENGINE = b"""
import os, sys
from edgectl.wire.frame import FrameError, Frames

def write(data):
    while data:
        data = data[os.write(1, data):]

frames = Frames(lambda count: os.read(0, count), write)
frames.send("hello", argv=sys.argv[1:], uid=os.getuid(), pid=os.getpid())
while True:
    try:
        frame = frames.receive()
    except FrameError:
        sys.exit(0)
    if frame["op"] == "crash":
        raise RuntimeError("crashed on purpose")
    if frame["op"] == "die":
        os.kill(os.getpid(), 15)
    if frame["op"] == "blob":
        total = []
        frames.receive_bytes(frame["bytes"], lambda piece: total.append(len(piece)))
        frame["received"] = sum(total)
    if frame["op"] == "pour":
        frames.send("pour", bytes=frame["bytes"])
        write(b"x" * frame["bytes"])
        continue
    sys.stderr.write(frame.get("stderr", ""))
    sys.stderr.flush()
    frames.send(frame.pop("op"), **frame)
"""


Start = Callable[..., Sshd]


def need_sshd() -> None:
    """Skip a test where sshd is not installed; in CI nothing may be skipped."""
    if server() is None:
        if os.environ.get("CI"):
            pytest.fail("sshd is not installed, and in CI nothing may be skipped: apt-get install openssh-server")
        pytest.skip("sshd is not installed (apt-get install openssh-server): the link was NOT tested against OpenSSH")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts servers.

    Its arguments are lines of configuration; `command` is shell text run instead of the client's command (which is in
    SSH_ORIGINAL_COMMAND), `path` a folder that comes first on PATH, `keys` the kinds of host keys.
    """
    need_sshd()
    running: list[Sshd] = []

    def begin(*lines: str, command: str = "", path: Path | None = None, keys: tuple[str, ...] = ("ed25519",)) -> Sshd:
        sshd = serve(tmp_path / f"sshd{len(running)}", *lines, command=command, path=path, host_keys=keys)
        running.append(sshd)
        return sshd

    yield begin
    for sshd in running:
        sshd.close()


@pytest.fixture
def sshd(start: Start) -> Sshd:
    """Start one plain server."""
    return start()


@pytest.fixture(scope="session")
def engine() -> RuntimeArchive:
    """Return a stand-in for the engine: `edgectl/wire` and a main program that echoes frames."""
    files = sources(Path(edgectl.__file__).parent)
    return pack({**{name: data for name, data in files.items() if "/node/" not in name}, "__main__.py": _ENGINE})


@pytest.fixture
def state(tmp_path: Path) -> str:
    """Return a place for a node's /var/lib/edgectl."""
    return str(tmp_path / "var")


Keygen = Callable[..., Path]


@pytest.fixture
def keygen() -> Keygen:
    """Give a function that makes key pairs."""
    return make_key
