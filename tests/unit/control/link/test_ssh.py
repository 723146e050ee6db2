"""What an import costs is paid before a connection is made, on every command."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.programs("only a fresh interpreter shows what an import brings along")
def test_paramiko_brings_no_test_library_along() -> None:
    """The link imports paramiko without invoke, which would bring unittest.mock, asyncio and a YAML; others still can.

    Seeded fault: `import paramiko` first.
    """
    code = "import sys, edgectl.control.link.connect; print({'invoke', 'unittest.mock'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "set()"
