"""Where the sandbox keeps its things: names of files, and nothing about what is in them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


def state_home() -> Path:
    """Return the folder of everything that belongs to stores of this user."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "edgectl" / "sandbox"


def cache_home() -> Path:
    """Return the folder of what can be made again: bases, saved stores."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgectl"


# What the whole host shares, whoever's stores they are: cleared at the host's own reboot, as sysctls are.
HOST_STATE = Path("/run/edgectl-sandbox")
NETNS_HOME = Path("/run/netns")


@dataclass(frozen=True, slots=True)
class NodePlace:
    """The folder of one node."""

    home: Path

    @property
    def disk(self) -> Path:
        """The node's disk: a sparse file with an ext4 in it."""
        return self.home / "disk.img"

    @property
    def root(self) -> Path:
        """Where its supervisor mounts the disk, in a mount namespace of its own."""
        return self.home / "root"

    @property
    def seed(self) -> Path:
        """What makes this node this node (name, keys, address): copied onto a new disk at the first power-on."""
        return self.home / "seed"

    @property
    def switch(self) -> Path:
        """Locked while somebody switches the power on, or looks for what ran on without its supervisor."""
        return self.home / "switch.lock"

    @property
    def supervisor(self) -> Path:
        """The recorded process that keeps the machine powered."""
        return self.home / "supervisor.json"

    @property
    def console(self) -> Path:
        """What the machine prints on its console, all boots."""
        return self.home / "console.log"

    @property
    def power_log(self) -> Path:
        """When power went on and off."""
        return self.home / "power.log"


@dataclass(frozen=True, slots=True)
class StorePlace:
    """The folder of one store."""

    home: Path

    @property
    def name(self) -> str:
        """The store's name."""
        return self.home.name

    @property
    def record(self) -> Path:
        """What the store consists of."""
        return self.home / "store.json"

    @property
    def maker(self) -> Path:
        """The recorded process that is making this store, while it does."""
        return self.home / "maker.json"

    @property
    def ports(self) -> Path:
        """The ports that are kept for it meanwhile."""
        return self.home / "ports.json"

    @property
    def key(self) -> Path:
        """The operator's private key for this store; the public one beside it ends in .pub."""
        return self.home / "id_ed25519"

    @property
    def inventory(self) -> Path:
        """The store as edgectl's inventory describes it."""
        return self.home / "inventory.yaml"

    @property
    def link(self) -> Path:
        """The folder of the link's proxy: its record, control socket and log."""
        return self.home / "link"

    @property
    def netns(self) -> str:
        """The store's network namespace."""
        return f"edgectl-{self.name}"

    @property
    def netns_path(self) -> Path:
        """Where that namespace can be entered."""
        return NETNS_HOME / self.netns

    def node(self, name: str) -> NodePlace:
        """Return one node's folder."""
        return NodePlace(self.home / "nodes" / name)


def store_place(name: str) -> StorePlace:
    """Return one store's folder."""
    return StorePlace(state_home() / name)


def store_places() -> tuple[StorePlace, ...]:
    """Return the folders of all stores that left one."""
    home = state_home()
    return tuple(StorePlace(path) for path in sorted(home.iterdir()) if path.is_dir()) if home.is_dir() else ()
