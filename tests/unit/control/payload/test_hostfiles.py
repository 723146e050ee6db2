"""What keeps modules, time and log limits over a boot, and who reads what."""

from __future__ import annotations

import pytest

from edgectl.control.inventory.store import HostFile, HostSettings
from edgectl.control.payload.hostfiles import CHRONY, JOURNALD, MODULES, TIMESYNCD, host_files, host_services
from edgectl.wire.host import ENABLED, MASKED, Service, TimeSync
from edgectl.wire.payload import ManagedFile


def host(*files: HostFile, **settings: object) -> HostSettings:
    """Return a host with these."""
    return HostSettings(free_bytes=0, files=files, sysctls={}, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "files"),
    [
        ({"modules": ("br_netfilter", "nvidia")}, [(MODULES, "br_netfilter\nnvidia\n")]),
        (
            {"time": TimeSync(("10.0.0.1", "ntp.example"))},
            [
                (CHRONY, "server 10.0.0.1 iburst\nserver ntp.example iburst\n"),
                (TIMESYNCD, "[Time]\nNTP=10.0.0.1 ntp.example\n"),
            ],
        ),
        ({"time": TimeSync(())}, []),
        ({"journal_bytes": 500 << 20}, [(JOURNALD, "[Journal]\nSystemMaxUse=512000K\n")]),
        ({}, []),
    ],
)
def test_each_key_has_its_file(settings: dict[str, object], files: list[tuple[str, str]]) -> None:
    """In the words of who reads it; nothing declared, no file."""
    assert host_files(host(**settings)) == tuple(ManagedFile(path, text) for path, text in files)


def test_who_reads_what_is_known_without_a_word() -> None:
    """Law: a unit file and its drop-ins are their unit's; the files of time and logs have their readers."""
    unit, drop_in = "/etc/systemd/system/till.service", "/etc/systemd/system/chrony.service.d/10-x.conf"
    found = host_services(
        host(
            HostFile(unit, "[Service]", "0644"),
            HostFile(drop_in, "[Service]", "0644"),
            HostFile("/etc/till.conf", "a", "0644", ("till.service", "pos@1.service")),
            HostFile("/etc/systemd/system/getty@.service.d/a.conf", "[Service]", "0644"),
            HostFile("/etc/systemd/system/a.service.wants/b.service", "[Service]", "0644"),
            services=(Service("till.service", ENABLED), Service("cups.service", MASKED)),
            time=TimeSync(("10.0.0.1",)),
            journal_bytes=1 << 20,
        )
    )
    assert found == (
        Service("chrony.service", "", (CHRONY, drop_in)),
        Service("cups.service", MASKED),
        Service("pos@1.service", "", ("/etc/till.conf",)),
        Service("systemd-journald.service", "", (JOURNALD,)),
        Service("systemd-timesyncd.service", "", (TIMESYNCD,)),
        Service("till.service", ENABLED, (unit, "/etc/till.conf")),
    )
