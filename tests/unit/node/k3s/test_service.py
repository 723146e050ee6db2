"""The k3s unit, judged on what systemd really says while k3s starts, fails and stops (Debian 12, systemd 252)."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status
from edgectl.node.io.programs import Ran
from edgectl.node.k3s.service import Service, compare
from edgectl.wire.payload import K3s, ManagedFile
from tests.unit.node.fake import FakeNode, ran

CONFIG = ManagedFile("/etc/rancher/k3s/config.yaml", "node-name: node-1\n", "0600")
UNIT = ManagedFile("/etc/systemd/system/k3s.service", "[Service]\n")
BINARY = "sha256:" + "b" * 64
STEP = Service(K3s("v1.36.3+k3s1", BINARY, "k3s.service", (CONFIG, UNIT), ()))
RECORD = f"{hashlib.sha256(CONFIG.text.encode()).hexdigest()}  {CONFIG.path}\n{'b' * 64}  /usr/local/bin/k3s\n"

# systemctl show, as captured over a start, a stop and a crash loop
RUNNING = "LoadState=loaded ActiveState=active SubState=running MainPID=827 NRestarts=0 Result=success Job="
STOPPING = "LoadState=loaded ActiveState=deactivating SubState=stop-sigterm MainPID=827 NRestarts=0 Job=346"
START_PRE = "LoadState=loaded ActiveState=activating SubState=start-pre MainPID=0 NRestarts=0 Job=72"
START = "LoadState=loaded ActiveState=activating SubState=start MainPID=142 NRestarts=0 Job=72"
RESTART = "LoadState=loaded ActiveState=activating SubState=auto-restart MainPID=0 NRestarts=0 Result=exit-code Job="
RESTART_QUEUED = "LoadState=loaded ActiveState=activating SubState=auto-restart MainPID=0 NRestarts=1 Job=324"
RESTARTS = "LoadState=loaded ActiveState=activating SubState=auto-restart MainPID=0 NRestarts=3 Job="
QUEUED = "LoadState=loaded ActiveState=inactive SubState=dead MainPID=0 NRestarts=0 Job=12"
STOPPED = "LoadState=loaded ActiveState=inactive SubState=dead MainPID=0 NRestarts=0 Job="
FAILED = "LoadState=loaded ActiveState=failed SubState=failed MainPID=0 NRestarts=0 Job="


def shown(text: str, **more: str) -> dict[str, str]:
    """Return properties as the step reads them."""
    return {"UnitFileState": "enabled", "NeedDaemonReload": "no", **dict(w.split("=", 1) for w in text.split()), **more}


def look(node: FakeNode, unit: dict[str, str], record: str | None = RECORD) -> Observation:
    """Probe with this unit and this record of the running k3s."""
    node.units["k3s.service"] = unit
    if record is not None:
        node.write(node.places.k3s_started, record)
    return STEP.probe(node)


@pytest.mark.parametrize(
    ("unit", "status", "says"),
    [
        (RUNNING, Status.CURRENT, "v1.36.3+k3s1 runs"),
        (STOPPING, Status.IN_PROGRESS, "about to start"),
        (START_PRE, Status.IN_PROGRESS, "about to start"),
        (START, Status.IN_PROGRESS, "k3s starts"),
        (QUEUED, Status.IN_PROGRESS, "about to start"),
        (RESTART, Status.IN_PROGRESS, "ends as soon as it starts"),
        (RESTART_QUEUED, Status.IN_PROGRESS, "ends as soon as it starts"),
        (RESTARTS, Status.FAILED, "ends as soon as it starts"),
        (STOPPED, Status.DRIFTED, "k3s.service is inactive"),
        (FAILED, Status.DRIFTED, "k3s.service is failed"),
    ],
)
def test_each_state_of_the_unit(node: FakeNode, unit: str, status: Status, says: str) -> None:
    """Starting is not yet, stopped is drift, and a third restart in a row is never."""
    seen = look(node, shown(unit))
    assert (seen.status, says in seen.reason) == (status, True), seen


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"LoadState": "not-found"}, "not known to systemd"),
        ({"NeedDaemonReload": "yes"}, "has not read the new"),
        ({"UnitFileState": "disabled"}, "does not start at boot"),
    ],
)
def test_what_only_a_reload_or_enable_repairs_is_drift(node: FakeNode, more: dict[str, str], says: str) -> None:
    """Also while k3s runs: the next boot counts as much as this one."""
    seen = look(node, shown(RUNNING, **more))
    assert (seen.status, says in seen.reason) == (Status.DRIFTED, True)


@pytest.mark.parametrize("unit", [RUNNING, START])
@pytest.mark.parametrize("record", [None, "", RECORD.replace("b" * 64, "c" * 64), "torn", RECORD.splitlines()[0]])
def test_a_needed_restart_is_a_fact(node: FakeNode, unit: str, record: str | None) -> None:
    """k3s that was started with something else is drift, whoever was killed between the write and the restart."""
    seen = look(node, shown(unit), record)
    assert seen.status is Status.DRIFTED
    assert seen.differences


def test_a_record_that_is_written_now_is_not_judged(node: FakeNode) -> None:
    """While start-pre runs the old record still lies there: it says nothing about the k3s that is about to start."""
    assert look(node, shown(START_PRE), "old  /usr/local/bin/k3s\n").status is Status.IN_PROGRESS


def test_the_words_of_k3s_are_the_reason(node: FakeNode) -> None:
    """A k3s that ends at once is explained by its own fatal line, and the log is the evidence."""
    log = 'time="x" level=fatal msg="bad flag"\nk3s.service: Failed with result exit-code.\n'
    node.on_run = lambda *_: ran(log)
    seen = look(node, shown(RESTARTS))
    assert "bad flag" in seen.reason
    assert any("bad flag" in line for line in seen.evidence)


def test_units_are_no_part_of_the_record() -> None:
    """k3s does not read its unit: systemd does, and NeedDaemonReload tells of a change there."""
    assert set(STEP.declared()) == {CONFIG.path, "/usr/local/bin/k3s"}


@pytest.mark.parametrize(
    ("unit", "programs"),
    [
        (shown(STOPPED), ["restart"]),
        (shown(RUNNING, NeedDaemonReload="yes"), ["daemon-reload", "restart"]),
        (shown(STOPPED, LoadState="not-found", UnitFileState=""), ["daemon-reload", "enable", "restart"]),
        (shown(RUNNING, UnitFileState="disabled"), ["enable"]),
    ],
)
def test_apply_does_only_what_is_needed(node: FakeNode, unit: dict[str, str], programs: list[str]) -> None:
    """No daemon-reload, enable or restart without a reason for it; the restart does not wait."""
    seen = look(node, unit)
    STEP.apply(node, seen)
    assert [argv[1] for argv in node.changes] == programs
    assert all("--no-block" in argv for argv in node.changes if argv[1] == "restart")


@pytest.mark.parametrize("survives", [0, 1, 2])
def test_a_kill_in_apply_leaves_a_fact(node: FakeNode, survives: int) -> None:
    """Killed after any of its programs, the next probe still sees that k3s must be restarted."""

    class Killed(BaseException):
        pass

    def die_later(*argv: str) -> Ran:
        if len(node.changes) > survives:
            raise Killed
        if argv[1] == "daemon-reload":
            node.units["k3s.service"] = shown(RUNNING)
        return ran()

    node.on_change = die_later
    seen = look(node, shown(RUNNING, NeedDaemonReload="yes"))
    with suppress(Killed):
        STEP.apply(node, seen)
    if survives < 2:
        assert STEP.probe(node).status is Status.DRIFTED


def test_an_apply_that_fails_says_what_systemd_said(node: FakeNode) -> None:
    """The command and its words are the evidence."""
    node.units["k3s.service"] = shown(STOPPED)
    node.on_change = lambda *argv: ran(code=1, err="Unit k3s.service is masked.", argv=argv)
    with pytest.raises(ApplyFailed, match="masked") as caught:
        STEP.apply(node, Observation(Status.DRIFTED, ""))
    assert caught.value.evidence


def test_compare_names_what_differs() -> None:
    """Missing, extra and changed paths, each with both sides."""
    found = compare("aa  /a\ncc *c d\n", {"/a": "aa", "/b": "bb", "c d": "xx"})
    assert found == (("/b", "none", "bb"), ("c d", "cc", "xx"))
    assert compare("aa  /a\n", {"/a": "aa"}) == ()
