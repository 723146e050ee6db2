"""Units of the system: as declared, running with what lies in their files, and put back when declared no more."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status
from edgectl.node.host.files import Files
from edgectl.node.host.readers import Readers, readers_of
from edgectl.node.host.services import Services
from edgectl.wire.host import DISABLED, ENABLED, MASKED, Service
from edgectl.wire.payload import ManagedFile
from tests.unit.node.fake import FakeNode, ran
from tests.unit.node.faults import Disk, Killed, sweep
from tests.unit.node.host.systemd import One, Systemd

CHRONY = "chrony.service"
CONF = "/etc/chrony/sources.d/edgectl.sources"
UNIT = "/etc/systemd/system/till.service"
DROP_IN = "/etc/systemd/system/till.service.d/10-memory.conf"


def converge(node: FakeNode, services: tuple[Service, ...], files: tuple[ManagedFile, ...] = ()) -> list[str]:
    """Bring the node there, files first, as the recipe does; returns what was applied."""
    applied = []
    for step in (Files("host-files", "host files", files, readers=readers_of(services)), Services(services)):
        seen = step.probe(node)
        if seen.status is Status.DRIFTED:
            step.apply(node, seen)
            applied.append(step.id)
            seen = step.probe(node)
        assert seen.status is Status.CURRENT, seen
    return applied


def look(node: FakeNode, *services: Service) -> Observation:
    """Look at services."""
    return Services(services).probe(node)


@pytest.mark.parametrize(
    ("before", "state", "after"),
    [
        (One(), ENABLED, (True, False, "active")),
        (One(enabled=True), ENABLED, (True, False, "active")),
        (One(enabled=True, active="failed"), ENABLED, (True, False, "active")),
        (One(masked=True), ENABLED, (True, False, "active")),
        (One(static=True), ENABLED, (False, False, "active")),
        (One(enabled=True, active="active"), DISABLED, (False, False, "inactive")),
        (One(static=True, active="active"), DISABLED, (False, False, "inactive")),
        (One(masked=True), DISABLED, (False, True, "inactive")),
        (One(enabled=True, active="active"), MASKED, (True, True, "inactive")),
    ],
)
def test_a_unit_becomes_as_declared_and_as_before(
    node: FakeNode, before: One, state: str, after: tuple[bool, bool, str]
) -> None:
    """Law: declared, it is so, and a second look changes nothing; declared no more, it is as it was before us."""
    was = (before.enabled, before.masked, before.active)
    system = Systemd(node, {CHRONY: before})
    declared = (Service(CHRONY, state),)
    converge(node, declared)
    unit = system.units[CHRONY]
    assert (unit.enabled, unit.masked, unit.active) == after
    assert system.reloads <= 1
    done, asked = len(node.changes), system.asked
    assert converge(node, declared) == []
    assert (len(node.changes), system.asked) == (done, asked + 1), "a no-op runs one program, which only looks"
    converge(node, ())
    if before.masked:
        assert (unit.masked, unit.active) == was[1:]  # what else is linked under a mask, nobody sees
    elif not (was[0] and state == ENABLED):  # one that started at boot already, and did not run, may run
        assert (unit.enabled, unit.masked, unit.active) == was
    asked = system.asked
    assert converge(node, ()) == []
    assert system.asked == asked, "where nothing is declared or remembered, nobody is asked"


def test_all_are_asked_at_once_and_reloaded_once(node: FakeNode) -> None:
    """Law: however many there are, one program looks and one reloads."""
    units = {f"one-{index}.service": One(enabled=True, active="active") for index in range(5)}
    system = Systemd(node, units)
    declared = tuple(Service(name, MASKED if index % 2 else DISABLED) for index, name in enumerate(units))
    converge(node, declared)
    assert (system.reloads, system.asked) == (1, 4)  # probe, apply and behind its reload, probe
    assert [argv[1] for argv in node.changes] == ["stop", "disable", "mask", "daemon-reload"]


def test_a_unit_that_is_not_there_is_named(node: FakeNode) -> None:
    """Never, with what to do; to be off is no wish that it must be there for, and masked it stays off."""
    Systemd(node)
    seen = look(node, Service(CHRONY, ENABLED))
    assert (seen.status, "this node has no unit chrony.service: put the package" in seen.reason) == (
        Status.FAILED,
        True,
    )
    assert look(node, Service(CHRONY, DISABLED)).status is Status.CURRENT
    converge(node, (Service(CHRONY, MASKED),))
    converge(node, ())
    assert look(node, Service(CHRONY, DISABLED)).status is Status.CURRENT


def test_one_that_is_not_there_does_not_hold_up_the_others(node: FakeNode) -> None:
    """What can be repaired is; then the rest is named."""
    system = Systemd(node, {"ssh.service": One()})
    step = Services((Service(CHRONY, ENABLED), Service("ssh.service", ENABLED)))
    seen = step.probe(node)
    assert seen.status is Status.DRIFTED
    step.apply(node, seen)
    assert system.units["ssh.service"].active == "active"
    assert step.probe(node).status is Status.FAILED


def test_a_unit_that_does_not_start_is_a_failed_apply(node: FakeNode) -> None:
    """With systemd's words, and the unit's own."""
    Systemd(node, {CHRONY: One(reads=(CONF,), broken="wrong")})
    node.write(node.places.root / CONF.lstrip("/"), "wrong")
    step = Services((Service(CHRONY, ENABLED),))
    with pytest.raises(ApplyFailed, match=r"systemctl start chrony.*: Job for .* failed") as caught:
        step.apply(node, step.probe(node))
    assert any("it cannot start with that" in line for line in caught.value.evidence)


def test_a_condition_that_is_not_met_is_said(node: FakeNode) -> None:
    """Systemd calls such a start well; the node still lacks the unit."""
    Systemd(node, {CHRONY: One(enabled=True, unmet=True)})
    step = Services((Service(CHRONY, ENABLED),))
    step.apply(node, step.probe(node))
    seen = step.probe(node)
    assert seen.status is Status.DRIFTED
    assert "a condition of its unit is not met" in seen.differences[0][1]


@pytest.mark.parametrize("static", [False, True])
def test_one_that_has_done_its_work_is_not_done_again(node: FakeNode, static: bool) -> None:  # noqa: FBT001 - a table's column
    """Law: a oneshot is run when it becomes enabled, a static one when it is first declared; then never by us.

    Seeded: a static one that is taken for done, and one that is judged by what systemd has forgotten.
    """
    system = Systemd(node, {"once.service": One(type="oneshot", static=static)})
    declared = (Service("once.service", ENABLED),)
    converge(node, declared)
    assert system.units["once.service"].starts == 1
    assert converge(node, declared) == []


def test_one_that_has_done_its_work_does_not_pay_for_others(node: FakeNode) -> None:
    """Law: it is not run again while another unit cannot start. Seeded: a start that is owed until all have started."""
    system = Systemd(node, {"bad.service": One(reads=(CONF,), broken="wrong"), "a.service": One(type="oneshot")})
    node.write(node.places.root / CONF.lstrip("/"), "wrong")
    for _ in range(2):
        with pytest.raises(ApplyFailed, match=r"systemctl start a\.service bad\.service|start bad\.service"):
            converge(node, (Service("a.service", ENABLED), Service("bad.service", ENABLED)))
    assert system.units["a.service"].starts == 1


def test_killed_anywhere_a_oneshot_is_run(tmp_path: Path) -> None:
    """Law: whatever fails or dies between its enabling and its start, it is run. Seeded: no record of what is owed."""
    names = ("once.service", "static.service", "masked.service")

    def attempt(disk: Disk, number: int) -> bool:
        node = FakeNode(tmp_path / f"{number}-{disk.kills}")
        kinds = (One(type="oneshot"), One(type="oneshot", static=True), One(type="oneshot", enabled=True, masked=True))
        system = Systemd(node, dict(zip(names, kinds, strict=True)), event=lambda what: disk.step("program", what))
        declared = tuple(Service(name, ENABLED) for name in names)
        with disk.armed(), suppress(OSError, Killed, ApplyFailed):
            converge(node, declared)
        system.event = lambda _: None
        converge(node, declared)
        assert all(unit.starts for unit in system.units.values()), disk.hit
        assert converge(node, declared) == []
        return disk.reached

    assert sweep(attempt) > 20


def test_systemd_that_says_nothing_is_no_look(node: FakeNode) -> None:
    """Never fine."""
    node.on_run = lambda *argv: ran(code=1, err="Failed to connect to bus", argv=argv)
    with pytest.raises(LookFailed, match="systemd tells about 0 of 1 units: Failed to connect to bus"):
        look(node, Service(CHRONY, ENABLED))


@pytest.mark.parametrize("state", [ENABLED, ""])
def test_what_reads_a_changed_file_is_restarted_once(node: FakeNode, state: str) -> None:
    """Law: when a file comes, changes and goes; not when it stays; nothing that does not run is started for it."""
    system = Systemd(node, {CHRONY: One(enabled=True, active="active", reads=(CONF,))})
    unit, declared = system.units[CHRONY], (Service(CHRONY, state, (CONF,)),)
    for starts, files in enumerate(("server a\n", "server b\n"), start=1):
        file = (ManagedFile(CONF, files),)
        assert converge(node, declared, file) == ["host-files", "services"]
        assert converge(node, declared, file) == []
        assert (unit.starts, system.runs_with_what_lies_there()) == (starts, True)
    assert converge(node, ()) == ["host-files", "services"], "its reader is known though nobody declares it any more"
    assert (unit.starts, system.runs_with_what_lies_there()) == (3, True)
    unit.active = "inactive"
    converge(node, (Service(CHRONY, "", (CONF,)),), (ManagedFile(CONF, "server c\n"),))
    assert (unit.starts, unit.active) == (3, "inactive")


def test_a_reader_that_is_not_installed_is_nobodys_matter(node: FakeNode) -> None:
    """Both time services' files lie there, whichever of them the node has."""
    Systemd(node)
    converge(node, (Service(CHRONY, "", (CONF,)),), (ManagedFile(CONF, "server a\n"),))


