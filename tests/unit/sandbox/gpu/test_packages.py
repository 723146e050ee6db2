"""Packages and wheels as files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgectl.sandbox.gpu import packages, vision


@pytest.mark.parametrize(
    "package",
    [
        "python3.11-minimal",
        "libpython3.13-stdlib",
        "libpython3.12-minimal",
        "libssl3",
        "libssl3t64",
        "libffi8",
        "libsqlite3-0",
        "libc6",
    ],
)
def test_the_interpreters_packages_are_kept(package: str) -> None:
    """Law: what Python needs on Debian 12, 13 and Ubuntu 24.04 is taken."""
    assert re.fullmatch(vision._KEEP, package)


@pytest.mark.parametrize("package", ["dpkg", "tar", "libncursesw6", "python3.11", "libc6-dev", "perl-base"])
def test_the_rest_of_the_distribution_is_not(package: str) -> None:
    """Law: an image holds no package manager and no tools."""
    assert not re.fullmatch(vision._KEEP, package)


@pytest.mark.parametrize(
    ("name", "dropped"),
    [
        ("numpy/tests/test_x.py", True),
        ("numpy/_core/include/numpy/x.h", True),
        ("numpy/__init__.pyi", True),
        ("numpy/testing/__init__.py", False),
        ("numpy/_core/multiarray.py", False),
        ("numpy.libs/libgfortran.so", False),
        ("onnxruntime/transformers/a/b.py", True),
        ("onnxruntime/capi/libonnxruntime.so.1", False),
    ],
)
def test_tests_headers_and_tools_of_wheels_are_dropped(name: str, dropped: bool) -> None:  # noqa: FBT001 - a table
    """Law: what serves stays, what is for developers goes."""
    assert bool(vision._SITE_DROP.fullmatch(name)) is dropped


@pytest.mark.parametrize(
    ("name", "dropped"),
    [
        ("test/support.py", True),
        ("json/__init__.py", False),
        ("json/__pycache__/x.pyc", True),
        ("unittest/case.py", False),
    ],
)
def test_the_standard_librarys_own_tests_are_dropped(name: str, dropped: bool) -> None:  # noqa: FBT001 - a table
    """Law: the same for Python's own library."""
    assert bool(vision._STDLIB_DROP.fullmatch(name)) is dropped


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("Package: python3\nVersion: 3.11.2-1+b1\n", "3.11"),
        ("Package: python3\nVersion: 3.13.5-1\n", "3.13"),
        ("Package: python3\nVersion: 1:3.12.3-0ubuntu2\n", "3.12"),
        ("N: Unable to locate package python3\n", ""),
    ],
)
def test_apt_tells_which_python_it_has(told: str, version: str) -> None:
    """Law: the wheels are chosen for the Python that the distribution packages."""
    assert packages.packaged_version(told) == version


def test_packages_land_in_merged_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a package that still names /lib does not replace the link to usr/lib."""
    (tmp_path / "debs").mkdir()
    for name in ("a.deb", "b.deb"):
        (tmp_path / "debs" / name).touch()

    def unpack(argv: list[Path], *, limit_seconds: float) -> str:
        assert limit_seconds > 0
        top = Path("lib") if Path(argv[2]).name == "a.deb" else Path("usr/lib")
        (Path(argv[3]) / top).mkdir(parents=True)
        (Path(argv[3]) / top / Path(argv[2]).stem).touch()
        return ""

    monkeypatch.setattr(packages, "command", unpack)
    packages.unpack_debs(tmp_path / "debs", tmp_path / "tree")
    assert sorted(path.name for path in (tmp_path / "tree" / "usr" / "lib").iterdir()) == ["a", "b"]
    assert (tmp_path / "tree" / "lib").is_symlink()


def test_the_image_has_what_is_locked() -> None:
    """Law: services are tested with the versions that they run with. Seeded: another version of av."""
    lock = (Path(__file__).parents[4] / "requirements.lock").read_text().splitlines()
    assert [pin for pin in (wheel.lower() for wheel in vision.WHEELS) if pin not in map(str.lower, lock)] == []
