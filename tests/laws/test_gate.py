"""gpu-gate's script, run by a real shell: it ends when the node says so, and by nothing else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "templates" / "gate" / "gate.sh"
PAGE = Path(__file__).parents[2] / "docs" / "guard.md"
UID = "0d4c7e9f-0000-4000-8000-000000000001"

pytestmark = pytest.mark.programs("the gate is a shell script")


class Gate:
    """A gate that waits in a folder of its own; `sleep` is a fake that reports, and ends when it is told to."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "gpu"
        (self.folder / "pods").mkdir(parents=True)
        self.marker = self.folder / "ready"
        self._bin = tmp_path / "bin"
        self._bin.mkdir()
        turns = tmp_path / "turns"
        os.mkfifo(turns)
        self.turns = os.open(turns, os.O_RDWR)  # held open: each line is for one second, whoever is slow
        sleep = self._bin / "sleep"
        sleep.write_text(f'#!/bin/sh\necho "# slept"\nread -r _ < {turns}\n')
        sleep.chmod(0o755)
        self.child: subprocess.Popen[str] | None = None

    def start(self, uid: str = "", *, inline: bool = False) -> None:
        """Start it as a container does: as a file with its marker, or as the text of a `sh -c`."""
        command = ["sh", str(SCRIPT), str(self.marker)]
        if inline:
            command = ["sh", "-c", SCRIPT.read_text(), "gate", str(self.marker)]
        env = {"PATH": f"{self._bin}:{os.environ['PATH']}", **({"POD_UID": uid} if uid else {})}
        self.child = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    def says(self) -> str:
        """Return what it says until it waits for its next turn, or ends."""
        assert self.child is not None
        assert self.child.stdout is not None
        said = ""
        while (line := self.child.stdout.readline()) not in {"# slept\n", ""}:
            said += line
        return said

    def turn(self) -> str:
        """Let a second pass; return what it then says."""
        os.write(self.turns, b"\n")
        return self.says()

    def ended(self) -> int:
        """Return its exit code."""
        assert self.child is not None
        return self.child.wait(10)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Yield one; it is ended whatever happens."""
    made = Gate(tmp_path)
    yield made
    if made.child is not None:
        with suppress(ProcessLookupError):  # its sleep, too, which is in its group
            os.killpg(made.child.pid, signal.SIGKILL)
        made.child.wait(10)
    if made.child is not None and made.child.stdout is not None:
        made.child.stdout.close()
    os.close(made.turns)


@pytest.mark.parametrize("inline", [False, True])
def test_the_marker_opens_it(gate: Gate, inline: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Law: with the marker it ends at once, without it it waits, and says for what; as a file and inline."""
    gate.start(inline=inline)
    assert gate.says() == f"waiting for the GPUs' proof of this boot ({gate.marker}), 0 s so far\n"
    assert gate.turn() == ""  # said once, not each second
    gate.marker.touch()
    assert gate.turn() == "the GPU is proven, after 2 s\n"
    assert gate.ended() == 0


def test_it_says_so_again_each_minute(gate: Gate) -> None:
    """Law: a log that was looked at late still says what is waited for."""
    gate.start()
    gate.says()
    assert [number for number in range(1, 122) if gate.turn()] == [60, 120]


def test_without_a_uid_it_waits_for_every_gpu(gate: Gate) -> None:
    """Law: a pod that cannot say which it is starts only when no GPU is without proof, and says why it waits."""
    gate.marker.touch()
    (gate.folder / "each").touch()
    (gate.folder / "pods" / UID).touch()
    gate.start()
    assert "without POD_UID it cannot be told" in gate.says()
    (gate.folder / "each").unlink()
    assert "proven" in gate.turn()
    assert gate.ended() == 0


def test_each_pod_waits_for_its_own_file(gate: Gate) -> None:
    """Law: while a GPU is without proof, the marker alone opens nothing, nor does another pod's file."""
    gate.marker.touch()
    (gate.folder / "each").touch()
    (gate.folder / "pods" / "another").touch()
    gate.start(UID)
    assert f"the proof of this pod's own GPUs ({gate.folder}/pods/{UID})" in gate.says()
    (gate.folder / "pods" / UID).touch()
    assert "proven" in gate.turn()
    assert gate.ended() == 0


def test_the_own_file_alone_opens_nothing(gate: Gate) -> None:
    """Law: withdrawn is withdrawn: without the marker no pod starts, whatever else is left."""
    (gate.folder / "each").touch()
    (gate.folder / "pods" / UID).touch()
    gate.start(UID)
    assert "the GPUs' proof of this boot" in gate.says()


def test_each_that_goes_opens_it(gate: Gate) -> None:
    """Law: when all GPUs are proven no own file is needed."""
    gate.marker.touch()
    (gate.folder / "each").touch()
    gate.start(UID)
    gate.says()
    (gate.folder / "each").unlink()
    assert "proven" in gate.turn()
    assert gate.ended() == 0


def test_a_new_reason_is_said_at_once(gate: Gate) -> None:
    """Law: the log tells what is waited for now."""
    (gate.folder / "each").touch()
    gate.start(UID)
    gate.says()
    gate.marker.touch()
    assert "this pod's own GPUs" in gate.turn()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_ends_it(gate: Gate, number: signal.Signals) -> None:
    """Law: a pod that is deleted while it waits is gone within a second, and did not pass."""
    gate.start()
    gate.says()
    assert gate.child is not None
    gate.child.send_signal(number)
    gate.turn()
    assert gate.ended() == 143


def test_the_marker_is_read_before_each() -> None:
    """Law: the node writes `each` before the marker, so who reads them the other way round may miss one.

    The marker is read once more at the end: both may be withdrawn in between.
    """
    asked = re.findall(r"-e \"(\$marker|\$folder/each)\"", SCRIPT.read_text())
    assert (asked[0], asked[-1]) == ("$marker", "$marker")
    assert "$folder/each" in asked


def test_the_page_shows_this_very_script() -> None:
    """Law: what docs/guard.md has to paste is what is tested here."""
    pasted = "".join(f"              {line}".rstrip() + "\n" for line in SCRIPT.read_text().splitlines())
    assert pasted in PAGE.read_text()
