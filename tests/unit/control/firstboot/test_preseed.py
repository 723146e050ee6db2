"""preseed.cfg: its answers, its disk, and its last commands run by a real shell on a pretended target."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.firstboot.preseed import preseed
from edgectl.control.inventory.install import InstallDisk, InstallNetwork
from tests.unit.control.firstboot.machines import FIXED, LOGIN, MAC, PAIR, every, machine

TYPES = {"string", "boolean", "select", "multiselect", "password", "note"}


def text(**install: Any) -> str:
    """Return the file."""
    return preseed(machine(**install)).text.reveal()


def answers(said: str) -> dict[str, str]:
    """Return the answers by question, as debconf-set-selections reads them: owner, question, type, value."""
    found: dict[str, str] = {}
    for line in said.replace("\\\n", "").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        owner, question, kind, *value = line.split(" ", 3)
        assert owner in {"d-i", "popularity-contest"}
        assert kind in TYPES, line
        assert question not in found, f"{question} is answered twice"
        found[question] = value[0] if value else ""
    return found


def test_every_machine_has_answers() -> None:
    """Law: each line is an answer, none is given twice, and no question is left that would stop the installer."""
    for one in every():
        found = answers(preseed(one).text.reveal())
        assert found["partman/confirm"] == found["partman/confirm_nooverwrite"] == "true"
        assert found["popularity-contest/participate"] == "false"
        assert set(found["pkgsel/include"].split()) >= {"openssh-server", "python3", "sudo"}
        assert found["finish-install/reboot_in_progress"] == ""
        assert found["time/zone"] == "Europe/Berlin"


@pytest.mark.programs("debconf's own checker")
@pytest.mark.skipif(shutil.which("debconf-set-selections") is None, reason="no debconf on this machine")
def test_debconf_reads_it(tmp_path: Path) -> None:
    """Law: Debian's own program finds nothing wrong in all of them; and it would: a line without its type."""
    file = tmp_path / "preseed.cfg"
    file.write_text("".join(preseed(one).text.reveal() for one in every()))
    env = {**os.environ, "DEBCONF_DB_REPLACE": f"File{{{tmp_path}/config.dat}}"}  # nobody else holds its lock

    def check() -> tuple[int, str]:
        argv = ["debconf-set-selections", "--checkonly", str(file)]
        ran = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=60)
        return ran.returncode, ran.stderr

    assert check() == (0, "")
    file.write_text(file.read_text().replace("time/zone string Europe/Berlin", "time/zone", 1))
    assert check()[0] != 0


def test_no_password_opens_anything() -> None:
    """Law: the one account has a key; where that is root, no other is made."""
    user, root, edge = answers(text()), answers(text(user="root")), answers(text(user="edge"))
    assert (user["passwd/root-login"], user["passwd/username"]) == ("false", "deploy")
    assert user["passwd/user-password-crypted"] == root["passwd/root-password-crypted"] == "!"
    assert (root["passwd/root-login"], root["passwd/make-user"]) == ("true", "false")
    assert "passwd/username" not in root
    assert edge["passwd/make-user"] == "false", "he is made by the last commands"
    assert "--home-dir /etc/edgectl/users/edge --shell /bin/sh --password '*' edge" in edge["preseed/late_command"]


def test_no_mirror_is_the_medium_alone() -> None:
    """Law: without a mirror no network is asked for a package; with one it is said in debconf's three parts."""
    alone = answers(text())
    assert alone["apt-setup/use_mirror"] == "false"
    assert alone["apt-setup/services-select"] == ""
    found = answers(text(mirror="https://mirror.example:8443/debian"))
    assert found["mirror/protocol"] == "https"
    assert found["mirror/https/hostname"] == "mirror.example:8443"
    assert found["mirror/https/directory"] == "/debian"
    assert "apt-setup/use_mirror" not in found
    assert found["apt-setup/services-select"] == "", "no other host is asked, which would stop the installation"


