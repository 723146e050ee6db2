"""What the pretend GPUs of one node do: their knobs, set while the node runs. They survive reboots and power cuts.

Owns: the knobs' names and texts, and that a change reaches a driver that is loaded. Must not know who turns them.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgectl.sandbox.gpu.hardware import KNOBS
from edgectl.wire.errors import InvalidInput

if TYPE_CHECKING:
    from edgectl.sandbox.machine.store import SandboxStore

NAMES = (
    "count",
    "delay",
    "unhealthy",
    "hardware",
    "driver",
    "uvm",
    "cuda",
    "health",
    "kernel-log",
    "secure-boot",
    "nouveau",
    "dkms",
)
_FOLDER = f"/{KNOBS}"
_DRIVER = "/usr/lib/sandbox-gpu/sandbox-driver"


def uuid(index: int) -> str:
    """Return a pretend GPU's UUID, as plugin, nvidia-smi and CUDA name it."""
    return f"GPU-5a9dbc01-0000-4000-8000-{index:012d}"


@dataclass(frozen=True, slots=True)
class Knobs:
    """The knobs of one node. An empty text is the default."""

    store: SandboxStore
    node: str = "node-1"

    def set(self, name: str, text: str) -> None:
        """Turn one knob: whole or not at all, and on the disk before this returns."""
        if name not in NAMES:
            raise InvalidInput(f"{name!r} is no knob of a pretend GPU (there are: {', '.join(NAMES)}).")
        path = shlex.quote(f"{_FOLDER}/{name}")
        self._run(
            f"cat > {path}.new && mv {path}.new {path} && sync {path} {_FOLDER}", stdin=f"{text}\n" if text else ""
        )
        if name in {"hardware", "cuda"}:
            self._run(f"{_DRIVER} refresh")

    def get(self, name: str) -> str:
        """Return what a knob says; "" for the default."""
        return self._run(f"cat {shlex.quote(f'{_FOLDER}/{name}')} 2>/dev/null || true").strip()

    def clear(self) -> None:
        """Make the GPUs what the node was made with, all well."""
        others = " ".join(f"{_FOLDER}/{name}" for name in NAMES if name != "count")
        self._run(f"rm -f {others} && cp {_FOLDER}/built-in {_FOLDER}/count && sync {_FOLDER}/count {_FOLDER}")
        self._run(f"{_DRIVER} refresh")

    def gpus(self, count: int) -> None:
        """Let so many GPUs be there, for the driver and for the plugin; fewer than before: cards were pulled."""
        self.set("hardware", str(count))
        self.set("count", str(count))

    def driver_after(self, seconds: float | None) -> None:
        """Let the driver be loaded so long after each boot; None: never."""
        self.set("driver", "absent" if seconds is None else f"{seconds:g}")

    def unload_driver(self) -> None:
        """Take the driver away now, as a failed upgrade does; the next boot, or `load_driver`, brings it back."""
        self._run(f"{_DRIVER} unload")

    def load_driver(self) -> None:
        """Load the driver now."""
        self._run(f"{_DRIVER} load")

    def uvm(self, *, loads: bool) -> None:
        """Say whether nvidia-uvm can be loaded; what is loaded stays."""
        self.set("uvm", "" if loads else "missing")

    def secure_boot(self, state: str) -> None:
        """Let the next boot have Secure Boot "on" (DKMS's key unknown), "enrolled" (known) or "off"; "": no UEFI."""
        self.set("secure-boot", state)

    def nouveau(self, *, there: bool) -> None:
        """Say whether the kernel has nouveau, which takes the cards at each boot unless something keeps it away."""
        self.set("nouveau", "" if there else "absent")

    def dkms(self, *, builds: bool) -> None:
        """Say whether DKMS can build the driver's modules from now on."""
        self.set("dkms", "" if builds else "fails")

    def install(self, *packages: Path) -> None:
        """Install packages from files, as an upgrade that nobody has asked for does: held or not, under what runs."""
        folder = "/run/sandbox-gpu/packages"
        self._run(f"rm -rf {folder} && mkdir -p {folder}")
        for package in packages:
            text = base64.b64encode(package.read_bytes()).decode()
            self._run(f"base64 -d > {folder}/{shlex.quote(package.name)}", stdin=text)
        words = "apt-get install -y -q --no-install-recommends --allow-change-held-packages --allow-downgrades"
        self._run(f"DEBIAN_FRONTEND=noninteractive {words} {folder}/*.deb", seconds=300)

    def plugin_delay(self, seconds: float) -> None:
        """Let the plugin wait so long before each registration."""
        self.set("delay", f"{seconds:g}" if seconds else "")

    def unhealthy(self, *indexes: int, every: bool = False) -> None:
        """Let the plugin call these GPUs unhealthy, or all; without an index none."""
        self.set("unhealthy", "all" if every else ",".join(map(str, indexes)))

    def cuda(self, faults: Mapping[int, str], *, library: bool = True) -> None:
        """Let CUDA fail on these GPUs (wrong, hang, error999, error2, ...), or its library be missing."""
        lines = [f"{index} {fault}" for index, fault in sorted(faults.items())]
        self.set("cuda", "\n".join(lines if library else [*lines, "library absent"]))

    def health(self, said: Mapping[tuple[int, str], object]) -> None:
        """Let nvidia-smi say this: (index, field) -> value, e.g. (0, "temperature.gpu"): 93."""
        self.set("health", "\n".join(f"{index} {field} {value}" for (index, field), value in sorted(said.items())))

    def kernel_log(self, lines: Iterable[str]) -> None:
        """Let the kernel have said these lines."""
        self.set("kernel-log", "\n".join(lines))

    def xid(self, index: int, code: int, text: str) -> None:
        """Let the kernel have told one more Xid of a GPU."""
        line = f"NVRM: Xid (PCI:0000:{index + 1:02x}:00): {code}, {text}"
        self.kernel_log([*self.get("kernel-log").splitlines(), line])

    def _run(self, script: str, *, stdin: str = "", seconds: float = 60) -> str:
        return self.store.execute(self.node, ["sh", "-c", script], stdin=stdin, timeout_seconds=seconds).out