def test_a_restart_that_fails_is_owed_until_it_works(node: FakeNode) -> None:
    """Law: the mark stays; what runs before comes back with its file, and its reader with it."""
    system = Systemd(node, {CHRONY: One(enabled=True, active="active", reads=(CONF,), broken="wrong")})
    declared = (Service(CHRONY, "", (CONF,)),)
    good, bad = (ManagedFile(CONF, "server a\n"),), (ManagedFile(CONF, "wrong"),)
    converge(node, declared, good)
    with pytest.raises(ApplyFailed, match="systemctl restart chrony"):
        converge(node, declared, bad)
    assert system.units[CHRONY].active == "failed"
    assert Readers(node).marked() == (CHRONY,)
    converge(node, declared, good)
    assert (system.units[CHRONY].active, Readers(node).marked()) == ("active", ())


def test_no_mark_outlives_a_boot(node: FakeNode) -> None:
    """Everything has started with the files as they are: nothing is restarted for them."""
    system = Systemd(node, {CHRONY: One(enabled=True, active="active", reads=(CONF,))})
    declared, file = (Service(CHRONY, "", (CONF,)),), (ManagedFile(CONF, "server a\n"),)
    step = Files("host-files", "host files", file, readers=readers_of(declared))
    step.apply(node, step.probe(node))
    assert Readers(node).marked() == (CHRONY,)
    assert node.places.unit_marks.is_relative_to(node.places.run), "tmpfs"
    (node.places.unit_marks / CHRONY).unlink()
    assert converge(node, declared, file) == []
    assert system.units[CHRONY].starts == 0


