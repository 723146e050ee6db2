"""Step: NVIDIA's driver is loaded, CUDA's memory driver with it, and k3s has found the container toolkit.

The facts are read by driver.sh, uvm.sh and toolkit.sh, which a technician and the boot unit run, too. Installs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.gpu.boot import DRIVER, LOAD, UVM, VENDOR
from edgectl.node.host.preflight import judge
from edgectl.node.io.look import Hands, Look
from edgectl.wire.payload import Gpu

TOOLKIT = str(Path(__file__).with_name("toolkit.sh"))
_ANOTHER = re.compile(r"(driver|toolkit) (\S+).*\((\S+) is declared\)")  # how the scripts say that versions differ


def is_nvidia(gpu: Gpu) -> bool:
    """Tell whether these GPUs are NVIDIA's, whose driver the probes know."""
    return any(name.startswith(VENDOR) for name in (gpu.resource, *gpu.offers))


@dataclass(frozen=True)
class Driver:
    """Another version than the declared one is no reason to be dark: the store serves, degraded."""

    gpu: Gpu
    id: str = "gpu-driver"
    title: str = "gpu driver"
    needs: tuple[str, ...] = ("host",)
    wait: Wait = Wait(limit_seconds=60, every_seconds=1)  # a late driver: it is built or loaded while the node boots

    def probe(self, read: Look) -> Observation:
        """Run the probe scripts, one after the other; the first that is not content is the answer."""
        if not is_nvidia(self.gpu):
            return Observation(Status.CURRENT, f"nothing of the driver is known for {self.gpu.resource}")
        driver = judge(read.run("sh", DRIVER, self.gpu.driver))
        if driver.status is not Status.CURRENT:
            return driver
        uvm = judge(read.run("sh", UVM))
        if uvm.status is not Status.CURRENT:
            missing = (("/dev/nvidia-uvm", "missing", "there"),)
            return Observation(Status.DRIFTED, uvm.reason, differences=missing, evidence=uvm.evidence)
        toolkit = judge(read.run("sh", TOOLKIT, self.gpu.toolkit))
        if toolkit.status is not Status.CURRENT:
            return toolkit
        return Observation(
            Status.CURRENT,
            f"{driver.reason}; {toolkit.reason}",
            degraded=another(driver.reason, toolkit.reason),
            evidence=(*driver.evidence, *uvm.evidence, *toolkit.evidence),
        )

    def apply(self, write: Hands, seen: Observation) -> None:
        """Load nvidia-uvm and make its device files."""
        del seen
        ran = write.change("sh", LOAD, limit_seconds=40, keeps_lock=False)
        if not ran.ok:
            raise ApplyFailed(ran.last_words, evidence=ran.evidence())


def another(*reasons: str) -> str:
    """Return which versions differ from the declared ones; "" when none does."""
    found = [_ANOTHER.match(reason) for reason in reasons]
    return ", ".join(f"{match[1]} {match[2].rstrip(',')} instead of {match[3]}" for match in found if match)
