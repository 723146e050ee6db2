"""Every seeded fault of the product is found by the test that is named beside it; one that survives is red."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.laws.test_converge import FAULTS as LOOP_FAULTS
from tests.sim.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
_RAM = Path("/dev/shm")  # noqa: S108 - a RAM disk
_SIM = "sim: "
_NAMED = sorted({mutant.test for mutant in MUTANTS if not mutant.test.startswith(_SIM)})


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a copy of the product that may be harmed, beside the tests."""
    folder = tmp_path_factory.mktemp("mutants")
    shutil.copytree(ROOT / "edgectl", folder / "edgectl")  # compiled, too: what is harmed has another time, and is not
    compileall.compile_dir(folder / "edgectl", quiet=2)
    for name in ("tests", "templates", "stores", "docs", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    yield folder
    shutil.rmtree(folder)


def _finds(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    if tests[0].startswith(_SIM):
        words = ["-m", "tests.sim.matrix", "--every", "1", "--first", "--only", tests[0].removeprefix(_SIM)]
    else:
        words = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--rootdir", str(folder), *tests]
    env = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # none is used, and each costs its import
    }
    limit = 100 + 20 * len(tests)
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=limit, check=False
    )


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_is_found(copy: Path, mutant: Mutant) -> None:
    """One change of the source, one red test."""
    path = copy / "edgectl" / mutant.file
    text = path.read_text()
    assert text.count(mutant.old) == 1, "the seeded fault no longer fits the source"
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        ran = _finds(copy, mutant.test)
    finally:
        path.write_text(text)
    assert ran.returncode == 1, f"it survives {mutant.test}:\n{(ran.stdout + ran.stderr)[-3000:]}"
    assert "not survived" in ran.stdout or " failed" in ran.stdout, (ran.stdout + ran.stderr)[-3000:]


def test_there_are_enough() -> None:
    """With those of the loop, at least thirty, each with a name of its own."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len(MUTANTS) + len(LOOP_FAULTS) >= 30


def test_an_unharmed_copy_is_green(copy: Path) -> None:
    """Else every mutant would be found by nothing."""
    ran = _finds(copy, *_NAMED)
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-3000:]


@pytest.mark.long
@pytest.mark.parametrize("test", _NAMED)
def test_alone_it_is_green(copy: Path, test: str) -> None:
    """Each is run as it is with a mutant: no other test prepares anything for it."""
    ran = _finds(copy, test)
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-3000:]
