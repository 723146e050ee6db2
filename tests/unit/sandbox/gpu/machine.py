"""A pretend machine in a folder: its programs run there, with their paths turned into it. Nothing is mounted."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from edgectl.sandbox.gpu.hardware import KNOBS, NOUVEAU, hardware

PLACES = ("/etc/sandbox-gpu", "/etc/modprobe.d", "/usr/lib/", "/run/", "/dev/nvidia", "/usr/bin/dmesg", "/usr/sbin/")


class Node:
    """A folder as a node's root; scripts run there with their paths turned into it."""

    def __init__(self, root: Path, gpus: int, *, driver: bool = True) -> None:
        self.root = root
        library = root / "built.so"
        library.write_bytes(b"\x7fELF")
        for file in hardware(gpus, library, driver=driver):
            path = root / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            data = file.data
            if data.startswith(b"#!/bin/sh"):
                for place in PLACES:
                    data = data.replace(place.encode(), f"{root}{place}".encode())
            path.write_bytes(data)
            path.chmod(file.mode)
        for folder in ("dev", "run", "usr/bin", "usr/lib/x86_64-linux-gnu"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        real = root / "usr/bin/dmesg"
        real.write_text("#!/bin/sh\necho '[    0.000000] Linux version 6.1'\n")
        real.chmod(0o755)

    def run(self, path: str, *arguments: str, err: str = "") -> tuple[int, str]:
        """Run one of the node's programs, where kmod knows the module that was built."""
        words = [str(self.root / path), *arguments]
        env = {"PATH": f"{self.root}/kmod:{os.defpath}"}
        ran = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False, env=env)
        assert ran.stderr == (f"modprobe: {err}\n" if err else "")
        return ran.returncode, ran.stdout

    def build(self, version: str) -> None:
        """Put a driver's module onto the disk."""
        modinfo = self.root / "kmod/modinfo"
        modinfo.parent.mkdir(exist_ok=True)
        modinfo.write_text(f"#!/bin/sh\necho {version}\n")
        modinfo.chmod(0o755)

    def keep_nouveau_away(self) -> None:
        """As a package of the driver does it."""
        path = self.root / NOUVEAU
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("blacklist nouveau\n")

    def boot(self) -> None:
        """Restart the machine: what is on tmpfs goes."""
        shutil.rmtree(self.root / "run")
        for device in (self.root / "dev").iterdir():
            device.unlink()
        self.driver("boot")

    @property
    def loaded(self) -> str:
        """The driver that runs, by the kernel's own word."""
        path = self.root / "run/sandbox-gpu/module/nvidia/version"
        return path.read_text().strip() if path.exists() else ""

    def driver(self, verb: str) -> None:
        """Let the driver do something."""
        assert self.run("usr/lib/sandbox-gpu/sandbox-driver", verb)[0] == 0

    def knob(self, name: str, text: str) -> None:
        """Turn a knob."""
        (self.root / KNOBS / name).write_text(text)

    @property
    def devices(self) -> set[str]:
        """The device files that are there."""
        return {path.name for path in (self.root / "dev").iterdir()}
