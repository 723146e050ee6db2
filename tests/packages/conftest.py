"""A machine of its own for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.packages.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a bare machine; skipped where there is no apt."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        pytest.skip("apt and dpkg are needed: this is no Debian or Ubuntu")
    return Machine(tmp_path / "root")
