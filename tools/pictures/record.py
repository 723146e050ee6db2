"""A command in a terminal of its own, and what it writes there, with its times: asciicast v2.

Owns: the terminal and the file's format (https://docs.asciinema.org/manual/asciicast/v2/). Must not know what a
command says or how it is drawn.
"""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import select
import shlex
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.pictures.shots import COLUMNS, ROWS, Recording

_COMMAND_SECONDS = 600.0
_LETTER_SECONDS, _AFTER_SECONDS = 0.04, 0.5
_LONGEST_PAUSE = 2.0  # of a player that is asked for no other
_BLOCK = 1 << 16
# A host name of its own: it stands in what edgectl says of who has asked.
_ON_A_DESK = ("unshare", "--uts", "sh", "-c", 'echo desk > /proc/sys/kernel/hostname && exec "$@"', "sh")
_PROMPT = "\x1b[1;32m$\x1b[0m "


@dataclass
class Cast:
    """What stood in the terminal, and when, in seconds since it was opened."""

    title: str
    events: list[tuple[float, str]] = field(default_factory=list)
    now: float = 0.0

    def text(self) -> str:
        """Return it as a file of asciinema's."""
        head = {
            "version": 2,
            "width": COLUMNS,
            "height": ROWS,
            "title": self.title,
            "idle_time_limit": _LONGEST_PAUSE,
            "env": {"TERM": "xterm-256color", "SHELL": "/bin/bash"},
        }
        lines = (json.dumps([at, "o", text], ensure_ascii=False) for at, text in self.events)
        return "\n".join([json.dumps(head), *lines, ""])

    def write(self, text: str) -> None:
        """Let a text stand there from now on."""
        self.events.append((round(self.now, 3), text))

    def type(self, line: str) -> None:
        """Let somebody type a line, with the prompt before it."""
        self.write(f"\r\n{_PROMPT}" if self.events else _PROMPT)
        self.now += _AFTER_SECONDS
        for letter in line:
            self.write(letter)
            self.now += _LETTER_SECONDS
        self.now += _AFTER_SECONDS
        self.write("\r\n")


def record(recording: Recording, *, folder: Path, env: Mapping[str, str]) -> Cast:
    """Type what the recording types, in this folder, and wait for each; another exit code ends the program."""
    cast = Cast(recording.title)
    for line, code in recording.typed:
        cast.type(line)
        words = shlex.split(line)
        ended = _run([*_ON_A_DESK, sys.executable, "-m", *words], cast, folder=folder, env=env)
        if ended != code:
            raise SystemExit(f"{line} ended with {ended}, not with {code}:\n{''.join(text for _, text in cast.events)}")
        cast.now += _AFTER_SECONDS
    said = "".join(text for _, text in cast.events)
    if recording.says not in said:
        raise SystemExit(f"nothing says {recording.says!r}:\n{said}")
    return cast


def _run(argv: list[str], cast: Cast, *, folder: Path, env: Mapping[str, str]) -> int:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began, shift = time.monotonic(), cast.now
    decode = codecs.getincrementaldecoder("utf-8")().decode
    child = subprocess.Popen(argv, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        while True:
            ready, _, _ = select.select([ours], [], [], max(began + _COMMAND_SECONDS - time.monotonic(), 0))
            if not ready:
                raise SystemExit(f"{' '.join(argv[-3:])} did not end within {_COMMAND_SECONDS:.0f} s")
            try:
                data = os.read(ours, _BLOCK)
            except OSError:  # a terminal that nobody writes to any more
                break
            cast.now = shift + time.monotonic() - began
            cast.write(decode(data))
        return child.wait(_AFTER_SECONDS * 10)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait(_AFTER_SECONDS * 10)
        os.close(ours)
