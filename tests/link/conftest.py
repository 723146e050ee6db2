"""A real OpenSSH server on 127.0.0.1, one a test, with keys of its own; and a small engine that echoes frames."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import edgectl
from edgectl.control.link.runtime import RuntimeArchive, pack, sources
from edgectl.control.link.target import Target

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


_AS_ASKED = 'exec sh -c "$SSH_ORIGINAL_COMMAND"'


@dataclass(slots=True)
class Sshd:
    """One server. `log` is what it wrote, `target` how to reach it with the right key."""

    folder: Path
    port: int
    target: Target
    process: subprocess.Popen[bytes]
    stopped: list[int] = field(default_factory=list)

    @property
    def log(self) -> str:
        """Return what the server has written so far."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def children(self) -> list[int]:
        """Return the server's processes behind the listener, the deepest last."""
        return _descendants(self.process.pid)

    def freeze(self) -> None:
        """Stop every process of the open connection; the listener and the kernel's TCP go on."""
        for pid in self.children():
            os.kill(pid, signal.SIGSTOP)
            self.stopped.append(pid)

    def close(self) -> None:
        """Kill the server and all behind it."""
        for pid in self.stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        for pid in (*reversed(self.children()), self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)


Start = Callable[..., Sshd]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts servers.

    Its arguments are lines of configuration; `command` is shell text run instead of the client's command (which is in
    SSH_ORIGINAL_COMMAND), `path` a folder that comes first on PATH, `keys` the kinds of host keys.
    """
    server = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if server is None:
        if os.environ.get("CI"):
            pytest.fail("sshd is not installed, and in CI nothing may be skipped: apt-get install openssh-server")
        pytest.skip("sshd is not installed (apt-get install openssh-server): the link was NOT tested against OpenSSH")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    running: list[Sshd] = []

    def begin(*lines: str, command: str = "", path: Path | None = None, keys: tuple[str, ...] = ("ed25519",)) -> Sshd:
        sshd = _start(server, tmp_path / f"sshd{len(running)}", lines, command=command, path=path, host_keys=keys)
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
    return _keygen


def _keygen(path: Path, kind: str = "ed25519", *, passphrase: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    argv = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path)]
    subprocess.run(argv, check=True, timeout=30, capture_output=True)
    return path


def _public(path: Path) -> str:
    return Path(f"{path}.pub").read_text().strip()


def _start(
    server: str, folder: Path, lines: tuple[str, ...], *, command: str, path: Path | None, host_keys: tuple[str, ...]
) -> Sshd:
    hosts = [_keygen(folder / f"host_{kind}", kind) for kind in host_keys]
    user = _keygen(folder / "user")
    (folder / "authorized_keys").write_text(_public(user) + "\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = [
        f"ListenAddress 127.0.0.1:{port}",
        *(f"HostKey {host}" for host in hosts),
        f"AuthorizedKeysFile {folder}/authorized_keys",
        "PidFile none",
        "UsePAM no",
        "StrictModes no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "LogLevel VERBOSE",
        *lines,
    ]
    if path is None and os.getuid() != 0:
        path = _as_root(folder / "bin")
    if command or path:
        wrapper = folder / "wrapper"
        first = f"PATH={path}:/usr/sbin:/usr/bin:/sbin:/bin; export PATH\n" if path else ""
        wrapper.write_text(f"#!/bin/sh\n{first}{command or _AS_ASKED}\n")
        wrapper.chmod(0o755)
        config.append(f"ForceCommand {wrapper}")
    (folder / "config").write_text("\n".join(config) + "\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [server, "-D", "-e", "-f", str(folder / "config")], stdin=subprocess.DEVNULL, stderr=log
        )
    _wait_for(port, process, folder / "log")
    target = Target(
        node="node-1",
        host="127.0.0.1",
        port=port,
        user=getpass.getuser(),
        host_key=_public(hosts[0]),
        keys=(user,),
        agent=False,
        connect_seconds=10,
    )
    return Sshd(folder, port, target, process)


def _as_root(folder: Path) -> Path:
    """Let the node's shell believe that this user is root: the tests need no more of it."""
    folder.mkdir()
    (folder / "id").write_text("#!/bin/sh\necho 0\n")
    (folder / "id").chmod(0o755)
    return folder


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail(f"sshd did not start: {log.read_text('utf-8', 'replace')}")


def _descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with suppress(OSError):
                fields = (place / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(place.name))
    found, queue = [], [pid]
    while queue:
        below = parents.get(queue.pop(), [])
        found += below
        queue += below
    return found
