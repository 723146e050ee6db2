"""Packages and wheels as files."""

from __future__ import annotations

import re

import pytest

from edgectl.sandbox.gpu import inference


@pytest.mark.parametrize(
    "package",
    [
        "python3.11-minimal",
        "libpython3.13-stdlib",
        "libpython3.12-minimal",
        "libssl3",
        "libssl3t64",
        "libffi8",
        "libc6",
    ],
)
def test_the_interpreters_packages_are_kept(package: str) -> None:
    """Law: what Python needs on Debian 12, 13 and Ubuntu 24.04 is taken."""
    assert re.fullmatch(inference._KEEP, package)


@pytest.mark.parametrize("package", ["dpkg", "tar", "libsqlite3-0", "python3.11", "libc6-dev", "perl-base"])
def test_the_rest_of_the_distribution_is_not(package: str) -> None:
    """Law: an image holds no package manager and no tools."""
    assert not re.fullmatch(inference._KEEP, package)


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
    assert bool(inference._SITE_DROP.fullmatch(name)) is dropped


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
    assert bool(inference._STDLIB_DROP.fullmatch(name)) is dropped
