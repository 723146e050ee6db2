"""What makes a node this node: name, address, keys, machine id, GPUs, as a tree of files to lay over a new disk.

Owns: those files. Must not know how a disk is mounted or a machine started.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from edgectl.sandbox.gpu.hardware import hardware
from edgectl.sandbox.machine.command import run
from edgectl.sandbox.machine.network import GATEWAY

_HOST_KEY = "etc/ssh/ssh_host_ed25519_key"


def make_key(path: Path, comment: str) -> None:
    """Make an ed25519 key pair without a passphrase, unless it is there."""
    if not path.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])


def write_seed(
    seed: Path,
    *,
    hostname: str,
    address: str,
    authorized_key: str,
    gpus: int,
    cuda: Path | None = None,
    driver: bool = True,
) -> str:
    """Write a node's own files below `seed`; return its public host key (`ssh-ed25519 AAAA...`).

    `cuda` is the library that stands in for the CUDA driver's; without a `driver` there is none, and nothing of one.
    """
    _write(seed, "etc/hostname", hostname)
    _write(seed, "etc/hosts", f"127.0.0.1 localhost\n{address} {hostname}")
    _write(seed, "etc/machine-id", uuid.uuid4().hex)
    _write(seed, "etc/resolv.conf", f"nameserver {GATEWAY}")
    _write(seed, "etc/sandbox-net.env", f"ADDRESS={address}/24\nGATEWAY={GATEWAY}")
    _write(seed, "root/.ssh/authorized_keys", authorized_key, mode=0o600)
    for file in hardware(gpus, cuda, driver=driver):
        path = seed / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        path.chmod(file.mode)
    key = seed / _HOST_KEY
    key.parent.mkdir(parents=True, exist_ok=True)
    make_key(key, hostname)
    for folder in [path for path in seed.rglob("*") if path.is_dir()]:
        folder.chmod(0o700 if folder.is_relative_to(seed / "root") else 0o755)
    seed.chmod(0o755)
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def _write(seed: Path, name: str, text: str, *, mode: int = 0o644) -> None:
    path = seed / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
    path.chmod(mode)
