"""A real OpenSSH server on 127.0.0.1 with keys of its own, for tests and benches.

Owns its start, its processes and its end. Must not know what is run behind it.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.control.link.target import Target
from tests.ports import free_port

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

    def logged(self, words: str, *, seconds: float = 5.0) -> int:
        """Return how often it wrote this, as soon as it has: what it does, it writes down a moment later."""
        deadline = time.monotonic() + seconds
        while words not in self.log and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.log.count(words)

    def children(self) -> list[int]:
        """Return the server's processes behind the listener, the deepest last."""
        return descendants(self.process.pid)

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


def server() -> str | None:
    """Return where sshd is; None when it is not installed."""
    return shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


def keygen(path: Path, kind: str = "ed25519", *, passphrase: str = "") -> Path:
    """Make a key pair; returns the private file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    argv = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path)]
    subprocess.run(argv, check=True, timeout=30, capture_output=True)
    return path


def _public(path: Path) -> str:
    return Path(f"{path}.pub").read_text().strip()


def serve(
    folder: Path,
    *lines: str,
    command: str = "",
    path: Path | None = None,
    host_keys: tuple[str, ...] = ("ed25519",),
) -> Sshd:
    """Start a server in a folder; returns when it listens.

    `lines` are of its configuration; `command` is shell text run instead of the client's command (which is in
    SSH_ORIGINAL_COMMAND), `path` a folder that comes first on PATH, `host_keys` the kinds of host keys.
    """
    program = server()
    assert program is not None, "sshd is not installed: apt-get install openssh-server"
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    hosts = [keygen(folder / f"host_{kind}", kind) for kind in host_keys]
    user = keygen(folder / "user")
    (folder / "authorized_keys").write_text(_public(user) + "\n")
    port = free_port()
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
            [program, "-D", "-e", "-f", str(folder / "config")], stdin=subprocess.DEVNULL, stderr=log
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
    raise RuntimeError(f"sshd did not start: {log.read_text('utf-8', 'replace')}")


def descendants(pid: int) -> list[int]:
    """Return the processes below one, the deepest last."""
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
