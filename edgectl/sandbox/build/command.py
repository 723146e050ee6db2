"""Runs one program of a build to its end or its deadline.

Owns: the deadline, and the evidence of a failure (command, exit code, both outputs, duration).
Must not know which programs exist.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from edgectl.wire.errors import StepFailed

_TAIL_LINES = 30


def command(
    argv: Sequence[str | Path],
    *,
    limit_seconds: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    hint: str = "",
) -> str:
    """Run a program and return what it wrote to stdout; StepFailed carries the evidence when it did not end well."""
    words = [str(word) for word in argv]
    began = time.monotonic()
    try:
        child = subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise StepFailed(f"{words[0]} could not be started: {error.strerror or error}", hint=hint) from error
    out, err, late = "", "", False
    try:
        out, err = child.communicate(timeout=limit_seconds)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        if child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                out, err = child.communicate(timeout=5)
    took = time.monotonic() - began
    if child.returncode == 0:
        return out
    end = f"did not end within {limit_seconds:.0f} s" if late else f"ended with {child.returncode} after {took:.1f} s"
    raise StepFailed(
        f"{Path(words[0]).name} {end}",
        hint=hint,
        details=(f"$ {' '.join(words)}", *_tail("stdout", out), *_tail("stderr", err)),
    )


def _tail(name: str, text: str) -> tuple[str, ...]:
    return tuple(f"{name}: {line}" for line in text.splitlines()[-_TAIL_LINES:] if line.strip())
