"""Which files a machine's first boot takes, by its operating system, and what whoever stands there must do.

Owns the set and README.txt. Pure.
"""

from __future__ import annotations

from edgectl.control.firstboot.autoinstall import FOLDER, autoinstall
from edgectl.control.firstboot.machine import FirstBootFile, Machine
from edgectl.control.firstboot.nocloud import seed
from edgectl.control.firstboot.preseed import preseed
from edgectl.control.link.secret import Secret

LABEL = "CIDATA"  # by which cloud-init knows its medium
README = "README.txt"
# Everything that any machine's set can have
NAMES = (
    *("meta-data", "user-data", "network-config", "preseed.cfg"),
    *(f"{FOLDER}/meta-data", f"{FOLDER}/user-data", README),
)
_TITLES = {
    "debian-12": "Debian 12",
    "debian-13": "Debian 13",
    "ubuntu-22.04": "Ubuntu 22.04",
    "ubuntu-24.04": "Ubuntu 24.04",
}


def files(machine: Machine, *, installer: bool = False) -> tuple[FirstBootFile, ...]:
    """Return the files, README.txt last; `installer`: Ubuntu's installer finds its own at the medium's top."""
    if installer:
        found = autoinstall(machine, folder="")
    elif is_ubuntu(machine.install.os):
        found = (*seed(machine), *autoinstall(machine))
    else:
        found = (*seed(machine), preseed(machine))
    return (*found, FirstBootFile(README, Secret(readme(machine, installer=installer))))


def is_ubuntu(os: str) -> bool:
    """Tell whether Ubuntu's installer is meant."""
    return os.startswith("ubuntu-")


def mark(title: str) -> str:
    """Return the line by which a set of files is known: whose it is."""
    return f"edgectl image {title}"


def readme(machine: Machine, *, installer: bool) -> str:
    """Return what whoever stands there reads."""
    install = machine.install
    network = install.network
    system = _TITLES[install.os]
    serial = f"serial number {install.serial}" if install.serial else "serial number not known"
    card = f", network card {network.mac}" if network.mac else ""
    how = "fixed" if network.address else "by DHCP: the store's router must give it this one"
    many = len(machine.account.logins)
    login = f"{machine.account.name} logs in with {many} key{'s' if many > 1 else ''}, no password"
    image = f"the disk has a ready image of {system}: label this medium {LABEL}, plug it in, power on"
    if is_ubuntu(install.os):
        where = "this medium" if installer else f"a medium with what is in {FOLDER}/"
        empty = f"{where}, labelled {LABEL}, and {system}'s own: boot that with the word autoinstall"
    else:
        empty = f"boot {system}'s installer with preseed.cfg (docs/image.md says how)"
    lines = (
        mark(machine.title),
        f"1. Machine: {serial}{card}. Is it this one? If not, stop.",
        f"2. Network: {machine.address}, {how}. At {machine.hostname}, {login}.",
        f"3. {'Not for a disk with a ready image' if installer else f'If {image}'}.",
        f"4. If the disk is empty: {empty}. THE DISK IS ERASED.",
        "5. When it shows a login, take the medium out. Nobody needs to log in.",
        f"6. Tell whoever runs edgectl: edgectl deploy {machine.store}",
        f"7. Wipe this medium: the machine's private host key is on it ({machine.host_key.fingerprint}).",
    )
    return "".join(f"{line}\n" for line in lines)
