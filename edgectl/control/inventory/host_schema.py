"""What an inventory may say of a node's operating system: files, kernel, packages, services, users, time.

Owns keys and types. Must not know how any of it is brought about.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from edgectl.control.inventory.section import Line, Section, Size

AbsolutePath = Annotated[Line, StringConstraints(pattern=r"^/.*[^/]$")]
FileMode = Annotated[str, StringConstraints(pattern=r"^0?[0-7]{3}$")]
PackageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]
PackageVersion = Annotated[str, StringConstraints(pattern=r"^([0-9]+:)?[0-9][A-Za-z0-9.+~-]*$")]
Packages = dict[PackageName, PackageVersion | None]
_MODULE = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
_UNIT = r"^[A-Za-z0-9][A-Za-z0-9:_.-]*(@[A-Za-z0-9:_.-]+)?\.(service|socket|timer|path|mount)$"  # no template
_SERVER = r"^[A-Za-z0-9][A-Za-z0-9.:_-]*$"


def _like(pattern: str, needed: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Return what holds a text to a pattern, and says in words what is needed."""

    def check(text: str) -> str:
        if not re.search(pattern, text, re.ASCII) or text.endswith("\n"):
            raise ValueError(f'{needed} is needed, not "{text}"')
        return text

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": pattern})


Module = Annotated[str, *_like(_MODULE, "the name of a kernel module, like br_netfilter,")]
UnitName = Annotated[str, *_like(_UNIT, "the whole name of a unit, like chrony.service or getty@tty1.service,")]
TimeServer = Annotated[str, *_like(_SERVER, "the name or address of a time server")]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,30}$")]


class File(Section):
    """One file on the node, owned by root."""

    path: AbsolutePath = Field(description="Where it lies on the node.")
    text: str = Field(description="All of its content.")
    mode: FileMode = Field(default="0644", description='Octal, in quotes: "0644".')
    restarts: list[UnitName] = Field(
        default=[], description="Units that read it at their start: restarted when it has changed, if they run."
    )


class User(Section):
    """One account to deploy with: without a password, and with no right but that of starting edgectl."""

    keys: list[Line] = Field(description="Public SSH keys that may log in: ssh-ed25519 AAAA... comment")


class Time(Section):
    """Whom the nodes ask for the time."""

    servers: list[TimeServer] = Field(
        default=[], description="Names or addresses of NTP servers; none: as the system has it."
    )
    wait_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        default=30.0, description="How long a boot waits for an answer; then k3s starts all the same."
    )


class Logs(Section):
    """How much of the disk logs may take."""

    journal: Size = Field(default=500 << 20, description="Of the system's journal, all together.")


class Host(Section):
    """What the operating system must offer and carry."""

    free_bytes: Size = Field(default=2 << 30, description="Free space needed in /var/lib before anything is changed.")
    sysctls: dict[str, str | int] = Field(default={}, description="Kernel settings, e.g. fs.inotify.max_user_watches.")
    files: list[File] = Field(default=[])
    packages: Packages = Field(
        default={}, description="Packages of the bundle, by name; null: the bundle's newest version. docs/packages.md."
    )
    modules: list[Module] = Field(default=[], description="Of the kernel; loaded now and at each boot.")
    services: dict[UnitName, Literal["enabled", "disabled", "masked"] | None] = Field(
        default={}, description="Units of the system, like chrony.service. enabled: running, too."
    )
    users: dict[UserName, User | None] = Field(default={}, description="Who may log in to deploy: docs/users.md.")
    time: Time | None = Field(default=None, description="Whom the nodes ask for the time.")
    logs: Logs | None = Field(default=None, description="How much of the disk logs may take.")
    most_reboots: Annotated[int, Field(ge=0, le=5)] = Field(
        default=2, description="For one cause; 0: edgectl never reboots a node. When: windows.reboot. docs/reboot.md."
    )
