"""The wheel, installed where nothing of the checkout is: it carries all it needs, and deploys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.operator import ROOT

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT))
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `edgectl` of an environment that has the wheel, its locked libraries, and nothing else."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    _run(sys.executable, "-m", "venv", str(folder))
    python = str(folder / "bin/python")
    _run(python, "-m", "pip", "install", "-q", "-c", str(ROOT / "requirements.lock"), str(wheel))
    return folder / "bin/edgectl"


def test_the_wheel_carries_templates_charts_and_the_sandbox(wheel: Path) -> None:
    """Law: what a deploy, `init` and the sandbox read is in the wheel; tests and caches are not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (
        "edgectl/templates/inventory.yaml",
        "edgectl/templates/k3s/k3s.service.j2",
        "edgectl/templates/report/page.html.j2",
        "edgectl/templates/report/page.css",
        "edgectl/templates/charts/vision-stack/Chart.yaml",
        "edgectl/templates/charts/nvidia-device-plugin/Chart.yaml",
        "edgectl/templates/models/tiny-detector/2/reference.json",
        "edgectl/node/host/preflight.sh",
        "edgectl/node/units/edgectl-node.sh",
        "edgectl/node/units/edgectl-converge.service",
        "edgectl/sandbox/k3s/standin/go.sum",
        "edgectl/sandbox/gpu/plugin/main.go",
    ):
        assert path in names, path
    assert not [name for name in names if name.startswith("tests/") or "__pycache__" in name]


def test_the_wheel_deploys_a_store_as_the_checkout_does(installed: Path, settled: Shop, tmp_path: Path) -> None:
    """Law: same inventory, same payload and engine, whoever made them: nothing to change."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["EDGECTL_INVENTORY"] = str(settled.operator.inventory)
    said = _run(str(installed), "deploy", settled.operator.store, "-o", "json", cwd=tmp_path, env=environment)
    outcome = json.loads(said)
    assert outcome["changed"] == []
    assert outcome["blob_bytes"] == 0
    assert outcome["verdict"]["word"] == "ready"


def test_a_new_user_starts_with_the_wheel(installed: Path, tmp_path: Path) -> None:
    """Law: `init` writes the starter inventory and its schema, from the wheel alone."""
    _run(str(installed), "init", str(tmp_path), cwd=tmp_path)
    text = (tmp_path / "stores/inventory.yaml").read_text()
    assert text == (ROOT / "templates/inventory.yaml").read_text()
    assert json.loads((tmp_path / "stores/inventory.schema.json").read_text())["properties"]["stores"]


def _run(*argv: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    ended = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, f"{' '.join(argv)}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout
