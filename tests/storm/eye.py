"""Looking at a store from outside of edgectl: one cheap look at the node, again and again, until something is true.

Owns: what a look reads (boot, the two logs on tmpfs, the plugin's own log, pods, the node's status), and that
entrypoints are kept by boot, since tmpfs forgets them. Must not know which event goes on; changes nothing on the node.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from edgectl.control.accept.starts import NANO, Line, Start, judge_starts, lines
from edgectl.wire.errors import EdgectlError
from tests.e2e.node import MARKER, Node

LOG = "/run/edgectl/gpu/log"
STARTS = "/run/edgectl-storm/starts"
CALM_SECONDS = 3.0
_MARK = "----storm:"
_KEYS = "/root/.storm"
# kubectl costs a third of a second of processor time, which the store itself needs: curl, with the same rights.
_TAKE_KEYS = f"""umask 077; mkdir -p {_KEYS}; for it in certificate-authority client-certificate client-key; do
sed -n "s/^ *$it-data: //p" /etc/rancher/k3s/k3s.yaml | base64 -d > {_KEYS}/$it; done; sync"""
_ASK = f"curl -s -m 3 --cacert {_KEYS}/certificate-authority --cert {_KEYS}/client-certificate --key {_KEYS}/client-key"
# A power cut leaves zero bytes in logs, which grep would take for no text.
_LOOK = f"""exec 2>/dev/null
echo '{_MARK}boot'; cat /proc/sys/kernel/random/boot_id
echo '{_MARK}marker'; stat -c %.9Z {MARKER}
echo '{_MARK}proofs'; cat {LOG}
echo '{_MARK}starts'; cat {STARTS}
echo '{_MARK}registered'; cat /var/log/pods/gpu-system_*/device-plugin/*.log | tr -d '\\000' | grep ' registered ' |
sort | tail -n 1
echo '{_MARK}node'; {_ASK} https://127.0.0.1:6443/api/v1/nodes/NODE
echo; echo '{_MARK}pods'; {_ASK} https://127.0.0.1:6443/api/v1/pods
echo; echo '{_MARK}end'"""


class TooLate(AssertionError):
    """A wait has come to its deadline."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look. `boot` is "" when the machine does not run; times are the host's monotonic clock, in seconds."""

    at: float
    boot: str = ""
    registered: float = 0.0  # the plugin's last registration with the kubelet
    node: dict[str, Any] = field(default_factory=dict)  # {} when the API does not answer
    pods: tuple[dict[str, Any], ...] = ()

    @property
    def current(self) -> bool:
        """Whether the API answers, with a status of this boot."""
        return bool(self.boot) and self.node.get("status", {}).get("nodeInfo", {}).get("bootID") == self.boot

    def allocatable(self, resource: str = "nvidia.com/gpu") -> int:
        """Return how many devices the node may hand out; -1 when that is not known of this boot."""
        return int(self.node["status"]["allocatable"].get(resource, "0")) if self.current else -1

    def dead(self, namespaces: Sequence[str]) -> dict[str, str]:
        """Return the pods in phase Failed, with their reasons."""
        return {
            f"{pod['metadata']['namespace']}/{pod['metadata']['name']}": str(pod["status"].get("reason", "Failed"))
            for pod in self.pods
            if pod["metadata"]["namespace"] in namespaces and pod["status"].get("phase") == "Failed"
        }

    def serving(self) -> str:
        """Return the id of the inference container that is ready; "" when there is none."""
        for pod in self.pods:
            for item in pod["status"].get("containerStatuses", []) if self.current else []:
                if item["name"] == "inference" and item["ready"] and not pod["metadata"].get("deletionTimestamp"):
                    return str(item["containerID"])
        return ""


@dataclass(slots=True)
class _Logs:
    proofs: tuple[Line, ...] = ()
    starts: tuple[Line, ...] = ()


class Eye:
    """Looks at one node. Entrypoints and proofs are kept for each boot that it has seen."""

    def __init__(self, node: Node, namespaces: Sequence[str]) -> None:
        self.node = node
        self.namespaces = tuple(namespaces)
        self.boots: dict[str, _Logs] = {}
        self.dead_seen: dict[str, str] = {}
        node.sh(_TAKE_KEYS)

    def look(self) -> Seen:
        """Look once. A machine that does not run, or an API that does not answer, is a look, too."""
        try:
            ended = self.node.run("sh", "-c", _LOOK.replace("NODE", self.node.name), seconds=20, check=False)
        except EdgectlError:
            return Seen(time.monotonic())
        seen, logs = parse(ended.out, offset=time.time() - time.monotonic(), at=time.monotonic())
        if seen.boot:
            kept = self.boots.setdefault(seen.boot, _Logs())
            # Never less than before: a look at a node that goes down may be cut short.
            kept.proofs = max(kept.proofs, logs.proofs, key=len)
            kept.starts = max(kept.starts, logs.starts, key=len)
        self.dead_seen |= seen.dead(self.namespaces)
        return seen

    def until(self, what: str, true: Callable[[Seen], bool], *, seconds: float, every: float = 0.4) -> Seen:
        """Look until it is true; TooLate with what was seen last."""
        deadline = time.monotonic() + seconds
        while not true(seen := self.look()):
            if time.monotonic() > deadline:
                raise TooLate(f"not within {seconds:.0f} s: {what}")
            time.sleep(every)
        return seen

    def until_serving(self, *, seconds: float) -> tuple[float, Seen]:
        """Wait until inference answers right, and a little later still from the same container; when it began to."""
        deadline = time.monotonic() + seconds
        since, container, why = 0.0, "", "inference is not ready"
        while True:
            seen = self.look()
            now_serves = seen.serving()
            if now_serves and now_serves == container and seen.at - since >= CALM_SECONDS and not self._wrong():
                return since, seen
            if not now_serves or now_serves != container:
                container = ""
                why = self._wrong() if now_serves else "inference is not ready"
                if not why:
                    since, container = time.monotonic(), now_serves
            if time.monotonic() > deadline:
                raise TooLate(f"not serving within {seconds:.0f} s: {why}")
            time.sleep(0.4)

    def starts(self, *, since: float, hardware: float = 0.0, boot: str = "") -> tuple[Start, ...]:
        """Judge every entrypoint since then. In `boot` none may be before `hardware`."""
        found: list[Start] = []
        for name, logs in self.boots.items():
            earliest = int(hardware * NANO) if name == boot else 0
            judged = judge_starts(logs.proofs, logs.starts, not_before=earliest)
            found += [start for start in judged if start.at >= since * NANO]
        return tuple(sorted(found, key=lambda start: start.at))

    def _wrong(self) -> str:
        try:
            return self.node.answers()
        except (EdgectlError, ValueError) as error:
            return str(error)


def parse(text: str, *, offset: float, at: float) -> tuple[Seen, _Logs]:
    """Read a look's output. `offset`: the wall clock less the monotonic one; node and host share both."""
    parts = dict(part.split("\n", 1) for part in text.split(_MARK)[1:] if "\n" in part)
    if "end" not in parts:
        return Seen(at), _Logs()
    pods, node = _json(parts["pods"]), _json(parts["node"])
    seen = Seen(
        at=at,
        boot=parts["boot"].strip(),
        registered=_wall(parts["registered"]) - offset if parts["registered"].strip() else 0.0,
        node=node if node.get("kind") == "Node" else {},
        pods=tuple(pods.get("items", ())) if pods.get("kind") == "PodList" else (),
    )
    proofs = _proofs(parts["proofs"], parts["marker"], offset)
    return seen, _Logs(proofs, tuple(line for line in lines(parts["starts"]) if line.word == "entrypoint"))


def _proofs(log: str, marker: str, offset: float) -> tuple[Line, ...]:
    """Return the proof's lines; of an edgectl that keeps no such log, the time when its marker was set."""
    if log.strip() or not marker.strip():
        return tuple(line for line in lines(log) if line.word in {"proven", "withdrawn"})
    return (Line(int((float(marker) - offset) * NANO), "proven", ("marker",)),)


def _wall(line: str) -> float:
    """Return the time of a line of a container's log, which begins with it (RFC 3339, nanoseconds)."""
    stamp = line.split(maxsplit=1)[0].rstrip("Z")
    whole, _, rest = stamp.partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{rest or 0}")


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
