"""What a lab's machine tells of itself while it is accepted, and what may strike it.

Owns: the shapes that the node fills and the operator judges. Must not know how anything is read or done.
"""

from __future__ import annotations

from dataclasses import dataclass

REBOOT, POWER, K3S, PLUGIN, UVM = "reboot", "power cut", "k3s restart", "plugin kill", "uvm removed"
STRIKES = (REBOOT, POWER, K3S, PLUGIN, UVM)  # that a node can do to itself


@dataclass(frozen=True)
class Began:
    """A container with a GPU that began in this boot. `at`: nanoseconds of CLOCK_MONOTONIC, as in the proof's log.

    `exact`: by the process itself; else by its log file's birth, which a clock that is set later may move.
    """

    key: str  # of the pod, the container and which try of it this is
    name: str
    at: int
    devices: tuple[str, ...] = ()
    exact: bool = True


@dataclass(frozen=True)
class LabLook:
    """One cheap look."""

    boot: str
    now: int  # nanoseconds of CLOCK_MONOTONIC
    k3s: str = ""  # what systemd calls the k3s that runs; another after each start
    uvm: bool = False
    plugin: tuple[str, ...] = ()  # containers of the device plugin that run
    proofs: str = ""  # the log of the GPUs' proof in this boot
    began: tuple[Began, ...] = ()
    unseen: str = ""  # why pods could not be asked


@dataclass(frozen=True)
class LabFacts:
    """What the machine is, by what it says itself; "" and 0: it does not say."""

    node: str
    vendor: str = ""
    product: str = ""
    cpu: str = ""
    cores: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0
    system: str = ""
    kernel: str = ""
    virtual: str = ""  # as systemd-detect-virt says: none, kvm, systemd-nspawn ...
    container: bool = False  # it shares its kernel with others
    k3s: str = ""  # the line that `k3s --version` says first
    k3s_digest: str = ""
    gpus: tuple[str, ...] = ()  # as nvidia-smi lists them: name, uuid, driver
    gpu_device: bool = False  # /dev/nvidia0 is a character device of a driver that the kernel lists


@dataclass(frozen=True)
class Relied:
    """One behaviour of k3s that edgectl relies on, asked of a running store. `wrong` is "" where it holds."""

    id: str
    behaviour: str
    source: str
    wrong: str = ""
    why_not: str = ""  # why it is not asked of a running store; then nothing is known
    said: tuple[str, ...] = ()
