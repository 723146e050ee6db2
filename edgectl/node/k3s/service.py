"""Step: the k3s that runs was started with what is declared.

The unit's drop-in writes the digests of everything k3s reads at start to /run/edgectl/k3s.started before each start,
so a needed restart is a fact that the next probe sees, whoever was killed in between.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.node.io.programs import Ran
from edgectl.wire.payload import K3s

_RESTARTS_ARE_A_LOOP = 3


@dataclass(frozen=True)
class Service:
    """k3s.service or k3s-agent.service."""

    k3s: K3s
    id: str = "k3s"
    title: str = "k3s"
    needs: tuple[str, ...] = ("k3s-binary", "k3s-files")
    wait: Wait = Wait(limit_seconds=300)

    def probe(self, read: Look) -> Observation:
        """Compare what the running k3s was started with, and what systemd says."""
        unit = read.unit(self.k3s.unit)
        if unit.get("LoadState") != "loaded":
            return Observation(Status.DRIFTED, f"{self.k3s.unit} is not known to systemd")
        if unit.get("NeedDaemonReload") == "yes":
            return Observation(Status.DRIFTED, f"systemd has not read the new {self.k3s.unit}")
        if unit.get("UnitFileState") != "enabled":
            return Observation(Status.DRIFTED, f"{self.k3s.unit} does not start at boot")
        active = unit.get("ActiveState", "")
        if unit.get("Job", "0") not in {"", "0"} and unit.get("SubState") not in {"auto-restart", "start"}:
            return Observation(Status.IN_PROGRESS, "k3s is about to start")
        if unit.get("SubState") in {"start-pre", "stop", "stop-sigterm", "final-sigterm"}:
            return Observation(Status.IN_PROGRESS, "k3s is about to start")
        started = read.text(read.places.k3s_started)
        differences = compare(started or "", self.declared())
        if active in {"active", "activating", "reloading"} and differences:
            return Observation(Status.DRIFTED, "k3s runs with something else than declared", differences=differences)
        if active == "active":
            return Observation(Status.CURRENT, f"{self.k3s.version} runs")
        if active == "activating":
            return self._starting(read, unit)
        return Observation(Status.DRIFTED, f"{self.k3s.unit} is {active}")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Let systemd read the unit, enable it, restart it where needed. Does not wait: the probe does."""
        del seen
        unit = write.unit(self.k3s.unit)
        as_declared = (
            unit.get("ActiveState") == "active"
            and unit.get("NeedDaemonReload") != "yes"
            and not compare(write.text(write.places.k3s_started) or "", self.declared())
        )
        if not as_declared:  # without its record, k3s still needs its restart for whoever looks after a kill in here
            write.remove(write.places.k3s_started)
        if unit.get("NeedDaemonReload") == "yes" or unit.get("LoadState") != "loaded":
            _must(write.change("systemctl", "daemon-reload", limit_seconds=60), "systemd did not read its units again")
        if unit.get("UnitFileState") != "enabled":
            _must(write.change("systemctl", "enable", self.k3s.unit, limit_seconds=60), "k3s could not be enabled")
        if as_declared:
            return
        restarted = write.change("systemctl", "restart", "--no-block", self.k3s.unit, limit_seconds=60)
        _must(restarted, "k3s could not be restarted")

    def declared(self) -> dict[str, str]:
        """Return path -> hex digest of everything k3s reads when it starts."""
        read_at_start = [file for file in self.k3s.files if not file.path.startswith("/etc/systemd/")]
        digests = {file.path: hashlib.sha256(file.text.encode()).hexdigest() for file in read_at_start}
        digests["/usr/local/bin/k3s"] = self.k3s.binary.removeprefix("sha256:")
        return digests

    def _starting(self, read: Look, unit: dict[str, str]) -> Observation:
        if unit.get("SubState") != "auto-restart":
            return Observation(Status.IN_PROGRESS, "k3s starts")
        log = read.run("journalctl", "-u", self.k3s.unit, "-n", "15", "--no-pager", "-o", "cat")
        words = next((line for line in reversed(log.out.splitlines()) if "level=fatal" in line), log.last_words)
        restarts = int(unit.get("NRestarts", "0") or 0)
        status = Status.FAILED if restarts >= _RESTARTS_ARE_A_LOOP else Status.IN_PROGRESS
        return Observation(status, f"k3s ends as soon as it starts: {words[-300:]}", evidence=log.evidence())


def compare(record: str, declared: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    """Compare sha256sum's lines with the declaration; returns (path, have, want) per difference."""
    have = {}
    for line in record.splitlines():
        digest, _, path = line.partition(" ")
        have[path.strip().lstrip("*")] = digest
    paths = sorted(set(have) | set(declared))
    return tuple(
        (path, have.get(path, "")[:12] or "none", declared.get(path, "")[:12] or "none")
        for path in paths
        if have.get(path) != declared.get(path)
    )


def _must(ran: Ran, reason: str) -> None:
    if not ran.ok:
        raise ApplyFailed(f"{reason}: {ran.last_words}", evidence=ran.evidence())
