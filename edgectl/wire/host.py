"""What the operating system of a node carries beyond files and kernel settings: packages, services, users, time.

Owns: these shapes, as the operator writes them into the payload and the node's steps read them.
Must not know how any of it is brought about.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ENABLED, DISABLED, MASKED = SERVICE_STATES = ("enabled", "disabled", "masked")


@dataclass(frozen=True, slots=True)
class Package:
    """One package that must be installed, in exactly this version. `hold`: apt leaves it alone (apt-mark hold)."""

    name: str
    version: str
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Deb:
    """One package file of the bundle, from which apt on the node may take what a wanted package needs."""

    name: str
    version: str
    arch: str  # as Debian says it: amd64, arm64, all
    blob: str  # digest


@dataclass(frozen=True, slots=True)
class Packages:
    """Packages of the system. `gpu` are those of the GPU: installed after the others, held, never outside the hours.

    `pool` is everything that the node's own package source holds; nothing comes from elsewhere.
    """

    wanted: tuple[Package, ...] = ()
    gpu: tuple[Package, ...] = ()
    pool: tuple[Deb, ...] = ()

    @property
    def blobs(self) -> frozenset[str]:
        """Return the digests of all package files."""
        return frozenset(deb.blob for deb in self.pool)


@dataclass(frozen=True, slots=True)
class Service:
    """One systemd unit of the system. "enabled" is enabled and running. `reads`: files that need its restart."""

    name: str  # chrony.service
    state: str  # one of SERVICE_STATES; "": as it is, if it is there at all: only what it reads is our matter
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """Who may log in to deploy: his public keys. His sudo runs edgectl's launcher as root, and nothing else."""

    name: str
    keys: tuple[str, ...]  # "ssh-ed25519 AAAA... comment"


@dataclass(frozen=True, slots=True)
class TimeSync:
    """Whom the node asks for the time, and how long a boot waits for an answer before it goes on without."""

    servers: tuple[str, ...] = ()
    wait_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Machine:
    """The very machine that the inventory means; what is empty or 0 is not compared."""

    serial: str = ""
    macs: tuple[str, ...] = ()
    memory_bytes: int = 0
    disk_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Reboots:
    """When a node that serves already may reboot (hours.py's form; none: at any hour), and how often for one cause."""

    hours: tuple[str, ...] = ()
    most: int = 2


@dataclass(frozen=True, slots=True)
class Os:
    """All of it, for one node; what is empty is left as it is."""

    packages: Packages = field(default_factory=Packages)
    modules: tuple[str, ...] = ()  # of the kernel, loaded now and at each boot
    services: tuple[Service, ...] = ()
    users: tuple[User, ...] = ()
    time: TimeSync | None = None
    machine: Machine | None = None
    reboots: Reboots = field(default_factory=Reboots)


def setting(name: str) -> str:
    """Return a kernel setting's path in /proc/sys: where a dot comes first, dots and slashes swap (sysctl.d(5))."""
    return name.translate(str.maketrans("./", "/.")) if "." in name.partition("/")[0] else name