def test_a_unit_file_of_ours_is_read_once(node: FakeNode) -> None:
    """Law: a drop-in that comes, changes or goes costs one reload and one restart; a no-op none."""
    system = Systemd(node, {"till.service": One(enabled=True, active="active", reads=(DROP_IN,))})
    declared = (Service("till.service", ENABLED, (DROP_IN,)),)
    for reloads, text in enumerate(("MemoryMax=1G\n", "MemoryMax=2G\n"), start=1):
        file = (ManagedFile(DROP_IN, text),)
        converge(node, declared, file)
        assert converge(node, declared, file) == []
        assert (system.reloads, system.units["till.service"].starts) == (reloads, reloads)
    converge(node, (Service("till.service", ENABLED),))
    assert (system.reloads, system.units["till.service"].starts) == (3, 3)


def test_a_whole_unit_of_ours_comes_and_goes(node: FakeNode) -> None:
    """Law: written, enabled, started; declared no more, stopped and forgotten."""
    system = Systemd(node, {"till.service": One(packaged=False, reads=(UNIT,))})
    unit, declared = system.units["till.service"], (Service("till.service", ENABLED, (UNIT,)),)
    converge(node, declared, (ManagedFile(UNIT, "[Service]\n"),))
    assert (unit.enabled, unit.active) == (True, "active")
    converge(node, ())
    assert (unit.enabled, unit.active, unit.known) == (False, "inactive", None)


