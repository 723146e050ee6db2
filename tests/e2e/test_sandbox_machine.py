"""The sandbox's machines are what the other end-to-end tests stand on: power, disks, and that nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgectl.sandbox.machine import cgroup
from edgectl.sandbox.machine.command import run
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from edgectl.wire.errors import InvalidInput

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
NODE = "node-1"


@pytest.fixture(scope="module")
def box() -> Sandbox:
    return Sandbox(say=print)


@pytest.fixture
def names() -> Iterator[list[str]]:
    """Names of stores that the test makes; those it leaves are taken down."""
    made: list[str] = []
    yield made
    box = Sandbox(say=print)
    for store in box.stores():
        if store.name in made:
            box.down(store.name)


@pytest.fixture(scope="module")
def store(box: Sandbox) -> Iterator[SandboxStore]:
    """One bare store for all tests that leave it as it was."""
    yield box.up("e2e-machine", gpus=2)
    box.down("e2e-machine")


def test_a_power_cut_loses_what_was_not_synced_and_keeps_what_was(store: SandboxStore) -> None:
    """What a program has synced survives the loss of power; what it has only written does not."""
    store.execute(NODE, ["sh", "-c", "echo kept > /root/synced; sync -f /root; echo gone > /root/unsynced"])
    store.cut_power()
    store.power_on()
    assert store.execute(NODE, ["cat", "/root/synced"]).out == "kept\n"
    assert store.execute(NODE, ["cat", "/root/unsynced"], check=False).code != 0


def test_nobody_lives_to_tell_that_the_power_is_gone(store: SandboxStore) -> None:
    """Law: programs and disk go in the same moment: none is there after its disk, to say what became of it."""
    writes = "echo begun; while :; do echo x 2>/dev/null > /root/beat || echo the disk is gone; done"
    entrance = store.machine(NODE).entrance()
    argv = [*entrance, "systemd-run", "--quiet", "--pipe", "--wait", "sh", "-c", writes]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "begun\n"
        store.cut_power()
        assert writer.stdout.read() == ""
    store.power_on()


def test_an_orderly_power_off_keeps_everything(store: SandboxStore) -> None:
    """The counter-proof: the same unsynced write survives an orderly power-off."""
    store.execute(NODE, ["sh", "-c", "echo here > /root/ordered"])
    store.power_off()
    assert store.machine(NODE).supervisor is None
    store.power_on()
    assert store.execute(NODE, ["cat", "/root/ordered"]).out == "here\n"


def test_a_reboot_comes_back_as_the_same_node_with_a_new_boot(store: SandboxStore) -> None:
    """A reboot changes the boot id and empties /run; name, machine id, keys and disk stay."""
    same = ["sh", "-c", "hostname; cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub"]
    boot = ["cat", "/proc/sys/kernel/random/boot_id"]
    who, first = store.execute(NODE, same).out, store.execute(NODE, boot).out
    store.execute(NODE, ["touch", "/run/of-this-boot"])
    for hard in (False, True):
        store.reboot(NODE, hard=hard)
        assert store.execute(NODE, same).out == who
        assert store.execute(NODE, boot).out != first
        assert store.execute(NODE, ["test", "-e", "/run/of-this-boot"], check=False).code == 1


def test_the_node_is_a_whole_system(store: SandboxStore) -> None:
    """Systemd has started everything it knows, the disk is the node's own, and its GPUs are described."""
    state = store.execute(NODE, ["systemctl", "is-system-running", "--wait"], check=False)
    assert state.out == "running\n", store.execute(NODE, ["systemctl", "--failed"], check=False).out
    assert store.execute(NODE, ["findmnt", "-no", "FSTYPE", "/"]).out == "ext4\n"
    assert store.execute(NODE, ["cat", "/etc/sandbox-gpu/count"]).out == "2\n"


def test_a_node_sees_no_network_but_its_own(store: SandboxStore) -> None:
    """The store's network is an island: the gateway answers, and there is nothing of it in the host's own network."""
    assert store.execute(NODE, ["ping", "-c1", "-W2", "10.77.0.1"]).code == 0
    assert "10.77.0." not in run(["ip", "-o", "addr"]).out


