"""The stand-ins of NVIDIA's packages are packages: dpkg knows them, unpacks them, and runs what they run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edgectl.sandbox.gpu.debs import CURRENT, NEWER, DebFile, declared, driver_debs
from edgectl.sandbox.machine.command import run

KERNEL = os.uname().release
LIBRARIES = "usr/lib/x86_64-linux-gnu"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], DebFile]:
    """Return all of ours by name and version, made in a cache of its own; Debian's DKMS is not asked for."""
    for program, package in (("cc", "gcc libc6-dev"), ("dpkg-deb", "dpkg")):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}: apt-get install {package}")
    with pytest.MonkeyPatch.context() as patch:
        cache = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setattr("edgectl.sandbox.gpu.packages.debs", lambda *_, **__: cache / "none")
        found = driver_debs()
        again = {deb.name: deb.path.read_bytes() for deb in found}
        shutil.rmtree(cache / "edgectl")
        assert {deb.name: deb.path.read_bytes() for deb in driver_debs()} == again, "the same files, the same packages"
    return {(deb.name, deb.version): deb for deb in found}


def field(deb: DebFile, name: str) -> str:
    """Return a field of a package."""
    return run(["dpkg-deb", "-f", deb.path, name]).out.strip()


def files(deb: DebFile) -> set[str]:
    """Return the files that a package brings, without folders and links' targets."""
    lines = run(["dpkg-deb", "-c", deb.path]).out.splitlines()
    return {line.split()[5].removeprefix("./") for line in lines if not line.startswith("d")}


def test_what_an_inventory_names_is_there_twice(packages: dict[tuple[str, str], DebFile]) -> None:
    """In two versions of the driver, and all that it needs but Debian's own."""
    for version in (CURRENT, NEWER):
        assert {(name, wanted or "") for name, wanted in declared(version).items()} <= set(packages)
    known = {name for name, _ in packages} | {"dkms", "init-system-helpers"}
    needed = {word.split()[0] for deb in packages.values() for word in field(deb, "Depends").split(", ") if word}
    assert needed <= known
    driver = field(packages["nvidia-driver", f"{NEWER}-1"], "Depends")
    assert driver.count(f"(= {NEWER}-1)") == len(driver.split(", ")), "parts of two versions never go together"


def test_where_things_lie(packages: dict[tuple[str, str], DebFile]) -> None:
    """As in the real ones."""
    one = {name: files(packages[name, f"{CURRENT}-1"]) for name in declared() if name != "nvidia-container-toolkit"}
    source = f"usr/src/nvidia-{CURRENT}"
    assert one["nvidia-kernel-open-dkms"] == {
        f"{source}/{name}" for name in ("dkms.conf", "build.sh", "nvidia.ko_shipped", "nvidia-uvm.ko_shipped")
    }
    assert one["nvidia-driver-libs"] == {
        f"{LIBRARIES}/{name}"
        for name in (f"libcuda.so.{CURRENT}", "libcuda.so.1", f"libnvidia-ml.so.{CURRENT}", "libnvidia-ml.so.1")
    }
    assert one["firmware-nvidia-gsp"] == {
        f"usr/lib/firmware/nvidia/{CURRENT}/gsp_{chip}.bin" for chip in ("ga10x", "tu10x")
    }
    assert one["nvidia-kernel-support"] == {"etc/modprobe.d/nvidia-blacklists-nouveau.conf"}
    assert "usr/bin/nvidia-container-runtime" in files(packages["nvidia-container-toolkit", "1.20.0-1"])
    headers = next(deb for (name, _), deb in packages.items() if name != "linux-headers-amd64" and "headers" in name)
    assert any(name.startswith(f"usr/lib/modules/{KERNEL}/build/include/") for name in files(headers))


@pytest.fixture
def root(packages: dict[tuple[str, str], DebFile], tmp_path: Path) -> Path:
    """Return a folder into which dpkg has unpacked the current driver."""
    return unpacked(packages, tmp_path / "root", CURRENT)


