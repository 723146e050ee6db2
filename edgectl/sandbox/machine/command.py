"""Run one program of the host with a deadline; a failure carries its evidence.

Owns the sandbox's only subprocess calls that wait. Must not know what the programs are for.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgectl.wire.errors import StepFailed

_SHOWN_LINES = 15


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that has ended: exit code (negative: the signal that killed it), both outputs, duration."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float

    def evidence(self) -> tuple[str, ...]:
        """Return the lines that a person needs to understand a failure."""
        return (
            f"$ {shlex.join(self.argv)}",
            f"exit code {self.code} after {self.seconds:.1f} s",
            *(f"stdout: {line}" for line in self.out.splitlines()[-_SHOWN_LINES:]),
            *(f"stderr: {line}" for line in self.err.splitlines()[-_SHOWN_LINES:]),
        )


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    timeout_seconds: float = 60,
    check: bool = True,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Run a program to its end. StepFailed when it cannot be started, takes too long, or (with `check`) fails."""
    words = tuple(os.fspath(word) for word in argv)
    started = time.monotonic()
    try:
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            check=False,
            env={**os.environ, **(env or {})},
        )
    except subprocess.TimeoutExpired as error:
        late = Completed(words, -9, _text(error.stdout), _text(error.stderr), time.monotonic() - started)
        raise StepFailed(f"{words[0]} did not end within {timeout_seconds:.0f} s.", details=late.evidence()) from error
    except OSError as error:
        raise StepFailed(f"{words[0]} could not be started: {error.strerror}.", details=(shlex.join(words),)) from error
    completed = Completed(words, done.returncode, done.stdout, done.stderr, time.monotonic() - started)
    if check and completed.code != 0:
        raise StepFailed(f"{words[0]} failed.", details=completed.evidence())
    return completed


def run_logged(
    argv: Sequence[str | os.PathLike[str]], log: Path, *, timeout_seconds: float, env: Mapping[str, str] | None = None
) -> None:
    """Run a long program with both outputs appended to `log`; StepFailed shows the log's last lines."""
    words = tuple(os.fspath(word) for word in argv)
    started = time.monotonic()
    with log.open("a") as sink:
        sink.write(f"$ {shlex.join(words)}\n")
        sink.flush()
        try:
            code = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                timeout=timeout_seconds,
                check=False,
                env={**os.environ, **(env or {})},
            ).returncode
        except subprocess.TimeoutExpired:
            code = -9
    if code != 0:
        seconds = time.monotonic() - started
        tail = log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:]
        raise StepFailed(
            f"{words[0]} failed.",
            hint=f"The whole log is {log}.",
            details=(f"$ {shlex.join(words)}", f"exit code {code} after {seconds:.1f} s", *tail),
        )


def _text(output: bytes | str | None) -> str:
    if output is None:
        return ""
    return output if isinstance(output, str) else output.decode(errors="replace")
