"""Programs end or are ended: real ones, since a deadline that kills the wrong process is worse than none."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.io import programs
from edgectl.node.io.programs import Ran, run

pytestmark = pytest.mark.programs("deadlines and inherited descriptors are between real processes")


def test_a_program_is_told_apart_by_its_end() -> None:
    """Both outputs, the exit code, the input, and how long it took."""
    ran = run(("/bin/sh", "-c", "cat; echo bad >&2; exit 3"), limit_seconds=30, stdin=b"given")
    assert (ran.code, ran.out, ran.err, ran.ok) == (3, "given", "bad\n", False)
    assert ran.last_words == "bad"
    assert ran.seconds > 0


def test_a_program_that_is_not_there_is_an_end_too() -> None:
    """Exit 127 and its name, as a shell says it; never an exception."""
    ran = run(("/nowhere/helm", "upgrade"), limit_seconds=30)
    assert (ran.code, ran.ok) == (127, False)
    assert "/nowhere/helm" in ran.last_words


def test_a_deadline_kills_all_that_the_program_started(tmp_path: Path) -> None:
    """The group dies, a grandchild included, and no output is waited for afterwards."""
    pid = tmp_path / "pid"
    ran = run(("/bin/sh", "-c", f"sleep 60 & echo $! > {pid}; echo begun; wait"), limit_seconds=2)
    assert (ran.code, ran.out) == (None, "begun\n")
    assert "ran out of time" in ran.evidence()[0]
    assert ended(int(pid.read_text()))


def test_a_grandchild_that_left_the_group_does_not_hold_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon keeps the pipe open: the deadline is kept all the same, and what was said until then is kept, too."""
    monkeypatch.setattr(programs, "_GRACE_SECONDS", 0.2)
    pid = tmp_path / "pid"
    began = time.monotonic()
    ran = run(("/bin/sh", "-c", f"echo begun; setsid sleep 60 & echo $! > {pid}; sleep 60"), limit_seconds=2)
    took = time.monotonic() - began
    os.kill(int(pid.read_text()), 9)
    assert (ran.code, ran.out) == (None, "begun\n")
    assert took < 20


def test_a_program_that_cannot_be_killed_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that hangs keeps a process from dying (state D): its end is waited for within a deadline, too."""
    started: list[Undying] = []

    class Undying(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)

        def communicate(self, input: bytes | None = None, timeout: float | None = None) -> tuple[bytes, bytes]:  # noqa: A002 - its name
            del input
            if self.stdin:
                self.stdin.close()  # as communicate does first
            raise subprocess.TimeoutExpired(self.args, timeout or 0)

        def wait(self, timeout: float | None = None) -> int:
            assert timeout is not None, "waits for ever"
            raise subprocess.TimeoutExpired(self.args, timeout)

    monkeypatch.setattr(subprocess, "Popen", Undying)
    ran = run(("/bin/true",), limit_seconds=0.1)
    assert (ran.code, ran.out) == (None, "")
    for child in started:
        super(Undying, child).wait(30)


def test_children_keep_the_lock(tmp_path: Path) -> None:
    """A program that outlives its engine still holds the store's lock; without `keep_fds` it would not."""
    for keep, held in ((True, True), (False, False)):
        fd = os.open(tmp_path / f"lock-{keep}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        fcntl.flock(fd, fcntl.LOCK_EX)
        shell = "sleep 60 >/dev/null 2>&1 </dev/null & echo $!"
        ran = run(("/bin/sh", "-c", shell), limit_seconds=30, keep_fds=(fd,) if keep else ())
        os.close(fd)
        other = os.open(tmp_path / f"lock-{keep}", os.O_RDWR)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_held = False
        except OSError:
            is_held = True
        os.kill(int(ran.out), 9)
        os.close(other)
        assert is_held == held


def test_nothing_of_our_environment_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's variables change neither Helm nor kubectl; the language is C, so that words can be read."""
    monkeypatch.setenv("HELM_KUBETOKEN", "secret")
    ran = run(("/usr/bin/env",), limit_seconds=30)
    names = {line.partition("=")[0] for line in ran.out.splitlines()}
    assert names == {"PATH", "LC_ALL", "HOME", "KUBECONFIG"}


def test_evidence_is_what_a_person_needs() -> None:
    """The command, its end, and the tail of both outputs."""
    ran = Ran(("helm", "upgrade"), 1, "x" * 5000 + "\n", "why\n\n", 2.0)
    lines = ran.evidence()
    assert lines[0] == "$ helm upgrade   (exit 1, 2.0 s)"
    assert len(lines[1]) < 2100
    assert lines[2] == "stderr: why"


@pytest.mark.parametrize(
    ("out", "err", "words"),
    [("a\nb\n", "", "b"), ("a\n", "c\n \n", "c"), ("", "", "it said nothing"), ("\n", " \n", "it said nothing")],
)
def test_the_last_words_are_most_often_the_reason(out: str, err: str, words: str) -> None:
    """Errors first, empty lines never."""
    assert Ran(("a",), 1, out, err, 0.0).last_words == words


def ended(pid: int) -> bool:
    """Wait until a process is gone or a zombie."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        os.sched_yield()
    return False
