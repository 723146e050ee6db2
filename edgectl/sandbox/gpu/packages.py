"""Debian packages and Python wheels as files: downloaded once into the cache, unpacked into a tree.

Owns: how apt and pip are asked. Both as this machine has them configured; nothing is installed on it.
Must not know which image is made of them.
"""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from edgectl.sandbox.build.cache import Say, digest_inputs, part
from edgectl.sandbox.build.command import command
from edgectl.sandbox.k3s.debian import host_release
from edgectl.wire.errors import StepFailed

_APT_HINT = "`apt-get update` may be needed once: packages come from this machine's own apt sources."
_PIP_HINT = "Wheels come from the package index that pip is configured with; `pip download` must work here."
# Newest first. Wheels for an older glibc are found only when it is named.
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
_MERGED = ("bin", "sbin", "lib", "lib64")  # Debian's packages still name both; every supported host merges them


def python_version(*, say: Say) -> str:
    """Return the version of Python that this distribution packages, e.g. 3.11; apt is asked once."""

    def build(folder: Path) -> None:
        ask = ["apt-cache", "show", "--no-all-versions", "python3"]
        try:
            told = command(ask, limit_seconds=60)
        except StepFailed:
            _update()
            told = command(ask, limit_seconds=60, hint=_APT_HINT)
        version = packaged_version(told)
        if not version:
            raise StepFailed("apt does not say which version python3 has", hint=_APT_HINT, details=(told[:500],))
        (folder / "version").write_text(version)

    return (part("image-python-version", digest_inputs(host_release()), build, say=say) / "version").read_text()


def packaged_version(told: str) -> str:
    """Return major and minor version from what `apt-cache show python3` says; empty when it says none."""
    found = re.search(r"^Version: (?:\d+:)?(3\.\d+)", told, re.MULTILINE)
    return found[1] if found else ""


def debs(name: str, wanted: Sequence[str], keep: str, *, say: Say) -> Path:
    """Return a folder with the packages `wanted` and those they depend on, as far as `keep` matches their names."""

    def build(folder: Path) -> None:
        empty = folder / ".status"  # as if nothing were installed: apt then names all dependencies
        empty.touch()
        solve = ["apt-get", "-s", "-qq", "-o", f"Dir::State::status={empty}", "-o", "APT::Install-Recommends=0"]
        try:
            plan = command([*solve, "install", *wanted], limit_seconds=120)
        except StepFailed:
            _update()
            plan = command([*solve, "install", *wanted], limit_seconds=120, hint=_APT_HINT)
        chosen = sorted(
            package for package in re.findall(r"^Inst (\S+)", plan, re.MULTILINE) if re.fullmatch(keep, package)
        )
        _download(chosen, folder)
        empty.unlink()

    return part(name, digest_inputs(host_release(), keep, *wanted), build, say=say)


def wheels(name: str, pins: Sequence[str], python: str, *, say: Say) -> Path:
    """Return a folder with these exact wheels (`name==version`) for a Python version, without their dependencies."""

    def build(folder: Path) -> None:
        platforms = [word for platform in _PLATFORMS for word in ("--platform", platform)]
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        choose = ["--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", python, *platforms]
        command([*fetch, *choose, "--dest", folder, *pins], limit_seconds=900, hint=_PIP_HINT)

    return part(name, digest_inputs(python, *pins), build, say=say)


def unpack_debs(folder: Path, tree: Path) -> None:
    """Unpack packages into one tree in which /bin, /sbin, /lib and /lib64 are links into /usr."""
    for top in _MERGED:
        (tree / "usr" / top).mkdir(parents=True, exist_ok=True)
        (tree / top).symlink_to(Path("usr") / top)
    one = tree / ".deb"
    for deb in sorted(folder.glob("*.deb")):
        # Each apart, since dpkg-deb would put a folder in the place of those links.
        command(["dpkg-deb", "-x", deb, one], limit_seconds=120)
        for folder_in in sorted(path for path in one.iterdir() if path.is_dir()):
            shutil.copytree(folder_in, tree / folder_in.name, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(one)


def unpack_wheels(folder: Path, site: Path) -> None:
    """Unpack wheels into one folder for Python's path."""
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as opened:
            opened.extractall(site)


def _download(packages: Sequence[str], folder: Path) -> None:
    # Without a sandbox user apt writes as we do; its own user `_apt` may not enter the cache folder.
    fetch = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "-o", "Acquire::http::Timeout=30", "download"]
    try:
        command([*fetch, *packages], cwd=folder, limit_seconds=600)
    except StepFailed:
        _update()
        command([*fetch, *packages], cwd=folder, limit_seconds=600, hint=_APT_HINT)


def _update() -> None:
    """Renew apt's lists where that is allowed; whoever asks again says what is wrong."""
    try:
        command(["apt-get", "-qq", "update"], limit_seconds=300)
    except StepFailed:
        return
