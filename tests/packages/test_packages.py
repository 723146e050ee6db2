"""Packages on a machine with real dpkg and apt: exactly as declared, by our source alone, and no more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from edgectl.node.converge.protocol import LookFailed, Status
from edgectl.node.host.packages.installed import look
from edgectl.node.io import programs
from tests.packages.machine import Machine


def test_what_is_declared_is_installed_with_what_it_needs(machine: Machine) -> None:
    """The exact version, epochs and all; dependencies come from the pool; once more changes nothing."""
    machine.deb("chrony", "1:4.3+git~2-2", fields=["Depends: libfoo1 (>= 2)", "Recommends: mail"])
    machine.deb("chrony", "1:4.9-1", fields=["Depends: libfoo1 (>= 2)"])
    machine.deb("libfoo1", "2.1")
    machine.deb("mail", "1")
    step = machine.step("chrony=1:4.3+git~2-2")
    seen = machine.look(step)
    assert (seen.status, seen.differences) == (Status.DRIFTED, (("chrony", "missing", "1:4.3+git~2-2"),))
    machine.settles(step)
    assert machine.has == {"chrony": "1:4.3+git~2-2", "libfoo1": "2.1"}, "no recommended mail"


def test_nothing_declared_starts_no_program(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it leave a trace: a store that declares no packages pays nothing."""
    monkeypatch.setattr(programs, "run", None)
    assert machine.look(machine.step()).status is Status.CURRENT
    assert not machine.hands.places.apt.exists()


