"""A program that prints a secret: no shell, a deadline, nothing on its standard input.

Owns: what is told of it when it fails: its name, its end and its error output. Its standard output is told nowhere,
and neither are its arguments, which may hold what opens a vault.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

LIMIT_SECONDS = 30.0
_GRACE_SECONDS = 2.0
_LINES = 10


class ProgramFailed(Exception):
    """It gave no value; `evidence` are lines for a person."""

    def __init__(self, reason: str, evidence: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence


def output_of(argv: Sequence[str], *, folder: Path, limit_seconds: float = LIMIT_SECONDS) -> bytes:
    """Return what a program prints; ProgramFailed when it cannot be run, fails, or does not end in time.

    It has this process's environment: keys, tokens and agents that it needs are there.
    """
    began = time.monotonic()
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=dict(os.environ),
            start_new_session=True,  # so that its children end with it
        )
    except (OSError, ValueError) as error:
        raise ProgramFailed(f"{argv[0]} cannot be run: {getattr(error, 'strerror', None) or error}") from None
    try:
        out, err = child.communicate(timeout=limit_seconds)
    except subprocess.TimeoutExpired:  # raised again it would carry what was printed so far
        _end(child)
        raise ProgramFailed(f"{argv[0]} did not end within {limit_seconds:.0f} s") from None
    except BaseException:
        _end(child)
        raise
    if child.returncode != 0:
        lines = err.decode("utf-8", "replace").splitlines()[-_LINES:]
        took = f"{time.monotonic() - began:.1f} s"
        said = tuple(f"{Path(argv[0]).name}: {line}" for line in lines if line.strip())
        raise ProgramFailed(f"{argv[0]} ended with {child.returncode} after {took}", said)
    return out


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):  # a grandchild may hold the pipe
        child.communicate(timeout=_GRACE_SECONDS)
