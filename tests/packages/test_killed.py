"""Killed at any moment, engine or dpkg: the next run ends as declared, and what is a stranger's is never lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.host.packages.back import Begun
from edgectl.node.host.packages.step import SystemPackages
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.io.programs import Ran
from tests.packages.machine import Machine

OLD, NEW = ("chrony=1", "gone=1"), ("chrony=2!", "tool=1")


class Killed(BaseException):
    """The power goes here."""


class Mortal(Hands):
    """Hands that die at their N-th deed: before it, or just after it."""

    def __init__(self, places: Places, at: int, *, after: bool) -> None:
        super().__init__(places)
        self.left, self.after = at, after

    def change(self, *argv: str, **how: Any) -> Ran:
        """Run a program."""
        ran: Ran = self._deed(lambda: super(Mortal, self).change(*argv, **how))
        return ran

    def write(self, path: Path, text: str, *, mode: int = 0o644) -> None:
        """Write a file."""
        self._deed(lambda: super(Mortal, self).write(path, text, mode=mode))

    def remove(self, path: Path) -> None:
        """Remove a file."""
        self._deed(lambda: super(Mortal, self).remove(path))

    def _deed(self, do: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == -1 and not self.after:
            raise Killed
        done = do()
        if self.left == -1:
            raise Killed
        return done


def prepared(machine: Machine) -> None:
    """Let a store run OLD, beside a stranger's package whose version NEW needs to be another."""
    machine.deb("libfoo1", "1")
    machine.deb("libfoo1", "2")
    machine.deb("chrony", "1", fields=["Depends: libfoo1"])
    machine.deb("chrony", "2", fields=["Depends: libfoo1 (>= 2)"])
    machine.deb("gone", "1")
    machine.deb("tool", "1")
    machine.by_hand("-i", "libfoo1=1")
    machine.settles(machine.step(*OLD))


def copied(machine: Machine, folder: Path) -> Machine:
    """Return the same machine elsewhere."""
    shutil.copytree(machine.root, folder / "root", symlinks=True)
    return machine.moved(folder / "root")


def ends_well(machine: Machine, step: SystemPackages) -> None:
    """Law: as declared, nothing half there; then nothing of ours is left when nothing is declared."""
    machine.settles(step)
    assert machine.has == {"chrony": "2", "tool": "1", "libfoo1": "2"}
    assert machine.system.packages["chrony"].want == "hold"
    assert Begun(machine.hands).read() == {}
    machine.settles(machine.step())
    assert machine.has == {"libfoo1": "2"}, "it was there before us"


def killed_at(machine: Machine, folder: Path, at: int, *, after: bool) -> bool:
    """Kill one run at a deed, and let the next one follow; returns whether the deed was reached."""
    here = copied(machine, folder)
    step, whole = here.step(*NEW), here.hands
    here.hands = Mortal(whole.places, at, after=after)
    reached = True
    with suppress(Killed):
        here.converge(step)
        reached = False
    here.hands = whole
    ends_well(here, step)
    return reached


@pytest.mark.parametrize("after", [False, True])
def test_the_engine_is_killed_at_its_programs_and_files(machine: Machine, tmp_path: Path, *, after: bool) -> None:
    """Here at every fourth of its deeds."""
    prepared(machine)
    assert [at for at in range(1, 14, 4) if not killed_at(machine, tmp_path / str(at), at, after=after)] == []


@pytest.mark.long
@pytest.mark.parametrize("after", [False, True])
def test_the_engine_is_killed_at_each_of_its_programs_and_files(
    machine: Machine, tmp_path: Path, *, after: bool
) -> None:
    """At all of them."""
    prepared(machine)
    reached = [at for at in range(24) if killed_at(machine, tmp_path / str(at), at, after=after)]
    assert reached == list(range(len(reached)))
    assert 13 < len(reached) < 24


KILL = 'test -e "$DPKG_ROOT/was-cut" || { touch "$DPKG_ROOT/was-cut"; kill -9 $PPID; sleep 1; }'


class Cut(Hands):
    """Hands of an engine that the same power cut takes as dpkg."""

    def change(self, *argv: str, **how: Any) -> Ran:
        """Run a program."""
        ran = super().change(*argv, **how)
        if (self.places.root / "was-cut").exists():
            raise Killed
        return ran


@pytest.mark.parametrize("ends", ["on", "back"])
@pytest.mark.parametrize(("version", "script"), [("2", "preinst"), ("2", "postinst"), ("1", "prerm"), ("1", "postrm")])
def test_the_power_goes_while_dpkg_works(machine: Machine, version: str, script: str, ends: str) -> None:
    """In a script of the package that comes, or of the one that goes: from there on, or back, to what is declared."""
    machine.deb("libfoo1", "1")
    for number in ("1", "2"):
        machine.deb("chrony", number, fields=["Depends: libfoo1"], scripts={script: KILL} if number == version else {})
    machine.settles(machine.step("chrony=1"))
    whole = machine.hands
    machine.hands = Cut(whole.places)
    with pytest.raises(Killed):
        machine.converge(machine.step("chrony=2"))
    machine.hands = whole
    assert machine.system.broken, "it was cut in the midst"
    want = "2" if ends == "on" else "1"
    machine.settles(machine.step(f"chrony={want}"))
    assert machine.has == {"chrony": want, "libfoo1": "1"}


def test_a_cut_and_a_script_that_fails_lead_back(machine: Machine) -> None:
    """The candidate's package was cut, and cannot be configured: what ran before is put back without its help."""
    old = [machine.deb("chrony", "1")]
    machine.settles(machine.step("chrony=1"))
    machine.serves(machine.packages("chrony=1", pool=old))
    new = [
        machine.deb("chrony", "2", scripts={"postinst": f"{KILL}; exit 7"}),
        machine.deb("fresh", "1", fields=["Depends: chrony"]),
    ]
    whole = machine.hands
    machine.hands = Cut(whole.places)
    with pytest.raises(Killed):
        machine.converge(machine.step("chrony=2", "fresh=1", pool=new))
    machine.hands = whole
    assert "chrony is 1, fresh is not there again" in machine.fails(machine.step("chrony=2", "fresh=1", pool=new))
    machine.settles(machine.step("chrony=1", pool=old))
    assert machine.has == {"chrony": "1"}
