"""The power supply of one node: mounts its disk and runs its machine, again after every reboot, until power-off.

Runs detached, in a mount namespace of its own: when it ends, however it ends, its mounts and loop device go with it.
SIGTERM asks the machine to power off. Must not know who asks, nor what the machine runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from edgectl.sandbox.machine import cgroup
from edgectl.sandbox.machine.command import run
from edgectl.sandbox.machine.disk import mount_disk, unmount_disk
from edgectl.sandbox.machine.network import BRIDGE
from edgectl.sandbox.machine.places import NodePlace, StorePlace
from edgectl.wire.errors import EdgectlError

_REBOOT = 133  # with --keep-unit nspawn leaves a reboot of the machine to its caller


def machine_name(store: StorePlace, node: str) -> str:
    """Return the machine's name on this host; its hostname is the node's alone."""
    return f"edgectl-{store.name}-{node}"


def main(arguments: list[str]) -> int:
    """Run the node until it is powered off. Arguments: the store's folder, the node's name."""
    os.chdir("/")
    store = StorePlace(Path(arguments[0]))
    name = arguments[1]
    node = store.node(name)
    try:
        groups = () if Path("/run/systemd/system").is_dir() else cgroup.enter(machine_name(store, name))
        group = cgroup.step_aside()
        mount_disk(node.disk, node.root)
        if node.seed.is_dir():
            _plant(node)
        code = _power(store, name, group)
        unmount_disk(node.root)
        cgroup.leave(groups)
    except EdgectlError as error:
        _note(node, f"{error.message} {' | '.join(error.details)}")
        return int(error.exit)
    except OSError as error:
        _note(node, f"supervisor: {error}")
        return 1
    node.supervisor.unlink(missing_ok=True)
    return code


def _plant(node: NodePlace) -> None:
    """Make a fresh disk this node's. Half done is done again: the seed goes only after the disk is synced."""
    shutil.copytree(node.seed, node.root, symlinks=True, dirs_exist_ok=True)
    run(["sync", "--file-system", node.root])  # this disk only: sync(2) would wait for the whole host
    shutil.rmtree(node.seed)


def _power(store: StorePlace, name: str, group: Path | None) -> int:
    node = store.node(name)
    while True:
        with node.console.open("ab") as console:
            machine = subprocess.Popen(
                [*_into(group), *_nspawn(store, name)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                # As on a real node: /proc/sys and /sys writable, since kubelet and kube-proxy set what they need;
                # /tmp on disk.
                env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1", "SYSTEMD_NSPAWN_TMPFS_TMP": "0"},
            )
        _note(node, f"power on, nspawn {machine.pid}")
        signal.signal(signal.SIGTERM, lambda *_, pid=machine.pid: os.kill(pid, signal.SIGTERM))
        code = machine.wait()  # no deadline: a node may run for days; whoever asks it to end has the deadline
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _note(node, f"power off, status {code}" if code != _REBOOT else "reboot")
        if code != _REBOOT:
            return code


def _into(group: Path | None) -> list[str]:
    """Return the words that start a command in a group."""
    return [] if group is None else ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group)]


def _nspawn(store: StorePlace, name: str) -> list[str]:
    return [
        "setpriv",  # the machine ends with its supervisor, however that ends
        "--pdeathsig",
        "KILL",
        "nsenter",  # not `ip netns exec`, which mounts a new /sys and thereby hides the control groups
        f"--net={store.netns_path}",
        "systemd-nspawn",
        "--quiet",
        "--directory",
        str(store.node(name).root),
        "--boot",
        "--register=no",
        "--keep-unit",
        f"--machine={machine_name(store, name)}",
        f"--hostname={name}",
        f"--network-bridge={BRIDGE}",
        "--console=pipe",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--capability=all",
        "--drop-capability=CAP_SYS_TIME",  # `date -s` inside would set the host's clock
        "--bind=/dev/kmsg",
        "--system-call-filter=@mount @keyring @module bpf perf_event_open",
    ]


def _note(node: NodePlace, sentence: str) -> None:
    with node.power_log.open("a") as log:
        log.write(f"{datetime.now().astimezone().isoformat(timespec='milliseconds')} {sentence}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
