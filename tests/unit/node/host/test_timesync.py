"""Whether the clock is synchronised: what each time service says, and that nobody is held up for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edgectl.node.converge.loop import Clock, converge, plan
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.host.timesync import SCRIPT, Synchronised
from edgectl.wire.host import TimeSync
from edgectl.wire.verdict import DEGRADED, READY
from tests.unit.node.fake import FakeNode, ran

# as chronyc -c -n tracking (4.3) has them
NORMAL = (
    "0A4D0001,10.77.0.1,4,1790000000.123456789,0.000012,-0.000010,0.000020,-5.123,0.001,0.050,0.0012,0.0001,64.2,Normal"
)
NOBODY = "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,"
DECLARED = TimeSync(("10.77.0.9",), 30.0)


def script(tmp_path: Path, *servers: str, **programs: str) -> tuple[int, str]:
    """Run time.sh with these programs: name -> what each says; one that begins with "!" fails with the rest."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("timeout", "cat"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    for name, says in programs.items():
        (folder / f"{name}.said").write_text(says.lstrip("!") + "\n")
        (folder / name).write_text(f"#!/bin/sh\ncat {folder}/{name}.said\nexit {int(says.startswith('!'))}\n")
        (folder / name).chmod(0o755)
    ran = subprocess.run(
        ["/bin/sh", str(SCRIPT), *servers],
        env={"PATH": str(folder), "EDGECTL_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.stderr == ""
    return ran.returncode, ran.stdout.strip()


@pytest.mark.programs("a shell script is tested by a shell")
@pytest.mark.parametrize(
    ("chronyc", "code", "line"),
    [
        (NORMAL, 0, "synchronised with 10.77.0.1 by chrony"),
        (f"{NOBODY}Not synchronised", 1, "the clock is not synchronised (no server answers: 10.77.0.9 10.77.0.8)"),
        ("7F7F0101,127.127.1.1,10,0,0,0,0,0,0,0,0,0,0,Normal", 1, "chrony follows its own clock"),
        ("!506 Cannot talk to daemon", 1, "neither chrony nor systemd-timesyncd runs"),
    ],
)
def test_what_chrony_says(tmp_path: Path, chronyc: str, code: int, line: str) -> None:
    """One line: who tells the time, or who was asked in vain."""
    found = script(tmp_path, "10.77.0.9", "10.77.0.8", chronyc=chronyc, timedatectl="no")
    assert (found[0], line in found[1]) == (code, True), found


@pytest.mark.programs("a shell script is tested by a shell")
@pytest.mark.parametrize(("synchronised", "code"), [(True, 0), (False, 1)])
def test_what_timesyncd_has_done(tmp_path: Path, synchronised: bool, code: int) -> None:  # noqa: FBT001 - a table's column
    """By the file that it touches: no service of systemd is started for the question."""
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    if synchronised:
        (tmp_path / "run/systemd/timesync/synchronized").touch()
    found = script(tmp_path, timedatectl="!no bus")
    assert (found[0], "timesyncd" in found[1] or "no server answers: any" in found[1]) == (code, True)


@pytest.mark.programs("a shell script is tested by a shell")
def test_whatever_else_keeps_the_time(tmp_path: Path) -> None:
    """The kernel's own word counts."""
    assert script(tmp_path, timedatectl="yes") == (0, "synchronised")


def test_what_is_not_synchronised_degrades_and_holds_nothing_up(node: FakeNode) -> None:
    """Law: a deploy waits so long at most, a heal and a look not at all; the store then is degraded, by name."""
    node.on_run = lambda *argv: ran("the clock is not synchronised (no server answers: 10.77.0.9)", code=1, argv=argv)
    now = [0.0]
    clock = Clock(lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
    for waits, seconds in ((True, 30.0), (False, 0.0)):
        now[0] = 0.0
        step = Synchronised(DECLARED, waits=waits)
        verdict = converge((step,), node, node, say=lambda *_: None, clock=clock)
        assert (verdict.word, now[0]) == (DEGRADED, seconds)
        assert "no server answers: 10.77.0.9" in verdict.steps[0].absent
        now[0] = 0.0
        assert plan((step,), node, lambda *_: None, clock).steps[0].absent
        assert now[0] == 0.0


def test_an_answer_in_time_is_all_that_is_wanted(node: FakeNode) -> None:
    """The wait ends with it."""
    answers = iter([(1, "not yet"), (1, "not yet"), (0, "synchronised with 10.77.0.1 by chrony")])

    def run(*argv: str) -> object:
        code, line = next(answers)
        return ran(line, code=code, argv=argv)

    node.on_run = run  # type: ignore[assignment]
    now = [0.0]
    clock = Clock(lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
    verdict = converge((Synchronised(DECLARED, waits=True),), node, node, say=lambda *_: None, clock=clock)
    assert (verdict.word, now[0]) == (READY, 2.0)


def test_a_script_that_cannot_look_is_no_answer(node: FakeNode) -> None:
    """Never fine, and never "not synchronised"."""
    node.on_run = lambda *argv: ran(code=127, err="sh: not found", argv=argv)
    with pytest.raises(LookFailed):
        Synchronised(DECLARED, waits=False).probe(node)
    assert Synchronised(DECLARED, waits=False).wait.limit_seconds == 0
