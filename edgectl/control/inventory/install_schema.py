"""What an inventory may say of the first installation of a machine: `edgectl image` makes its files of it.

Owns keys and types. Must not know the files.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from edgectl.control.inventory.section import Line, Section, Size, Word

Address = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$")]
Device = Annotated[str, StringConstraints(pattern=r"^/dev/[A-Za-z0-9/_.:-]+$")]
Os = Literal["debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04"]


class InstallNetwork(Section):
    """How the machine finds its network. Without an address: DHCP."""

    mac: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2}(:[0-9a-f]{2}){5}$")] | None = Field(
        default=None,
        description="Of the card; the first of identity.macs when not given. A fixed address needs one of them; DHCP "
        "without takes any card that has a link.",
    )
    address: Address | None = Field(default=None, description="With its prefix: 10.77.0.11/24.")
    gateway: Word | None = Field(default=None, description="Address of the store's router.")
    dns: list[Word] = Field(default=[], description="Addresses of name servers.")


class Disk(Section):
    """What the system is installed on."""

    device: Device | None = Field(default=None, description="Like /dev/nvme0n1; the only disk when not given.")
    root: Size | None = Field(default=None, description="Of the system; the whole disk when not given.")
    data: bool = Field(
        default=False, description="The rest of the disk becomes /var/lib, which k3s and edgectl fill; needs root."
    )


class Install(Section):
    """How a machine is first installed."""

    os: Os = Field(default="debian-12", description="Which installer the files are for.")
    user: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,30}$")] | None = Field(
        default=None, description="Who logs in from then on: ssh.user, and no other name."
    )
    keys: list[Line] = Field(
        default=[], description="Public SSH keys that may log in; those of ssh.keys when not given."
    )
    network: InstallNetwork | None = Field(default=None, description="DHCP when not given.")
    disk: Disk | None = Field(default=None, description="The only disk, all of it, when not given.")
    mirror: Line | None = Field(
        default=None,
        description="Where the installer finds packages, like http://deb.debian.org/debian; its own medium alone when "
        "not given, and no network is needed.",
    )
