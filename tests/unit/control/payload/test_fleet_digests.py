"""What a payload's digest hangs on: this store's data, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgectl.control.bundle.helm import Rendering
from edgectl.control.inventory.load import load
from edgectl.control.payload.render import _Rendering, bundle_of
from edgectl.control.payload.shelf import Shelf
from tests.bench.fleet import make_bundle, real_helm
from tests.fleet import fleet

STORES = 12
ROOT = Path(__file__).parents[4]
_CHANGES = (
    ("rtsp://10.10.{net}.21:554/stream1", "rtsp://10.10.{net}.99:554/stream1"),
    ("        address: 10.10.{net}.11", "        address: 10.10.{net}.111"),
    ("    title: ", "    title: Another "),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a bundle; Helm is stood in for."""
    folder = tmp_path_factory.mktemp("fleet")
    helm = folder / "helm"
    helm.write_bytes(b"helm")
    make_bundle(folder / "bundle", helm, "v4.3.1")
    return folder


def template(asked: Rendering) -> tuple[dict[str, Any], ...]:
    """Stand for Helm: one object that holds the values."""
    return ({"kind": "ConfigMap", "metadata": {"name": asked.release}, "data": asked.values},)


def digests(place: Path, text: str) -> dict[str, str]:
    """Return each store's digest."""
    path = place / "inventory.yaml"
    path.write_text(text)
    inventory = load(path)
    shelf = Shelf(bundle_of(inventory.store(inventory.names()[0])), template)
    return {name: _Rendering(inventory.store(name), shelf).run().payload.digest for name in inventory.names()}


@given(number=st.integers(0, STORES - 1), change=st.sampled_from(_CHANGES))
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_store_s_data_is_in_one_store_s_digest(place: Path, number: int, change: tuple[str, str]) -> None:
    """Law: changing one store's data changes only that store's digest.

    Seeded fault: the file's place or another store's facts in the payload.
    """
    text = fleet(STORES)
    before = digests(place, text)
    name = list(before)[number]
    begin = text.index(f"  {name}:\n")
    old, new = (part.format(net=_net(text, begin)) for part in change)
    assert old in text[begin:]
    after = digests(place, text[:begin] + text[begin:].replace(old, new, 1))
    assert [store for store in before if before[store] != after[store]] == [name]


def _net(text: str, begin: int) -> str:
    """Return the third number of a store's network."""
    at = text.index("address: 10.10.", begin) + len("address: 10.10.")
    return text[at : text.index(".", at)]


@pytest.mark.long
@pytest.mark.programs("each Python is a program")
@pytest.mark.parametrize("python", ["python3.11", "python3.12", "python3.13", "python3.14"])
def test_every_python_gives_the_same_digests(tmp_path: Path, python: str) -> None:
    """Law: the whole way (load, resolve, render with the real Helm) gives the same digests on every Python.

    Each gets an environment of its own with edgectl's dependencies.
    """
    if shutil.which(python) is None or subprocess.run([python, "--version"], check=False).returncode != 0:
        pytest.skip(f"there is no {python} on this machine")
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=120)
    there = tmp_path / "venv" / "bin" / "python"
    subprocess.run([there, "-m", "pip", "install", "-q", "-e", str(ROOT)], check=True, timeout=600)
    make_bundle(tmp_path / "bundle", *real_helm())
    (tmp_path / "inventory.yaml").write_text(fleet(200), encoding="utf-8")
    found = [_digests(interpreter, tmp_path) for interpreter in (str(there), sys.executable)]
    assert found[0] == found[1]
    assert len(set(found[0])) == 200


def _digests(python: str, folder: Path) -> list[str]:
    env = {**os.environ, "XDG_CACHE_HOME": str(folder / f"cache-{len(list(folder.iterdir()))}")}
    argv = [python, "-m", "tests.bench.fleet", "measure", "digests", str(folder / "inventory.yaml")]
    ran = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=600, check=True)
    found: list[str] = json.loads(ran.stdout)["digests"]
    return found
