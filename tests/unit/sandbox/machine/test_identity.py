"""A node's own files say who it is, and only root may read what is secret."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from edgectl.sandbox.machine.identity import write_seed


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    key = tmp_path / "seed/etc/ssh/ssh_host_ed25519_key"
    key.parent.mkdir(parents=True)
    key.write_text("private")
    key.with_suffix(".pub").write_text("ssh-ed25519 AAAA a comment\n")
    return tmp_path / "seed"


def _write(seed: Path, gpus: int) -> str:
    return write_seed(seed, hostname="node-2", address="10.77.0.12", authorized_key="ssh-ed25519 BBBB me", gpus=gpus)


def test_the_seed_names_the_node_and_lets_its_operator_in(seed: Path) -> None:
    assert _write(seed, 0) == "ssh-ed25519 AAAA"
    assert (seed / "etc/hostname").read_text() == "node-2\n"
    assert "ADDRESS=10.77.0.12/24" in (seed / "etc/sandbox-net.env").read_text()
    assert (seed / "root/.ssh/authorized_keys").read_text() == "ssh-ed25519 BBBB me\n"


def test_modes_are_what_sshd_wants_whatever_the_umask(seed: Path) -> None:
    """Sshd refuses keys in a folder that others can write; the rest of the system must be able to enter /etc."""
    _write(seed, 0)
    modes = {name: stat.S_IMODE((seed / name).stat().st_mode) for name in ("etc", "root", "root/.ssh")}
    assert modes == {"etc": 0o755, "root": 0o700, "root/.ssh": 0o700}
    assert stat.S_IMODE((seed / "root/.ssh/authorized_keys").stat().st_mode) == 0o600


@pytest.mark.parametrize("gpus", [0, 2])
def test_hardware_is_described_only_where_it_is(seed: Path, gpus: int) -> None:
    """A node without GPUs has neither the description nor the runtime that k3s would find."""
    _write(seed, gpus)
    assert (seed / "etc/sandbox-gpu/count").exists() == bool(gpus)
    assert (seed / "usr/bin/nvidia-container-runtime").exists() == bool(gpus)
    if gpus:
        assert (seed / "etc/sandbox-gpu/count").read_text() == "2\n"


def test_two_nodes_are_two_machines(seed: Path) -> None:
    _write(seed, 0)
    first = (seed / "etc/machine-id").read_text()
    _write(seed, 0)
    assert len(first.strip()) == 32
    assert (seed / "etc/machine-id").read_text() != first
