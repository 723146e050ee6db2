"""Step: NVIDIA's driver is loaded, CUDA's memory driver with it, and k3s has found the container toolkit.

The facts are read by driver.sh, uvm.sh, persistence.sh and toolkit.sh, which a technician and the boot unit run, too.
Loads what lies on the disk, and restarts k3s once where the toolkit came after it. Installs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.gpu.boot import DRIVER, LOAD, LOADABLE, PERSISTENCE, UVM, VENDOR
from edgectl.node.host.preflight import judge
from edgectl.node.io.look import Hands, Look
from edgectl.wire.payload import Gpu, Node

TOOLKIT, PERSISTS = (str(Path(__file__).with_name(f"{name}.sh")) for name in ("toolkit", "persistence"))
_ANOTHER = re.compile(r"(driver|toolkit) (\S+).*\((\S+) is declared\)")  # how the scripts say that versions differ


def is_nvidia(gpu: Gpu) -> bool:
    """Tell whether these GPUs are NVIDIA's, whose driver the probes know."""
    return any(name.startswith(VENDOR) for name in (gpu.resource, *gpu.offers))


@dataclass(frozen=True)
class Driver:
    """Another version than the declared one is no reason to be dark: the store serves, degraded.

    `unit` is k3s' own. `persistent`: packages of the GPU are declared, and so is that the driver keeps it up when idle.
    """

    gpu: Gpu
    unit: str = "k3s.service"
    persistent: bool = False
    id: str = "gpu-driver"
    title: str = "gpu driver"
    needs: tuple[str, ...] = ("host",)
    wait: Wait = Wait(limit_seconds=60, every_seconds=1)  # a late driver: it is built or loaded while the node boots

    def probe(self, read: Look) -> Observation:
        """Run the probe scripts, one after the other; the first that is not content is the answer."""
        if not is_nvidia(self.gpu):
            return Observation(Status.CURRENT, f"nothing of the driver is known for {self.gpu.resource}")
        driver = judge(read.run("sh", DRIVER, self.gpu.driver))
        if driver.status is Status.IN_PROGRESS and LOADABLE.match(driver.reason):
            return _drifted(driver, "driver", "not loaded", "loaded")
        if driver.status is not Status.CURRENT:
            return driver
        uvm = judge(read.run("sh", UVM))
        if uvm.status is not Status.CURRENT:
            return _drifted(uvm, "/dev/nvidia-uvm", "missing", "there")
        persists = judge(read.run("sh", PERSISTS)) if self.persistent else uvm
        if persists.status is not Status.CURRENT:
            return _drifted(persists, "persistence mode", "off", "on")
        toolkit = judge(read.run("sh", TOOLKIT, self.gpu.toolkit))
        if toolkit.status is Status.IN_PROGRESS:
            return _drifted(toolkit, self.unit, "does not know the toolkit", "knows it")
        if toolkit.status is not Status.CURRENT:
            return toolkit
        cannot = persists.reason if "cannot" in persists.reason else ""
        return Observation(
            Status.CURRENT,
            f"{driver.reason}; {toolkit.reason}",
            degraded=", ".join(filter(None, (another(driver.reason, toolkit.reason), cannot))),
            evidence=(*driver.evidence, *uvm.evidence, *toolkit.evidence),
        )

    def apply(self, write: Hands, seen: Observation) -> None:
        """Load the driver and nvidia-uvm; where all of that is there, let k3s find the toolkit by one restart."""
        if any(name == self.unit for name, _, _ in seen.differences):
            ran = write.change("systemctl", "restart", self.unit, limit_seconds=180)
            if not ran.ok:
                raise ApplyFailed(f"k3s could not be restarted: {ran.last_words}", evidence=ran.evidence())
            return
        words = (PERSISTENCE,) if self.persistent else ()
        ran = write.change("sh", LOAD, *words, limit_seconds=90, keeps_lock=False)
        if not ran.ok:
            raise ApplyFailed(ran.last_words, evidence=ran.evidence())


def driver_of(node: Node, gpu: Gpu, *, limit_seconds: float = 60) -> Driver:
    """Return a node's step."""
    packaged = node.host.os is not None and bool(node.host.os.packages.gpu)
    return Driver(gpu, node.k3s.unit, packaged, wait=Wait(limit_seconds, every_seconds=1))


def _drifted(seen: Observation, what: str, have: str, want: str) -> Observation:
    return Observation(Status.DRIFTED, seen.reason, differences=((what, have, want),), evidence=seen.evidence)


def another(*reasons: str) -> str:
    """Return which versions differ from the declared ones; "" when none does."""
    found = [_ANOTHER.match(reason) for reason in reasons]
    return ", ".join(f"{match[1]} {match[2].rstrip(',')} instead of {match[3]}" for match in found if match)
