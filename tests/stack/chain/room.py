"""The uplink's surroundings, as a pod has them: a small disk of its own, and names that resolve as they are written.

A mount namespace (root's, or a user's own): nothing of it is seen by others, and it ends with the tests.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

DISK_BYTES = 8 * 1024 * 1024
_SEARCH, _DEAD = "hosts: files dns\n", "nameserver 127.0.0.99\noptions timeout:1 attempts:1\n"
_SCRIPT = """
mount -t tmpfs -o size={size},mode=0755 none {disk} &&
mount --bind {hosts} /etc/hosts && mount --bind {resolv} /etc/resolv.conf && mount --bind {switch} /etc/nsswitch.conf &&
echo ready && exec sleep infinity
"""


class Room:
    """`inside` goes before a program that lives here."""

    def __init__(self, folder: Path) -> None:
        self.disk, self._hosts, self._switch = folder / "data", folder / "hosts", folder / "nsswitch.conf"
        self.disk.mkdir()
        resolv = folder / "resolv.conf"
        resolv.write_text(_DEAD)
        self._switch.write_text(_SEARCH)
        self._hosts.write_text("")
        own = () if os.geteuid() == 0 else ("--user", "--map-root-user")
        script = _SCRIPT.format(size=DISK_BYTES, disk=self.disk, hosts=self._hosts, resolv=resolv, switch=self._switch)
        argv = ["setpriv", "--pdeathsig", "KILL", "--", "unshare", "--mount", *own, "sh", "-c", script]
        self._holder = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self._holder.stdout is not None
        assert self._holder.stderr is not None
        if self._holder.stdout.readline() != b"ready\n":
            why = self._holder.stderr.read().decode(errors="replace").strip()
            self.close()
            message = f"no namespace can be made here (be root, or allow user namespaces): {why}"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        number = str(self._holder.pid)
        user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        # Without capabilities even root must be let write by a file's mode, as a pod's user must.
        bare = ("setpriv", "--inh-caps=-all", "--bounding-set=-all", "--")
        self.inside = ("nsenter", "--target", number, "--mount", *user, *bare)

    @property
    def seen(self) -> Path:
        """The disk as it is reached from outside."""
        return Path(f"/proc/{self._holder.pid}/root{self.disk}")

    def resolves(self, name: str, address: str) -> None:
        """Let a name be known."""
        self._hosts.write_text(f"127.0.0.1 localhost\n{address} {name}\n")
        self._switch.write_text(_SEARCH)

    def resolves_nothing(self, *, dns: bool) -> None:
        """Let no name be known; with `dns`, by a server that does not answer."""
        self._hosts.write_text("127.0.0.1 localhost\n")
        self._switch.write_text(_SEARCH if dns else "hosts: files\n")

    def fill(self) -> None:
        """Leave not one byte free."""
        with suppress(OSError), (self.seen / "ballast").open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass

    def clear(self) -> None:
        """Have nothing on the disk."""
        for path in self.seen.iterdir():
            path.unlink()

    def empty(self) -> None:
        """Have room again."""
        (self.seen / "ballast").unlink(missing_ok=True)

    def writable(self, *, yes: bool) -> None:
        """Let the uplink write to its files, or not."""
        for path in self.seen.iterdir():
            path.chmod(0o644 if yes else 0o444)
        self.seen.chmod(0o755 if yes else 0o555)

    def close(self) -> None:
        """End all of it."""
        self._holder.kill()
        self._holder.wait(10)
        for pipe in (self._holder.stdout, self._holder.stderr):
            if pipe is not None:
                pipe.close()