def unpacked(packages: dict[tuple[str, str], DebFile], root: Path, version: str) -> Path:
    """Unpack one driver's packages by dpkg, above what is there."""
    for folder in ("var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "var/lib/dpkg/status").touch()
    paths = [deb.path for (_, found), deb in packages.items() if found == f"{version}-1"]
    # No scripts of folders without programs; what they do is tried below, and on a node.
    run(["dpkg", f"--root={root}", "--force-not-root,depends,script-chrootless", "--no-triggers", "--unpack", *paths])
    return root


def test_dpkg_unpacks_them(root: Path) -> None:
    """And knows their state; the configuration file is one."""
    told = run(["dpkg", f"--root={root}", "--list"]).out
    assert told.count("iU ") == 8, told
    assert (root / LIBRARIES / "libcuda.so.1").readlink() == Path(f"libcuda.so.{CURRENT}")
    waits = root / "etc/modprobe.d/nvidia-blacklists-nouveau.conf.dpkg-new"  # for the package's configuration
    assert "blacklist nouveau\n" in waits.read_text()
    info = root / "var/lib/dpkg/info"
    assert (info / "nvidia-kernel-support.conffiles").read_text() == "/etc/modprobe.d/nvidia-blacklists-nouveau.conf\n"
    assert (info / "nvidia-driver-libs.triggers").read_text() == "activate-noawait ldconfig\n"


@pytest.mark.parametrize(("knob", "code"), [("", 0), ("fails", 2)])
def test_the_build_that_dkms_runs(root: Path, tmp_path: Path, knob: str, code: int) -> None:
    """Modules whose version kmod reads; or none, and the words of a compiler."""
    source = root / f"usr/src/nvidia-{CURRENT}"
    told = tmp_path / "dkms"
    told.write_text(f"{knob}\n")
    script = (source / "build.sh").read_text().replace("/etc/sandbox-gpu/dkms", str(told))
    ran = subprocess.run(
        ["sh", "-c", script, "build.sh", KERNEL], cwd=source, capture_output=True, text=True, check=False
    )
    assert ran.returncode == code
    assert {path.name for path in source.glob("*.ko")} == (set() if code else {"nvidia.ko", "nvidia-uvm.ko"})
    if code:
        assert "error: implicit declaration" in ran.stdout
        return
    module = (source / "nvidia.ko").read_bytes()
    assert module.startswith(b"\x7fELF")
    assert f"version={CURRENT}\0".encode() in module
    assert b"depends=nvidia\0" in (source / "nvidia-uvm.ko").read_bytes()
    conf = run(["sh", "-c", f". {source}/dkms.conf; echo $PACKAGE_NAME $PACKAGE_VERSION $AUTOINSTALL"]).out
    assert conf == f"nvidia {CURRENT} yes\n"


def test_an_upgrade_replaces_user_space_and_not_what_runs(packages: dict[tuple[str, str], DebFile], root: Path) -> None:
    """The new library beside the kernel's old driver: what everybody has seen once."""
    folder = root / "run/sandbox-gpu/proc/nvidia"
    folder.mkdir(parents=True)
    (folder / "version").write_text(
        f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {CURRENT}  Release Build  (sandbox)\n"
    )
    for name, text in (("etc/sandbox-gpu/built-in", "1\n"), ("dev/nvidiactl", "")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    assert smi(root) == (0, "GPU 0: Tesla T4 (UUID: GPU-5a9dbc01-0000-4000-8000-000000000000)\n")
    unpacked(packages, root, NEWER)
    assert not (root / LIBRARIES / f"libcuda.so.{CURRENT}").exists()
    code, said = smi(root)
    assert (code, said.splitlines()[0]) == (18, "Failed to initialize NVML: Driver/library version mismatch")


def smi(root: Path) -> tuple[int, str]:
    """Run the package's nvidia-smi as if the folder were the whole machine."""
    script = (root / "usr/bin/nvidia-smi").read_text()
    for place in ("/etc/sandbox-gpu", "/run/sandbox-gpu", "/usr/lib/", "/dev/nvidiactl"):
        script = script.replace(place, f"{root}{place}")
    done = run(["sh", "-c", script, "nvidia-smi", "-L"], check=False)
    return done.code, done.out
