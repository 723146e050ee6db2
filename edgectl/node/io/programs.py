"""The only place of the node that starts programs.

Owns: deadlines, the inherited lock, evidence. Children inherit `keep_fds` (the store's lock), so the lock
lasts as long as anything of a run lives. Must not know which programs exist.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_TAIL = 2000
_GRACE_SECONDS = 5.0
_NOBODY = 65534
_MOST_OUTPUT = 4096
_NO_NEW_PRIVILEGES = ("/usr/bin/setpriv", "--no-new-privs", "--")


@dataclass(frozen=True)
class Ran:
    """One finished program: what was run, what it said, how long it took. `code` is None when it ran out of time."""

    argv: tuple[str, ...]
    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def ok(self) -> bool:
        """It ended with 0."""
        return self.code == 0

    @property
    def last_words(self) -> str:
        """The last non-empty line it said, errors first: most often the reason."""
        for text in (self.err, self.out):
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if lines:
                return lines[-1]
        return "it said nothing"

    def evidence(self) -> tuple[str, ...]:
        """Return lines for a person: command, end, both outputs."""
        end = "ran out of time" if self.code is None else f"exit {self.code}"
        lines = [f"$ {' '.join(self.argv)}   ({end}, {self.seconds:.1f} s)"]
        for name, text in (("stdout", self.out), ("stderr", self.err)):
            lines += [f"{name}: {line}" for line in text[-_TAIL:].splitlines() if line.strip()]
        return tuple(lines)


def run(
    argv: Sequence[str], *, limit_seconds: float, stdin: bytes = b"", keep_fds: Sequence[int] = (), cwd: str = "/"
) -> Ran:
    """Run a program to its end or its deadline; then its whole process group is killed."""
    began = time.monotonic()
    env = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C",
        "HOME": "/root",
        "KUBECONFIG": "/etc/rancher/k3s/k3s.yaml",
    }
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=cwd,
            start_new_session=True,
            pass_fds=tuple(keep_fds),
        )
    except OSError as error:
        return Ran(tuple(argv), 127, "", f"{argv[0]}: {error.strerror or error}", time.monotonic() - began)
    code: int | None
    try:
        out, err = child.communicate(stdin, timeout=limit_seconds)
        code = child.returncode
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        try:
            out, err = child.communicate(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired as still:  # a grandchild left the group and holds the pipe
            out, err = still.stdout or b"", still.stderr or b""
            for pipe in (child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()
            with suppress(subprocess.TimeoutExpired):  # a driver that hangs keeps it from dying (state D)
                child.wait(timeout=_GRACE_SECONDS)
        code = None
    took = time.monotonic() - began
    return Ran(tuple(argv), code, out.decode(errors="replace"), err.decode(errors="replace"), took)


def unprivileged(argv: Sequence[str], *, limit_seconds: float) -> Ran:
    """Run somebody else's program as nobody, without root's environment, and read no more than the beginning.

    What it says (both outputs in one) ends it where it is too much; `code` is None then, too, when it ran out of time.
    """
    began = time.monotonic()
    guarded = (*_NO_NEW_PRIVILEGES, *argv) if os.access(_NO_NEW_PRIVILEGES[0], os.X_OK) else tuple(argv)
    as_nobody: dict[str, Any] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        child = subprocess.Popen(
            guarded,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"},
            cwd="/",
            start_new_session=True,
            **as_nobody,
        )
    except OSError as error:
        said = f"{argv[0]}: {error.strerror or error}"
        return Ran(tuple(argv), 127, said, "", time.monotonic() - began)
    out, whole = _beginning(child, began + limit_seconds)
    code: int | None = None
    with suppress(subprocess.TimeoutExpired):
        code = child.wait(max(began + limit_seconds - time.monotonic(), 0.0)) if whole else None
    with suppress(ProcessLookupError):  # what it has left behind, too
        os.killpg(child.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE_SECONDS)
    return Ran(tuple(argv), code, out.decode(errors="replace"), "", time.monotonic() - began)


def _beginning(child: subprocess.Popen[bytes], until: float) -> tuple[bytes, bool]:
    """Read a child's output up to its end, the deadline or the most that is read; says whether that was the end."""
    out = b""
    if child.stdout is None:
        return out, True
    with child.stdout as pipe:
        while (left := until - time.monotonic()) > 0 and len(out) < _MOST_OUTPUT:
            if not select.select([pipe], [], [], left)[0]:
                break
            data = os.read(pipe.fileno(), _MOST_OUTPUT - len(out))
            if not data:
                return out, True
            out += data
    return out, False