def test_a_look_at_many_is_one_program(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is as declared is read from nothing else: no source is made, no file of the bundle is opened."""
    for number in range(12):
        machine.deb(f"tool-{number}", "1")
    step = machine.step(*(f"tool-{number}=1" for number in range(12)))
    machine.settles(step)
    started: list[str] = []
    real = programs.run

    def run(argv: Sequence[str], **how: Any) -> programs.Ran:
        started.append(argv[0])
        return real(argv, **how)

    monkeypatch.setattr(programs, "run", run)
    assert machine.look(step).status is Status.CURRENT
    assert started == ["dpkg-query"]


def test_a_package_removed_or_upgraded_by_hand_is_put_right(machine: Machine) -> None:
    """Removed by hand, and replaced by what an unattended upgrade has brought: drift, and back again."""
    machine.deb("chrony", "1")
    machine.deb("chrony", "2")
    step = machine.step("chrony=1")
    machine.settles(step)
    machine.by_hand("--remove", "chrony")
    assert machine.look(step).differences == (("chrony", "missing", "1"),)
    machine.settles(step)
    machine.by_hand("-i", "chrony=2")
    assert machine.look(step).differences == (("chrony", "2", "1"),)
    machine.settles(step)
    assert machine.has == {"chrony": "1"}


def test_only_what_we_have_installed_is_removed(machine: Machine) -> None:
    """What was there before us stays, in whatever version; what others need stays; dependencies stay, too."""
    for name in ("ours", "theirs", "shared"):
        machine.deb(name, "1", fields=["Depends: libfoo1"] if name == "ours" else [])
    machine.deb("theirs", "2")
    machine.deb("libfoo1", "1")
    machine.deb("friend", "1", fields=["Depends: shared"])
    machine.by_hand("-i", "theirs=1")
    machine.settles(machine.step("ours=1", "theirs=2", "shared=1"))
    machine.by_hand("-i", "friend=1")
    step = machine.step()
    assert machine.look(step).differences == (("ours", "1", "removed"), ("shared", "1", "removed"))
    machine.settles(step)
    assert machine.has == {"theirs": "2", "shared": "1", "friend": "1", "libfoo1": "1"}


def test_a_hold_is_declared_and_ends_with_its_declaration(machine: Machine) -> None:
    """It is set, set again when a person has taken it off, and let go of; a person's own hold is left alone."""
    machine.deb("driver", "1")
    machine.deb("driver", "2")
    machine.deb("other", "1")
    machine.by_hand("-i", "other=1")
    machine.settles(machine.step("driver=1!"))
    assert machine.system.packages["driver"].want == "hold"
    machine.hands.change("dpkg", f"--root={machine.root}", "--set-selections", limit_seconds=9, stdin=b"driver install")
    assert machine.look(machine.step("driver=1!")).differences == (("driver hold", "not held", "held"),)
    machine.settles(machine.step("driver=1!"))
    machine.settles(machine.step("driver=2!"))
    assert (machine.has["driver"], machine.system.packages["driver"].want) == ("2", "hold")
    machine.hands.change("dpkg", f"--root={machine.root}", "--set-selections", limit_seconds=9, stdin=b"other hold")
    machine.settles(machine.step("driver=2", "other=1"))
    assert {name: one.want for name, one in machine.system.packages.items()} == {"driver": "install", "other": "hold"}


def test_a_hold_alone_of_what_was_there_ends_without_removing_it(machine: Machine) -> None:
    """It was the system's, and is again."""
    machine.deb("bash", "1")
    machine.by_hand("-i", "bash=1")
    machine.settles(machine.step("bash=1!"))
    step = machine.step()
    assert machine.look(step).differences == (("bash hold", "held", "not held"),)
    machine.settles(step)
    assert (machine.has, machine.system.packages["bash"].want) == ({"bash": "1"}, "install")


def test_a_dependency_that_the_bundle_lacks_is_named_before_anything_changes(machine: Machine) -> None:
    """With the package that needs it."""
    machine.deb("chrony", "1", fields=["Depends: libgone1 (>= 3)"])
    machine.deb("fine", "1")
    why = machine.fails(machine.step("fine=1", "chrony=1"))
    assert "chrony needs libgone1 (>= 3), but it is not installable" in why
    assert "add it to the bundle" in why
    assert machine.has == {}


def test_a_version_that_is_not_in_the_pool_is_named_by_a_look(machine: Machine) -> None:
    """With what there is instead; and so is a file for another machine."""
    machine.deb("chrony", "2")
    seen = machine.look(machine.step("chrony=1"))
    assert seen.status is Status.FAILED
    assert "the bundle has no chrony 1 (it has 2)" in seen.reason
    machine.deb("chrony", "3", arch="s390x")
    assert "chrony 3 of the bundle is for s390x, this node is" in machine.look(machine.step("chrony=3")).reason
    assert "has none of that name" in machine.look(machine.step("nothing=1")).reason


def test_a_script_that_fails_is_named_and_the_versions_before_are_back(machine: Machine) -> None:
    """With its last words; those whose files a kept slot declares are back, and what came new is gone."""
    old = [machine.deb("chrony", "1", fields=["Depends: libfoo1"]), machine.deb("libfoo1", "1")]
    machine.settles(machine.step("chrony=1"))
    machine.serves(machine.packages("chrony=1", pool=old))
    say = "echo configuring; echo cannot reach the moon >&2; exit 3"
    new = [
        machine.deb("chrony", "2", fields=["Depends: libfoo1 (>= 2), extra"], scripts={"postinst": say}),
        machine.deb("libfoo1", "2"),
        machine.deb("extra", "1"),
    ]
    why = machine.fails(machine.step("chrony=2", pool=new))
    assert "chrony: its post-installation script" in why
    assert "exit status 3" in why
    assert '"cannot reach the moon"' in why
    assert machine.has == {"chrony": "1", "libfoo1": "1"}
    for words in ("chrony is 1", "libfoo1 is 1", "extra is not there"):
        assert words in why
    machine.settles(machine.step("chrony=1", pool=old))


def test_what_cannot_be_put_back_is_named(machine: Machine) -> None:
    """No file of the version before is here: the system's own installer has brought it."""
    old = machine.deb("chrony", "1")
    machine.by_hand("-i", "chrony=1")
    machine.pool.remove(old)
    machine.deb("chrony", "2", scripts={"postinst": "exit 3"})
    machine.deb("beside", "1")
    why = machine.fails(machine.step("chrony=2", "beside=1"))
    assert "could not be put back: chrony (1 before)" in why
    assert "beside" not in machine.has
    seen = machine.look(machine.step("chrony=2", "beside=1"))
    assert ("chrony", "half-configured", "installed") in seen.differences


def test_dpkg_left_half_way_by_a_power_cut_is_brought_to_its_end(machine: Machine) -> None:
    """Unpacked and not configured, interrupted with its journal in place: the next run goes on."""
    machine.deb("chrony", "1")
    machine.by_hand("--unpack", "chrony=1")
    step = machine.step("chrony=1")
    assert machine.look(step).differences == (("chrony", "unpacked", "installed"),)
    machine.settles(step)
    (machine.root / "var/lib/dpkg/updates/0001").write_text(
        "Package: chrony\nStatus: install reinstreq half-installed\nVersion: 1\nArchitecture: all\n"
        "Maintainer: x <x@example.org>\nDescription: x\n"
    )
    seen = machine.look(step)
    assert ("dpkg", "interrupted", "whole") in seen.differences
    assert ("chrony", "half-installed, reinstreq", "installed") in seen.differences
    machine.settles(step)


def test_a_database_that_dpkg_cannot_read_is_not_taken_for_an_empty_one(machine: Machine) -> None:
    """Could not look, and where the day before lies."""
    (machine.root / "var/lib/dpkg/status").write_text("Package: chrony\nStatus: install ok what\n")
    with pytest.raises(LookFailed, match=r"dpkg cannot read its own database.*/var/backups/dpkg\.status\.0"):
        look(machine.hands)


def test_a_strangers_package_goes_only_for_what_takes_its_place(machine: Machine) -> None:
    """As its own fields say (chrony and systemd-timesyncd); one in the way stops it, but for --take-over."""
    machine.deb("timesyncd", "1", fields=["Provides: time-daemon", "Conflicts: time-daemon", "Replaces: time-daemon"])
    machine.deb("chrony", "1", fields=["Provides: time-daemon", "Conflicts: time-daemon", "Replaces: time-daemon"])
    machine.deb("rival", "1")
    machine.deb("tool", "1", fields=["Conflicts: rival"])
    machine.by_hand("-i", "timesyncd=1", "rival=1")
    machine.settles(machine.step("chrony=1"))
    assert machine.has == {"chrony": "1", "rival": "1"}
    why = machine.fails(machine.step("chrony=1", "tool=1"))
    assert "apt would take away what edgectl has not installed (rival 1)" in why
    assert "--take-over" in why
    assert machine.has == {"chrony": "1", "rival": "1"}
    step = machine.step("chrony=1", "tool=1")
    machine.settles(type(step)(step.packages, take_over=True))
    assert machine.has == {"chrony": "1", "tool": "1"}


def test_a_strangers_broken_package_stops_nothing(machine: Machine) -> None:
    """It is not ours to judge; ours come, and it stays as it is."""
    machine.deb("theirs", "1", scripts={"postinst": "exit 1"})
    machine.deb("chrony", "1")
    machine.by_hand("-i", "theirs=1", fails=True)
    machine.settles(machine.step("chrony=1"))
    assert machine.system.packages["theirs"].state == "half-configured"


def test_a_file_that_is_no_package_is_named(machine: Machine) -> None:
    """Its digest may be right, and what was bundled wrong."""
    deb = machine.deb("chrony", "1")
    machine.hands.places.blob(deb.blob).write_bytes(b"no deb")
    assert "chrony_1_all.deb" in machine.fails(machine.step("chrony=1"))
    other = machine.deb("other", "1")
    pool = [type(other)("other", "2", "all", other.blob)]
    assert "other_2_all.deb of the bundle calls itself other 1 all" in machine.fails(machine.step("other=2", pool=pool))


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_disk_that_takes_nothing_is_found_before_dpkg_begins(
    machine: Machine, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where, how much is free and needed, and what to do."""
    machine.deb("chrony", "1")
    if fault == "full":
        monkeypatch.setattr(machine.hands, "free_bytes", lambda _: 5_000_000)
        want = r"/usr has 5 MB free, the packages need 67 MB: make room"
    else:
        monkeypatch.setattr(machine.hands, "is_read_only", lambda _: True)
        want = "/usr is mounted read-only, nothing can be installed"
    why = machine.fails(machine.step("chrony=1"))
    assert want in why
    assert machine.has == {}


@contextmanager
def held(machine: Machine) -> Iterator[int]:
    """Let another process hold dpkg's lock."""
    program = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(machine.root / "var/lib/dpkg/lock-frontend")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()
    try:
        yield child.pid
    finally:
        child.kill()
        child.communicate()


def test_who_holds_dpkgs_lock_is_named_and_waited_for(machine: Machine) -> None:
    """Not yet, with pid and command; at the end of the wait the machine's failure; with the lock free, it goes."""
    machine.deb("chrony", "1")
    step = machine.step("chrony=1")
    with held(machine) as pid:
        seen = machine.look(step)
        assert seen.status is Status.IN_PROGRESS
        assert f"dpkg is held by pid {pid}: " in seen.reason
        assert "import fcntl" in seen.reason
        (found,) = machine.converge(step).steps
        assert (found.status, found.is_gate) == ("failed", True)
        assert "(waited 120 s)" in found.reason
    machine.settles(step)
    with held(machine):
        (machine.root / "var/lib/dpkg/updates/0001").touch()
        assert machine.look(step).status is Status.CURRENT, "dpkg is at work, not interrupted"
