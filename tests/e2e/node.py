"""A store's node seen from the inside, without network, link or edgectl: what is really there.

Owns: reading facts, changing things by hand, and the evidence of a failure. Must not know the operator.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgectl.sandbox.machine.command import Completed
from edgectl.sandbox.machine.store import SandboxStore
from edgectl.wire.errors import EdgectlError
from tests.e2e.operator import ROOT

NODE = "node-1"
JOURNAL = "/var/lib/edgectl/journal"
CONVERGE = "edgectl-converge.service"
MARKER = "/run/edgectl/gpu/ready"
INFERENCE = "app.kubernetes.io/name=inference"  # the label of its pods
REFERENCE = ROOT / "templates/models/tiny-detector/2/reference.json"
# Where edgectl and k3s keep what a plan could change; databases, logs and sockets change all the time by themselves.
_KEPT = (
    "/etc /opt /root /usr /var/lib/edgectl /var/spool /var/lib/rancher/k3s/agent/etc/kubelet.conf.d "
    "/var/lib/rancher/k3s/agent/images /var/lib/rancher/k3s/server/manifests"
)


@dataclass(frozen=True, slots=True)
class Steady:
    """What a deploy that changes nothing leaves as it is."""

    k3s_pid: str
    containers: tuple[str, ...]
    revisions: dict[str, int]
    generations: dict[str, int]
    reloads: int


class Node:
    """A node of a store; the first one, where it is not named."""

    def __init__(self, store: SandboxStore, name: str = NODE) -> None:
        self.store = store
        self.name = name

    def run(self, *argv: str, seconds: float = 60, check: bool = True, stdin: str = "") -> Completed:
        """Run a program as root."""
        return self.store.execute(self.name, argv, timeout_seconds=seconds, check=check, stdin=stdin)

    def sh(self, script: str, *, seconds: float = 60, check: bool = True) -> str:
        """Run a shell script as root; return its output without the last newline."""
        return self.run("sh", "-c", script, seconds=seconds, check=check).out.rstrip("\n")

    def kubectl(self, *words: str, seconds: float = 60) -> str:
        """Run kubectl by hand."""
        return self.run("/usr/local/bin/k3s", "kubectl", *words, seconds=seconds).out

    def objects(self, *words: str) -> list[dict[str, Any]]:
        """Return objects of the API: `objects("pods", "-n", "vision")`."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", *words, "-o", "json"))["items"]
        return found

    def revisions(self) -> dict[str, int]:
        """Return the newest Helm revision of each release, from Helm's own records."""
        newest: dict[str, int] = {}
        for secret in self.objects("secrets", "-A", "-l", "owner=helm"):
            labels = secret["metadata"]["labels"]
            newest[labels["name"]] = max(int(labels["version"]), newest.get(labels["name"], 0))
        return newest

    def steady(self) -> Steady:
        """Read what must not change."""
        pods = self.objects("pods", "-A")
        containers = [item["containerID"] for pod in pods for item in pod["status"].get("containerStatuses", [])]
        workloads = self.objects("deployments,daemonsets", "-A")
        return Steady(
            k3s_pid=self.sh("systemctl show -P MainPID k3s"),
            containers=tuple(sorted(containers)),
            revisions=self.revisions(),
            generations={item["metadata"]["name"]: item["metadata"]["generation"] for item in workloads},
            reloads=int(self.sh("journalctl -q -o cat _PID=1 | grep -c '^Reloading' || true")),
        )

    def inference(self) -> dict[str, Any]:
        """Return the live Deployment of the inference service."""
        found: dict[str, Any] = json.loads(self.kubectl("get", "deployment", "inference", "-n", "vision", "-o", "json"))
        return found

    def answers(self) -> str:
        """Ask inference the known question as a client in the store would; "" when it answers right, else why not."""
        known = json.loads(REFERENCE.read_text())
        url = f"http://{self.address('inference')}:8000/v2/models/tiny-detector/infer"
        asked = self.run(
            "curl", "-sS", "-m", "5", "--data-binary", "@-", url, check=False, stdin=json.dumps(known["request"])
        )
        if asked.code:
            return asked.err.strip()
        try:
            have = json.loads(asked.out)["outputs"][0]["data"]
        except (ValueError, KeyError):
            return asked.out[:300]
        off = max(abs(one - other) for one, other in zip(have, known["answer"], strict=True))
        return "" if off <= 1e-4 else f"the answer is off by {off}"

    def ops(self, service: str) -> dict[str, Any]:
        """Return what a service of the stack says of itself."""
        found: dict[str, Any] = json.loads(self.sh(f"curl -sS -m 5 http://{self.address(service)}:9100/status"))
        return found

    def address(self, service: str) -> str:
        """Return the address of a Service of the stack."""
        return self.kubectl("get", "service", service, "-n", "vision", "-o", "jsonpath={.spec.clusterIP}")

    def runs(self) -> list[str]:
        """Return the journal's files of the engine's runs, oldest first; the watchdog's deeds and looks are none."""
        return [run for run in self._journal() if "-watchdog-" not in run and "-chain-" not in run]

    def chain(self) -> tuple[str, str, str]:
        """Return the Node's condition of the chain, which the watchdog writes: status, reason, message."""
        conditions = json.loads(self.kubectl("get", "node", NODE, "-o", "json"))["status"]["conditions"]
        found: dict[str, str] = next((one for one in conditions if one["type"] == "edgectl.dev/ChainReady"), {})
        return found.get("status", ""), found.get("reason", ""), found.get("message", "")

    def chain_told(self) -> list[dict[str, Any]]:
        """Return what the watchdog has journalled of the chain, oldest first."""
        return [self.verdict(run) for run in self._journal() if "-chain-" in run]

    def deeds(self) -> list[str]:
        """Return what the watchdog has journalled, oldest first."""
        runs = [run for run in self._journal() if "-watchdog-" in run]
        return [item["reason"] for run in runs for item in self.events(run) if item["kind"] == "step"]

    def _journal(self) -> list[str]:
        return self.sh(f"ls {JOURNAL} 2>/dev/null || true").split()

    def events(self, run: str) -> list[dict[str, Any]]:
        """Return a run's events, from its file's name."""
        return [json.loads(line) for line in self.sh(f"cat {JOURNAL}/{shlex.quote(run)}").splitlines()]

    def verdict(self, run: str) -> dict[str, Any]:
        """Return a run's verdict; {} as long as it has none."""
        last = next((item for item in reversed(self.events(run)) if item["kind"] == "verdict"), None)
        return {} if last is None else {**last.get("data", {}), "reason": last.get("reason", "")}

    def heal(self, *, seconds: float = 240) -> dict[str, Any]:
        """Let the timer's unit run now, as it would by itself within minutes; return the run's verdict."""
        self.wait("no run is going on", self.idle)
        before = set(self.runs())
        self.run("systemctl", "start", CONVERGE, seconds=seconds, check=False)
        new = [run for run in self.runs() if run not in before]
        assert new, f"{CONVERGE} has made no run:\n{self.sh(f'journalctl -u {CONVERGE} -n 20 -o cat')}"
        return self.verdict(new[-1])

    def idle(self) -> bool:
        """Tell whether no engine runs."""
        return self.sh(f"systemctl show -P ActiveState {CONVERGE}") in {"inactive", "failed"}

    def has_healed(self) -> bool:
        """Tell whether a run of this boot has ended with the store ready."""
        boot = self.sh("cat /proc/sys/kernel/random/boot_id")
        for run in reversed(self.runs()):
            events = self.events(run)
            if events and events[0].get("data", {}).get("boot") == boot:
                return any(item["kind"] == "verdict" and item.get("word") == "ready" for item in events)
        return False

    def is_ready(self) -> bool:
        """Tell whether the store has healed itself, with one more run where the boot's found something not yet well."""
        if not self.has_healed() and self.idle() and self.has_ended():
            self.heal()
        return self.has_healed()

    def has_ended(self) -> bool:
        """Tell whether a run of this boot has said its verdict."""
        boot, newest = self.sh("cat /proc/sys/kernel/random/boot_id"), self.runs()[-1:]
        return any(
            self.events(run)[0].get("data", {}).get("boot") == boot and bool(self.verdict(run))
            for run in newest
            if self.events(run)
        )

    def wait(self, what: str, true: Callable[[], bool], *, seconds: float = 120, every: float = 0.2) -> float:
        """Wait for something on the node; return the seconds it took."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what}"
            time.sleep(every)
        return time.monotonic() - began

    def listing(self) -> set[str]:
        """Return every file that a plan could change, with type, size, mode and time of change.

        A run that has said its verdict still puts it into the outbox.
        """
        self.wait("a run has ended", lambda: self.sh(f"systemctl is-active {CONVERGE} || true").strip() != "activating")
        found = self.sh(
            f"find {_KEPT} -xdev -path /var/lib/edgectl/runtimes -prune -o -printf '%p %y %m %s %T@ %C@\\n' "
            "2>/dev/null || true"
        ).splitlines()
        passing = (
            "/var/lib/edgectl d ",
            "/var/lib/edgectl/clock ",
        )  # runtimes/ is made in it; the watchdog keeps the time
        return {line for line in found if not line.startswith(passing)}

    def evidence(self) -> str:
        """Return what a person needs after a failed test."""
        parts = []
        for title, script in (
            ("pods", "k3s kubectl get pods -A -o wide"),
            ("events", "k3s kubectl get events -A --sort-by=.lastTimestamp | tail -20"),
            ("edgectl", f"journalctl -q -u {CONVERGE} -n 60 --no-pager"),
            ("newest run", f"cat {JOURNAL}/$(ls {JOURNAL} | tail -1) | cut -c1-1500"),
            ("inference", "k3s kubectl logs -n vision deploy/inference --all-containers --tail=20"),
            ("k3s", "journalctl -q -u k3s -n 25 --no-pager -o cat | cut -c1-300"),
            ("disk", "df -h / /run; free -m"),
        ):
            try:
                said = self.run("sh", "-c", script, seconds=20, check=False)
                text = said.out + said.err
            except EdgectlError as error:
                text = f"{error.message} {' '.join(error.details)}"
            parts.append(f"=== {title}\n{text.rstrip()}")
        console = self.store.place.node(self.name).console
        if console.exists():
            parts.append("=== console\n" + "\n".join(console.read_text(errors="replace").splitlines()[-15:]))
        return "\n".join(parts)
