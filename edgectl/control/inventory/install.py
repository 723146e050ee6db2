"""How a machine is first installed, resolved.

Owns the shape. Must not know files, nor where a value was said. Imports nothing heavy: store.py has it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InstallNetwork:
    """How the machine finds its network. Without an address: DHCP; without a MAC: any card that has a link."""

    mac: str = ""
    address: str = ""  # with its prefix
    gateway: str = ""
    dns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstallDisk:
    """What the system is installed on. Without a device: the only disk; without a size: all of it.

    `data`: what is left of it becomes /var/lib.
    """

    device: str = ""
    root_bytes: int = 0
    data: bool = False


@dataclass(frozen=True, slots=True)
class InstallSettings:
    """How a machine is first installed; without `keys`, those beside the private keys of `ssh` may log in."""

    os: str
    keys: tuple[str, ...] = ()
    network: InstallNetwork = InstallNetwork()
    disk: InstallDisk = InstallDisk()
    mirror: str = ""
    timezone: str = "UTC"
    serial: str = ""  # by which whoever stands there knows the machine
