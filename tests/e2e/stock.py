"""Copies of the bundle that a test may add things to.

They lie in the store's own folder and go away with it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import yaml

from edgectl.sandbox.machine.store import SandboxStore


def copy_bundle(store: SandboxStore, name: str) -> Path:
    """Return a copy of the bundle that the store's inventory names, made of hard links."""
    source = Path(yaml.safe_load(store.inventory.read_text())["bundle"])
    target = store.place.home / f"bundle-{name}"
    shutil.copytree(source, target, copy_function=_link)
    return target


def _link(source: str, target: str) -> None:
    if Path(source).parent.name == "sha256":  # blobs never change; the index does
        try:
            os.link(source, target)
        except OSError:  # another file system
            pass
        else:
            return
    shutil.copyfile(source, target)