def recipe(**install: Any) -> list[tuple[list[str], dict[str, str]]]:
    """Return the recipe's partitions: the sizes and the file system, and what is said in braces."""
    name, _, rest = answers(text(**install))["partman-auto/expert_recipe"].partition(" :: ")
    assert name == "edgectl"
    found = []
    for part in re.split(r" \.(?: |$)", rest.strip()):
        if part.strip():
            words = dict(re.findall(r"([$a-z_]+)\{ ([^}]*?) ?\}", part))
            found.append((part.split()[:4], words))
    return found


def test_the_disk_is_what_is_declared() -> None:
    """Law: the system's size in MB, rounded up and neither more nor less; the rest is /var/lib; BIOS only on amd64."""
    bios, esp, root, data = recipe(disk=InstallDisk("/dev/sda", 30 << 30, data=True))
    assert bios[1]["method"] == "biosgrub"
    assert esp[1]["method"] == "efi"
    assert root == (["32213"] * 3 + ["ext4"], {**root[1], "mountpoint": "/", "filesystem": "ext4"})
    assert data[0][2:] == ["-1", "ext4"]
    assert data[1]["mountpoint"] == "/var/lib"
    assert [one[1].get("method") for one in recipe(arch="arm64")] == ["efi", "format"]
    assert recipe()[-1][0] == ["4000", "10000", "-1", "ext4"]
    for part, _ in recipe(disk=InstallDisk("", 20 << 30)):
        least, weight, most = map(int, part[:3])
        assert least <= weight
        assert most == -1 or least <= most


