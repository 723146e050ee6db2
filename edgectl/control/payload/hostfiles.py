"""The host's files of one node: those that the inventory declares, and the one that keeps kernel settings over a boot.

Owns the form of sysctl.d (a line a setting), and that no setting is more than its line. Must not know k3s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from edgectl.control.inventory.store import HostSettings
from edgectl.control.inventory.text import refused_line
from edgectl.wire.payload import ManagedFile

SYSCTLS = "/etc/sysctl.d/90-edgectl.conf"
# sysctl.d(5): a leading "-" hides errors, "#" and ";" make comments, "*?[" are patterns, "=" ends the name
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:@-]*", re.ASCII)


def refused_sysctl(name: str, value: str) -> str:
    """Return why a kernel setting is no line of sysctl.d; "" when it is one."""
    if not _NAME.fullmatch(name):
        return f"{name!r} is no kernel setting's name, like fs.inotify.max_user_watches"
    why = refused_line(value)
    return f"host.sysctls.{name}: {why}" if why else ""


def host_files(host: HostSettings) -> tuple[ManagedFile, ...]:
    """Return the declared files, and that of the kernel settings where there are any."""
    files = tuple(ManagedFile(path=file.path, text=file.text, mode=file.mode) for file in host.files)
    return (*files, ManagedFile(path=SYSCTLS, text=_lines(host.sysctls))) if host.sysctls else files


def _lines(settings: Mapping[str, str]) -> str:
    return "".join(f"{name} = {value}\n" for name, value in sorted(settings.items()))
