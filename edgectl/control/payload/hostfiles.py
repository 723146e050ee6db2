"""The host's files of one node: those that the inventory declares, and those that keep the rest of it over a boot.

Owns their places and forms (sysctl.d, modules-load.d, chrony's sources.d, drop-ins of timesyncd and journald), that no
setting is more than its line, and which units read what. Must not know k3s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from edgectl.control.inventory.store import HostSettings
from edgectl.control.inventory.text import refused_line
from edgectl.wire.host import Service
from edgectl.wire.payload import ManagedFile

SYSCTLS = "/etc/sysctl.d/90-edgectl.conf"
MODULES = "/etc/modules-load.d/edgectl.conf"
# A folder of sources only: a line that chronyd does not understand there is a warning, in conf.d it would not start.
CHRONY = "/etc/chrony/sources.d/edgectl.sources"
TIMESYNCD = "/etc/systemd/timesyncd.conf.d/90-edgectl.conf"
JOURNALD = "/etc/systemd/journald.conf.d/90-edgectl.conf"
_READERS = {CHRONY: "chrony.service", TIMESYNCD: "systemd-timesyncd.service", JOURNALD: "systemd-journald.service"}
# sysctl.d(5): a leading "-" hides errors, "#" and ";" make comments, "*?[" are patterns, "=" ends the name
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:@-]*", re.ASCII)
_UNIT_FILE = re.compile(
    r"/etc/systemd/system/(?P<unit>[A-Za-z0-9:_.-]+(?:@[A-Za-z0-9:_.-]+)?\.(?:service|socket|timer|path|mount))"
    r"(?:\.d/[^/]+\.conf)?",
    re.ASCII,
)
_KIB = 1024


def refused_sysctl(name: str, value: str) -> str:
    """Return why a kernel setting is no line of sysctl.d; "" when it is one."""
    if not _NAME.fullmatch(name):
        return f"{name!r} is no kernel setting's name, like fs.inotify.max_user_watches"
    why = refused_line(value)
    return f"host.sysctls.{name}: {why}" if why else ""


def host_files(host: HostSettings) -> tuple[ManagedFile, ...]:
    """Return the declared files, and those that say the rest to the programs of the system."""
    files = [ManagedFile(path=file.path, text=file.text, mode=file.mode) for file in host.files]
    if host.sysctls:
        files.append(ManagedFile(SYSCTLS, _lines(host.sysctls)))
    if host.modules:
        files.append(ManagedFile(MODULES, "".join(f"{name}\n" for name in host.modules)))
    if host.time is not None and host.time.servers:
        servers = host.time.servers  # both: where one of the two is not installed, nobody reads its file
        files.append(ManagedFile(CHRONY, "".join(f"server {name} iburst\n" for name in servers)))
        files.append(ManagedFile(TIMESYNCD, f"[Time]\nNTP={' '.join(servers)}\n"))
    if host.journal_bytes:
        files.append(ManagedFile(JOURNALD, f"[Journal]\nSystemMaxUse={host.journal_bytes // _KIB}K\n"))
    return tuple(files)


def host_services(host: HostSettings) -> tuple[Service, ...]:
    """Return the declared units, each with the files that it reads at its start, and the others that read some."""
    reads: dict[str, set[str]] = {}
    for file in host.files:
        for unit in file.restarts:
            reads.setdefault(unit, set()).add(file.path)
    for path in (file.path for file in host_files(host)):
        own = _UNIT_FILE.fullmatch(path)
        if unit := own["unit"] if own else _READERS.get(path, ""):
            reads.setdefault(unit, set()).add(path)
    states = {service.name: service.state for service in host.services}
    return tuple(
        Service(name, states.get(name, ""), tuple(sorted(reads.get(name, ())))) for name in sorted({*states, *reads})
    )


def _lines(settings: Mapping[str, str]) -> str:
    return "".join(f"{name} = {value}\n" for name, value in sorted(settings.items()))
