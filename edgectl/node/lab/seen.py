"""One cheap look at a lab's machine: which boot, whether k3s and the plugin are others, which GPU containers began.

Owns: when a container began, by the process itself, in the clock of the proof's log; of one that has ended, by its log
file's birth. Judges nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.desired import deployed
from edgectl.node.gpu.plugin import plugins_of
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look
from edgectl.wire.errors import NotReady
from edgectl.wire.lab import Began, LabLook

UNITS = ("k3s.service", "k3s-agent.service")
UVM = "dev/nvidia-uvm"
_LOGS = "var/log/pods"
_NANO = 1_000_000_000
_DEVICES = b"NVIDIA_VISIBLE_DEVICES="
_STARTTIME = 19  # field 22 of proc_pid_stat(5), counted behind the command's name


def look_at(look: Look) -> LabLook:
    """Look once; where the API does not answer, that is a look, too."""
    root = look.places.root
    pods, unseen = _pods(look)
    plugins = plugins_of(pods)
    plugin = (one for pod in pods if pod["metadata"].get("uid") in plugins for one in running(pod))
    return LabLook(
        boot=look.boot_id(),
        now=time.monotonic_ns(),
        k3s=_invocation(look),
        uvm=look.entry(root / UVM) is not None,
        plugin=tuple(sorted(plugin)),
        proofs=look.text(look.places.gpu_log) or "",
        began=tuple(_began(look, pods)) if pods else (),
        unseen=unseen,
    )


def running(pod: dict[str, Any]) -> Iterator[str]:
    """Yield the ids of a pod's containers that run."""
    for one in pod.get("status", {}).get("containerStatuses") or ():
        if "running" in (one.get("state") or {}) and one.get("containerID"):
            yield str(one["containerID"]).rpartition("/")[2]


def pods_of(look: Look) -> list[dict[str, Any]]:
    """Return this node's pods. Raises LookFailed, Denied, NotReady."""
    query = urlencode({"fieldSelector": f"spec.nodeName={deployed(look.places)[1].name}"})
    return list((look.api.get(f"/api/v1/pods?{query}") or {}).get("items") or ())


def processes_of(proc: Path, containers: Iterable[str]) -> dict[str, list[int]]:
    """Return the processes of containers: the kernel has a container's id in the name of its control group."""
    found: dict[str, list[int]] = {one: [] for one in containers}
    for folder in proc.iterdir() if found else ():
        if folder.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                group = (folder / "cgroup").read_text()
                for one, own in found.items():
                    if one in group:
                        own.append(int(folder.name))
    return found


def _pods(look: Look) -> tuple[list[dict[str, Any]], str]:
    try:
        return pods_of(look), ""
    except (LookFailed, NotReady, Denied) as error:
        return [], str(error)


def _invocation(look: Look) -> str:
    for unit in UNITS:
        ran = look.run("systemctl", "show", unit, "--property=InvocationID", "--value")
        if ran.ok and ran.out.strip():
            return ran.out.strip()
    return ""


def _began(look: Look, pods: list[dict[str, Any]]) -> Iterator[Began]:
    """Yield every try of a container with a GPU that began in this boot."""
    gpu = deployed(look.places)[1].gpu
    names = frozenset(gpu.offered) if gpu else frozenset()
    tries = [(pod, one) for pod in pods for one in _on_gpu(pod, names)]
    proc = look.places.root / "proc"
    processes = processes_of(proc, (one["id"] for _, one in tries if one["id"]))
    booted, offset = look.booted_at(), time.time_ns() - time.monotonic_ns()
    for pod, one in tries:
        meta = pod["metadata"]
        name = f"{meta.get('namespace')}/{meta.get('name')}"
        own = f"{meta.get('uid')}/{one['name']}"
        if first := _first(proc, processes.get(one["id"], ())):
            yield Began(f"{own}/{one['try']}", name, first[0], first[1])
        folder = (
            look.places.root / _LOGS / f"{meta.get('namespace')}_{meta.get('name')}_{meta.get('uid')}" / one["name"]
        )
        for log in look.names(folder):
            stem = log.partition(".")[0]
            if log == f"{stem}.log" and (born := _born(look, folder / log)) > booted:
                yield Began(f"{own}/{stem}", name, int(born * _NANO) - offset, exact=False)


def _on_gpu(pod: dict[str, Any], names: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the containers of a pod that were given a GPU, each with its id and which try it is."""
    asking = {
        one["name"]
        for one in pod.get("spec", {}).get("containers") or ()
        if names & set((one.get("resources") or {}).get("limits") or {})
    }
    for one in pod.get("status", {}).get("containerStatuses") or ():
        if one.get("name") in asking:
            runs = "running" in (one.get("state") or {})
            identity = str(one.get("containerID") or "").rpartition("/")[2] if runs else ""
            yield {"name": one["name"], "id": identity, "try": int(one.get("restartCount", 0))}


def _first(proc: Path, processes: Iterable[int]) -> tuple[int, tuple[str, ...]] | None:
    """Return when the oldest of these began, and which GPUs it was given."""
    slept = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()  # of a suspended machine
    found: list[tuple[int, tuple[str, ...]]] = []
    for pid in processes:
        with suppress(OSError, IndexError, ValueError):
            words = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
            at = int(words[_STARTTIME]) * _NANO // os.sysconf("SC_CLK_TCK") - slept
            found.append((at, _devices((proc / str(pid) / "environ").read_bytes())))
    return min(found, default=None)


def _devices(environment: bytes) -> tuple[str, ...]:
    for item in environment.split(b"\0"):
        if item.startswith(_DEVICES):
            return tuple(word for word in item[len(_DEVICES) :].decode(errors="replace").split(",") if word)
    return ()


def _born(look: Look, path: Path) -> float:
    """Return a file's birth, 0.0 where its file system keeps none."""
    with suppress(ValueError):
        return float(look.run("stat", "-c", "%.9W", str(path)).out)
    return 0.0