def test_a_clone_is_the_same_node_and_answers_within_10_seconds(
    box: Sandbox, store: SandboxStore, names: list[str]
) -> None:
    """A clone of a running store has its name, address, keys and files, and both run at the same time."""
    store.execute(NODE, ["sh", "-c", "echo before > /root/history"])
    started = time.monotonic()
    names.append("e2e-copied")
    clone = box.clone(store.name, "e2e-copied")
    assert time.monotonic() - started <= 10
    for question in (["hostname"], ["cat", "/etc/machine-id"], ["cat", "/root/history"], ["ip", "-br", "addr"]):
        if question[0] != "ip":
            assert clone.execute(NODE, question).out == store.execute(NODE, question).out
    assert clone.record.nodes[0].host_key == store.record.nodes[0].host_key
    assert clone.key.read_bytes() == store.key.read_bytes()
    assert clone.record.nodes[0].port != store.record.nodes[0].port
    clone.execute(NODE, ["sh", "-c", "echo after > /root/history"])
    assert store.execute(NODE, ["cat", "/root/history"]).out == "before\n"


def test_a_kept_store_comes_back_under_another_name(box: Sandbox, store: SandboxStore, names: list[str]) -> None:
    """What was saved is what a new store starts from, whatever has happened to the original since."""
    store.execute(NODE, ["sh", "-c", "echo saved > /root/state"])
    box.save(store.name, "e2e-kept")
    try:
        store.execute(NODE, ["sh", "-c", "echo changed > /root/state"])
        names.append("e2e-again")
        again = box.from_saved("e2e-kept", "e2e-again")
        assert again.execute(NODE, ["cat", "/root/state"]).out == "saved\n"
    finally:
        box.forget("e2e-kept")


def _left_behind(name: str) -> list[str]:
    found = [line for line in Path("/proc/mounts").read_text().splitlines() if name in line]
    found += [line for line in run(["losetup", "--all"]).out.splitlines() if name in line]
    found += [line for line in run(["ip", "netns", "list"]).out.splitlines() if name in line]
    found += [line for line in run(["ip", "-o", "link"]).out.splitlines() if name in line]
    found += [str(group) for group in cgroup.groups_named(f"edgectl-{name}")]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if name in words:
                found.append(words)
    found += [str(path) for path in Path("/run").glob(f"**/*{name}*")]
    return found


def test_down_leaves_nothing(box: Sandbox, names: list[str]) -> None:
    """No process, mount, loop device, network, control group or file of the store is left."""
    names.append("e2e-gone")
    store = box.up("e2e-gone")
    assert _left_behind("e2e-gone"), "the check must be able to see a store that is up"
    box.down("e2e-gone")
    assert _left_behind("e2e-gone") == []
    assert not store.place.home.exists()
    with pytest.raises(InvalidInput, match="no sandbox store 'e2e-gone'"):
        box.store("e2e-gone")


def test_down_may_keep_the_disk(box: Sandbox, names: list[str]) -> None:
    """With the disk kept, up brings the same node back."""
    names.append("e2e-keep")
    store = box.up("e2e-keep")
    store.execute("node-1", ["sh", "-c", "echo mine > /root/note"])
    box.down("e2e-keep", keep_disk=True)
    assert [line for line in _left_behind("e2e-keep") if "/run" not in line] == []
    assert box.up("e2e-keep").execute(NODE, ["cat", "/root/note"]).out == "mine\n"


def test_the_next_up_cleans_what_a_crash_left(box: Sandbox, names: list[str]) -> None:
    """Supervisor and proxy killed -9, the machine orphaned: the next run ends it and takes its things away."""
    names += ["e2e-crash", "e2e-next"]
    store = box.up("e2e-crash")
    for process in (store.machine(NODE).supervisor, store.link.process):
        assert process is not None
        process.signal(signal.SIGKILL)
        assert process.gone_within(5)
    (store.place.record).unlink()  # as if it had died half made
    box.up("e2e-next")
    assert _left_behind("e2e-crash") == []
    assert not store.place.home.exists()


def test_a_store_whose_supervisor_was_killed_powers_on_again(box: Sandbox, names: list[str]) -> None:
    """A lost supervisor is a power failure, not a lost store."""
    names.append("e2e-orphan")
    store = box.up("e2e-orphan")
    supervisor = store.machine(NODE).supervisor
    assert supervisor is not None
    supervisor.signal(signal.SIGKILL)
    assert supervisor.gone_within(5)
    store.power_on()
    assert store.execute(NODE, ["hostname"]).out == "node-1\n"