def test_a_unit_of_ours_that_cannot_start_goes_without_a_trace(node: FakeNode) -> None:
    """Law: the deploy fails; what ran before comes back, and no restart is owed of what is gone."""
    system = Systemd(node, {"till.service": One(packaged=False, reads=(UNIT,), broken="[Service]\n")})
    declared = (Service("till.service", ENABLED, (UNIT,)),)
    with pytest.raises(ApplyFailed, match="systemctl start till"):
        converge(node, declared, (ManagedFile(UNIT, "[Service]\n"),))
    with pytest.raises(ApplyFailed, match="systemctl restart till"):  # again: it is owed
        converge(node, declared, (ManagedFile(UNIT, "[Service]\n"),))
    assert converge(node, ()) == ["host-files", "services"]
    unit = system.units["till.service"]
    assert (unit.enabled, unit.active, unit.known, Readers(node).marked()) == (False, "inactive", None, ())


@pytest.mark.parametrize("last", [True, False], ids=["stays", "goes"])
def test_killed_anywhere_nothing_is_owed_in_the_end(tmp_path: Path, last: bool) -> None:  # noqa: FBT001 - a table's column
    """Law: at each write and around each program; the next run ends with all as declared, and as before when it goes.

    Seeded: a mark that comes after the file, one that goes before the restart, a record that comes after the change.
    """
    files = (ManagedFile(CONF, "server a\n"), ManagedFile(DROP_IN, "MemoryMax=1G\n"))
    declared = (
        Service(CHRONY, ENABLED, (CONF,)),
        Service("till.service", MASKED, (DROP_IN,)),
        Service("x.timer", ENABLED),
    )

    def attempt(disk: Disk, number: int) -> bool:
        node = FakeNode(tmp_path / f"{number}-{disk.kills}")
        units = {
            CHRONY: One(enabled=True, active="active", reads=(CONF,)),
            "till.service": One(enabled=True, active="active", reads=(DROP_IN,)),
            "x.timer": One(),
        }
        system = Systemd(node, units, event=lambda what: disk.step("program", what))
        with disk.armed(), suppress(OSError, Killed, ApplyFailed, AssertionError):
            converge(node, declared, files)
            if not last:
                converge(node, ())
        system.event = lambda _: None
        converge(node, declared if last else (), files if last else ())
        assert converge(node, declared if last else (), files if last else ()) == []
        assert system.runs_with_what_lies_there()
        assert (units["x.timer"].enabled, units["till.service"].masked) == (last, last)
        assert units["x.timer"].active == ("active" if last else "inactive")
        assert units[CHRONY].active == "active"
        assert units["till.service"].active == ("inactive" if last else "active")
        return disk.reached

    assert sweep(attempt) > 60
