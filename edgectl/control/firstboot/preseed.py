"""Debian's installer, answered beforehand: preseed.cfg. Pure.

Owns the answers and the recipe of the disk. Must not know how the installer comes to the file (docs/image.md).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from edgectl.control.firstboot.account import Kind
from edgectl.control.firstboot.machine import FirstBootFile, Machine
from edgectl.control.firstboot.plant import TARGET, commands, put
from edgectl.control.link.secret import Secret
from edgectl.wire.payload import ManagedFile

_PACKAGES = "openssh-server python3 sudo ifupdown"
_LINE = " \\\n  "  # debconf-set-selections(1): the line goes on
# The one disk that is built in, sticks left out; with several, or none, the installer asks
_THE_DISK = (
    'found=""; for disk in $(list-devices disk); do place=/sys/block/${disk##*/};'
    ' [ "$(cat "$place/removable")" = 0 ] || continue;'
    ' case "$(readlink -f "$place")" in */usb*) continue;; esac;'
    ' found="$found $disk"; done;'
    ' set -- $found; if [ $# = 1 ]; then debconf-set partman-auto/disk "$1"; fi'
)


def preseed(machine: Machine) -> FirstBootFile:
    """Return the file."""
    return FirstBootFile("preseed.cfg", Secret("\n".join(_lines(machine)) + "\n"), private=True)


def _lines(machine: Machine) -> Iterator[str]:
    yield f"# {machine.title}: Debian's installer, without a question. It erases the disk. docs/image.md"
    yield from _given("debian-installer/locale string en_US.UTF-8", "keyboard-configuration/xkb-keymap select us")
    yield from _network(machine)
    yield from _mirror(machine.install.mirror)
    yield from _clock(machine)
    yield from _account(machine)
    yield from _disk(machine)
    yield "\n# What is installed: nothing that is not needed to be deployed to"
    yield from _given(
        "pkgsel/run_tasksel boolean false",
        f"pkgsel/include string {_PACKAGES}",
        "pkgsel/upgrade select none",
        "pkgsel/update-policy select none",
        "hw-detect/load_media boolean false",
        "grub-installer/only_debian boolean true",
        "grub-installer/with_other_os boolean false",
        "grub-installer/bootdev string default",
        "cdrom-detect/eject boolean true",
        "finish-install/reboot_in_progress note",
    )
    yield "popularity-contest popularity-contest/participate boolean false"
    yield "\n# Its name, its host key (private), who may log in, and what they may do"
    yield f"d-i preseed/late_command string{_LINE}{f';{_LINE}'.join(_late(machine))}"


def _given(*answers: str) -> Iterator[str]:
    yield from (f"d-i {answer}" for answer in answers)


def _network(machine: Machine) -> Iterator[str]:
    network = machine.install.network
    yield f"\n# Network: {network.address or 'DHCP'}"
    if network.mac:
        choose = '[ -z "$card" ] || debconf-set netcfg/choose_interface "$card"'
        yield f"d-i preseed/early_command string {_card(network.mac)}; {choose}"
    else:
        yield "d-i netcfg/choose_interface select auto"
    if network.address:
        own = ipaddress.ip_interface(network.address)
        yield from _given(
            "netcfg/disable_autoconfig boolean true",
            f"netcfg/get_ipaddress string {own.ip}",
            f"netcfg/get_netmask string {own.network.netmask}",
            f"netcfg/get_gateway string {network.gateway or 'none'}",
            f"netcfg/get_nameservers string {' '.join(network.dns)}".rstrip(),
            "netcfg/confirm_static boolean true",
        )
    yield from _given(
        f"netcfg/hostname string {machine.hostname}",
        f"netcfg/get_hostname string {machine.hostname}",
        "netcfg/get_domain string",
    )


def _mirror(mirror: str) -> Iterator[str]:
    if not mirror:
        yield "\n# Packages: those of the medium, which needs no network"
        yield from _given(
            "apt-setup/use_mirror boolean false",
            "apt-setup/services-select multiselect",
            "apt-setup/cdrom/set-first boolean false",
            "apt-setup/disable-cdrom-entries boolean true",
        )
        return
    parts = urlsplit(mirror)
    yield "\n# Packages"
    yield from _given(
        "mirror/country string manual",
        f"mirror/protocol string {parts.scheme}",
        f"mirror/{parts.scheme}/hostname string {parts.netloc}",
        f"mirror/{parts.scheme}/directory string {parts.path or '/'}",
        f"mirror/{parts.scheme}/proxy string",
        "apt-setup/services-select multiselect",  # updates of a host that a store may not reach would stop it, asking
        "apt-setup/cdrom/set-first boolean false",
    )


def _clock(machine: Machine) -> Iterator[str]:
    yield "\n# Time"
    yield from _given("clock-setup/utc boolean true", f"time/zone string {machine.install.timezone}")
    yield f"d-i clock-setup/ntp boolean {'true' if machine.ntp else 'false'}"
    if machine.ntp:
        yield f"d-i clock-setup/ntp-server string {machine.ntp[0]}"


def _account(machine: Machine) -> Iterator[str]:
    yield "\n# Who logs in: with a key; no password opens the account"
    if machine.account.kind is not Kind.SUDO:  # the installer makes ordinary accounts alone
        yield from _given(
            "passwd/root-login boolean true",
            "passwd/root-password-crypted password !",
            "passwd/make-user boolean false",
        )
        return
    yield from _given(
        "passwd/root-login boolean false",
        "passwd/make-user boolean true",
        "passwd/user-fullname string edgectl",
        f"passwd/username string {machine.account.name}",
        "passwd/user-password-crypted password !",
    )


def _disk(machine: Machine) -> Iterator[str]:
    disk = machine.install.disk
    yield f"\n# Disk: {disk.device or 'the only one that is built in'}, erased"
    if disk.device:
        yield f"d-i partman-auto/disk string {disk.device}"
    else:
        yield f"d-i partman/early_command string {_THE_DISK}"
    yield from _given(
        "partman-auto/method string regular",
        f"partman-auto/expert_recipe string edgectl ::{_LINE}{_LINE.join(_recipe(machine))}",
        "partman-partitioning/default_label string gpt",
        "partman-partitioning/choose_label select gpt",
        "partman-partitioning/confirm_write_new_label boolean true",
        "partman-basicfilesystems/no_swap boolean false",
        "partman-efi/non_efi_system boolean true",
        "partman-lvm/device_remove_lvm boolean true",
        "partman-md/device_remove_md boolean true",
        "partman-md/confirm boolean true",
        "partman/mount_style select uuid",
        "partman/choose_partition select finish",
        "partman/confirm boolean true",
        "partman/confirm_nooverwrite boolean true",
    )


def _recipe(machine: Machine) -> Iterator[str]:
    """Yield the partitions: at least, weight and at most, in MB of 10^6 bytes; -1 is all that is left."""
    disk = machine.install.disk
    if machine.arch == "amd64":  # starts by BIOS, too
        yield "1 1 1 free $iflabel{ gpt } $reusemethod{ } method{ biosgrub } ."
    yield "538 538 1075 free $iflabel{ gpt } $reusemethod{ } method{ efi } format{ } ."
    size = -(-disk.root_bytes // 1_000_000)
    yield _ext4(f"{size} {size} {size}" if size else "4000 10000 -1", "/")
    if disk.data:
        yield _ext4("1000 10000 -1", "/var/lib")


def _ext4(sizes: str, path: str) -> str:
    return (
        f"{sizes} ext4 method{{ format }} format{{ }} use_filesystem{{ }} filesystem{{ ext4 }} mountpoint{{ {path} }} ."
    )


def _late(machine: Machine) -> Iterator[str]:
    yield "set -e"
    yield put(ManagedFile("/etc/hostname", f"{machine.hostname}\n"))
    yield put(ManagedFile("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {machine.hostname}\n::1 localhost\n"))
    if machine.install.network.address:
        yield from _fixed(machine)
    yield from commands(machine)
    yield 'debconf-set preseed/late_command ""'  # the installer's answers are kept on the disk


def _fixed(machine: Machine) -> Iterator[str]:
    """Yield what gives the installed system its fixed address, whichever network the installer itself has used."""
    network = machine.install.network
    own = ipaddress.ip_interface(network.address)
    family = "inet6" if own.version == 6 else "inet"  # noqa: PLR2004 - IPv6
    lines = ["echo auto lo", "echo iface lo inet loopback", 'echo "allow-hotplug $card"']
    lines += [f'echo "iface $card {family} static"', f'echo "  address {network.address}"']
    lines += [f'echo "  gateway {network.gateway}"'] if network.gateway else []
    yield _card(network.mac)
    yield f"{{ {'; '.join(lines)}; }} > {TARGET}/etc/network/interfaces"
    if network.dns:
        yield put(ManagedFile("/etc/resolv.conf", "".join(f"nameserver {server}\n" for server in network.dns)))
    yield "rm -f /usr/lib/finish-install.d/55netcfg-copy-config"  # it would put the installer's own network there


def _card(mac: str) -> str:
    """Return what sets $card to the name of a network card."""
    return f'card=$(grep -l "{mac}" /sys/class/net/*/address | head -n 1 | cut -d / -f 5)'