def run(script: str, folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Run a script by sh, with programs that only the installer has."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    for name, content in programs.items():
        path = tools / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{content}\n")
        path.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": f"{tools}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


@pytest.mark.programs("the commands are the installer's shell's")
def test_the_last_commands_leave_what_is_declared(tmp_path: Path) -> None:
    """Law: host key, account and network lie on the target, each with its mode; the installer keeps no key.

    The shell is the test's own, and `chroot` only goes on with what is behind it.
    """
    target, net = tmp_path / "target", tmp_path / "net"
    for folder in ("etc/ssh", "etc/network", "etc/sudoers.d", "home/deploy"):
        (target / folder).mkdir(parents=True)
    for name in ("rsa_key", "rsa_key.pub", "ed25519_key", "ed25519_key.pub"):
        (target / f"etc/ssh/ssh_host_{name}").write_text("made by the package\n")
    for card, mac in (("enp1s0", "00:00:00:00:00:01"), ("enp2s0", MAC)):
        (net / card).mkdir(parents=True)
        (net / card / "address").write_text(f"{mac}\n")
    copies = tmp_path / "55netcfg"
    copies.write_text("")
    script = answers(text(network=FIXED))["preseed/late_command"]
    script = script.replace("cut -d / -f 5", f"cut -d / -f {len(net.parts) + 1}")
    script = script.replace("/usr/lib/finish-install.d/55netcfg-copy-config", str(copies))
    script = script.replace("/sys/class/net", str(net)).replace("/target", str(target))
    log, modes = tmp_path / "log", tmp_path / "modes"
    ran = run(
        script,
        tmp_path,
        chroot=f"stat -c %a {target}/etc/ssh/ssh_host_ed25519_key 2>/dev/null >> {modes}\n"
        f'shift; case "$1" in chown) echo "$*" >> {log};; *) exec "$@";; esac',
        debconf_set=f'echo "$1=[$2]" >> {log}',
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    ssh = target / "etc/ssh"
    assert sorted(path.name for path in ssh.iterdir()) == ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"]
    assert (ssh / "ssh_host_ed25519_key").read_text() == PAIR.private.reveal()
    before, after = modes.read_text().split()[:3], modes.read_text().split()[3:]
    assert before == ["644"] * 3, "the package's own, while other files are written"
    assert set(after) == {"600"}, "ours, from its first moment on"
    assert (ssh / "ssh_host_ed25519_key.pub").read_text() == f"{PAIR.public} store-042-node-1\n"
    keys = target / "home/deploy/.ssh/authorized_keys"
    assert keys.read_text() == f"{LOGIN}\n"
    assert (keys.stat().st_mode & 0o777, keys.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert (target / "etc/sudoers.d/90-edgectl-image").stat().st_mode & 0o777 == 0o440
    assert (target / "etc/hostname").read_text() == "store-042-node-1\n"
    assert (target / "etc/network/interfaces").read_text().splitlines() == [
        "auto lo",
        "iface lo inet loopback",
        "allow-hotplug enp2s0",
        "iface enp2s0 inet static",
        "  address 10.77.0.11/24",
        "  gateway 10.77.0.1",
    ]
    assert (target / "etc/resolv.conf").read_text() == "nameserver 10.77.0.1\nnameserver 10.77.0.2\n"
    assert not copies.exists()
    assert log.read_text() == "chown -R deploy: /home/deploy/.ssh\npreseed/late_command=[]\n"


@pytest.mark.programs("the commands are the installer's shell's")
def test_a_deploy_user_is_there_before_his_files(tmp_path: Path) -> None:
    """Law: he is made with his home elsewhere, and each of his files lies there, in folders that sshd can read."""
    target, log = tmp_path / "target", tmp_path / "log"
    (target / "etc/ssh").mkdir(parents=True)
    script = answers(text(user="edge"))["preseed/late_command"].replace("/target", str(target))
    makes = f'shift; case "$1" in useradd) echo "$*" >> {log};; *) exec "$@";; esac'
    ran = run(script, tmp_path, chroot=makes, debconf_set="exit 0")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert log.read_text().startswith("useradd --system --user-group --no-create-home --home-dir /etc/edgectl/users/")
    for file in machine(user="edge").account.planted:
        path = target / file.path.lstrip("/")
        assert (path.read_text(), path.stat().st_mode & 0o777) == (file.text, int(file.mode, 8))
        assert path.parent.stat().st_mode & 0o777 == 0o755


@pytest.mark.programs("the commands are the installer's shell's")
def test_a_last_command_that_fails_is_a_failure(tmp_path: Path) -> None:
    """Law: a key that could not be written ends the installation visibly. Seeded: no `set -e`."""
    script = answers(text())["preseed/late_command"].replace("/target", str(tmp_path / "target"))
    assert run(script, tmp_path, chroot="exit 1", debconf_set="exit 0").returncode != 0


@pytest.mark.programs("the commands are the installer's shell's")
@pytest.mark.parametrize(
    ("disks", "chosen"),
    [
        ({"sda": "0 pci0000/ata1"}, "/dev/sda"),
        ({"nvme0n1": "0 pci0000/nvme", "sdb": "1 pci0000/usb1/1-1", "sdc": "0 pci0000/usb2/2-1"}, "/dev/nvme0n1"),
        ({"sda": "0 pci0000/ata1", "sdb": "0 pci0000/ata2"}, ""),
        ({"sdb": "1 pci0000/usb1/1-1"}, ""),
        ({}, ""),
    ],
)
def test_which_disk_is_erased_is_never_guessed(disks: dict[str, str], chosen: str, tmp_path: Path) -> None:
    """Law: the one disk that is built in, whatever sticks are there; else the installer asks. Seeded: the first."""
    block = tmp_path / "block"
    block.mkdir()
    for name, place in disks.items():
        removable, path = place.split()
        real = tmp_path / "devices" / path / name
        real.mkdir(parents=True)
        (real / "removable").write_text(f"{removable}\n")
        (block / name).symlink_to(real)
    command = answers(text())["partman/early_command"].replace("/sys/block", str(block))
    listed = " ".join(f"/dev/{name}" for name in disks)
    ran = run(command, tmp_path, list_devices=f"echo {listed}", debconf_set='echo "$1 $2"')
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == (f"partman-auto/disk {chosen}\n" if chosen else "")
    assert answers(text(disk=InstallDisk("/dev/sdb")))["partman-auto/disk"] == "/dev/sdb"


def test_an_address_of_the_sixth_version_is_one() -> None:
    """Law: the family stands with the address."""
    script = answers(text(network=InstallNetwork(MAC, "fd00::11/64", "fd00::1")))["preseed/late_command"]
    assert "iface $card inet6 static" in script
