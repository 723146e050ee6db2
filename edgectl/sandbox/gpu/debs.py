"""NVIDIA's packages, stood in by real ones of ours: the same names, files, maintainer scripts, and ways to fail.

Owns: what is in them, and how dpkg-deb is asked. DKMS is Debian's own; the kernel's headers and a compiler are stood
in, since all nodes share the host's kernel. Must not know nodes nor bundles.
"""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.sandbox.build.cache import Say, digest_inputs, part, to_stderr
from edgectl.sandbox.build.command import command
from edgectl.sandbox.gpu import hardware, libcuda, packages

VERSIONS = CURRENT, NEWER = (libcuda.DRIVER, "595.91.07")
TOOLKIT = "1.20.0"
FILES = Path(__file__).parent / "packaged"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_NAMES = (
    "firmware-nvidia-gsp",
    "nvidia-driver",
    "nvidia-driver-libs",
    "nvidia-kernel-open-dkms",
    "nvidia-kernel-support",
    "nvidia-modprobe",
    "nvidia-persistenced",
    "nvidia-smi",
)
_MODULES = {"nvidia": "", "nvidia-uvm": "nvidia"}
_RECIPE = "1"  # raised when what is made below changes in a way that the files do not show
_SECONDS = 60.0
_HINT = "The stand-ins for NVIDIA's modules and libraries are compiled here: apt-get install gcc libc6-dev"


@dataclass(frozen=True, slots=True)
class DebFile:
    """One package as a file. `arch` as Debian says it."""

    name: str
    version: str
    arch: str
    path: Path


@dataclass(slots=True)
class _Deb:
    """One package before it is built. `files`: path -> content, "#!" can be run; `links`: path -> target."""

    name: str
    version: str
    depends: str = ""
    provides: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    scripts: dict[str, bytes] = field(default_factory=dict)
    triggers: str = ""


def driver_debs(*versions: str, say: Say = to_stderr) -> tuple[DebFile, ...]:
    """Return all packages of these drivers (else: two of them), of the toolkit, DKMS, and what that needs."""
    versions, kernel = versions or VERSIONS, platform.release()
    inputs = digest_inputs(_RECIPE, FILES, Path(hardware.__file__).parent / "driver", libcuda.SOURCE, kernel, *versions)

    def build(folder: Path) -> None:
        drivers = [deb for version in versions for deb in _driver(version, folder, say)]
        for deb in (*_system(kernel), _toolkit(), *drivers):
            _write(deb, folder)

    ours = part("nvidia-debs", inputs, build, say=say)
    dkms = packages.debs("dkms", ("dkms",), "dkms|lsb-release", say=say)
    return tuple(_described(path) for folder in (ours, dkms) for path in sorted(folder.glob("*.deb")))


def declared(version: str = CURRENT) -> dict[str, str | None]:
    """Return the packages of one driver and the toolkit as an inventory names them, each, since only these are held."""
    return {**dict.fromkeys(_NAMES, f"{version}-1"), "nvidia-container-toolkit": f"{TOOLKIT}-1"}


def _driver(version: str, scratch: Path, say: Say) -> tuple[_Deb, ...]:
    whole, same = f"{version}-1", f"(= {version}-1)"
    source = f"usr/src/nvidia-{version}"
    modules = {f"{source}/{name}.ko_shipped": _module(name, version, scratch) for name in _MODULES}
    cuda = libcuda.cuda_library(version, say=say).read_bytes()
    return (
        _Deb(
            "nvidia-kernel-open-dkms",
            whole,
            f"dkms, nvidia-kernel-support {same}, firmware-nvidia-gsp {same}",
            files={
                **modules,
                f"{source}/dkms.conf": _file("dkms.conf", version),
                f"{source}/build.sh": _file("build.sh"),
            },
            scripts={"postinst": _file("dkms.postinst", version), "prerm": _file("dkms.prerm", version)},
        ),
        _Deb(
            "nvidia-kernel-support",
            whole,
            files={hardware.NOUVEAU: hardware.given("nouveau.conf")},
            scripts={"postinst": _file("support.postinst")},
        ),
        _Deb(
            "firmware-nvidia-gsp",
            whole,
            files={f"usr/lib/firmware/nvidia/{version}/gsp_{chip}.bin": b"GSP" for chip in ("ga10x", "tu10x")},
        ),
        _Deb(
            "nvidia-driver-libs",
            whole,
            files={
                f"{_LIBRARIES}/libcuda.so.{version}": cuda,
                f"{_LIBRARIES}/libnvidia-ml.so.{version}": _compiled(
                    scratch, os.devnull, "-shared", "-Wl,-soname,libnvidia-ml.so.1", "-xc"
                ),
            },
            links={
                f"{_LIBRARIES}/libcuda.so.1": f"libcuda.so.{version}",
                f"{_LIBRARIES}/libnvidia-ml.so.1": f"libnvidia-ml.so.{version}",
            },
            triggers="activate-noawait ldconfig\n",
        ),
        _Deb(
            "nvidia-smi",
            whole,
            f"nvidia-driver-libs {same}",
            files={"usr/bin/nvidia-smi": hardware.given("nvidia-smi")},
        ),
        _Deb("nvidia-modprobe", whole, files={"usr/bin/nvidia-modprobe": hardware.given("nvidia-modprobe")}),
        _Deb(
            "nvidia-persistenced",
            whole,
            "init-system-helpers",
            files={
                "usr/bin/nvidia-persistenced": _file("nvidia-persistenced"),
                "usr/lib/systemd/system/nvidia-persistenced.service": _file("nvidia-persistenced.service"),
            },
            scripts={"postinst": _file("persistenced.postinst"), "prerm": _file("persistenced.prerm")},
        ),
        _Deb(
            "nvidia-driver",
            whole,
            ", ".join(
                f"{name} {same}"
                for name in (
                    "nvidia-kernel-open-dkms",
                    "nvidia-driver-libs",
                    "nvidia-smi",
                    "nvidia-modprobe",
                    "nvidia-persistenced",
                )
            ),
        ),
    )


def _toolkit() -> _Deb:
    runtime = hardware.given("nvidia-container-runtime")
    return _Deb("nvidia-container-toolkit", f"{TOOLKIT}-1", files={"usr/bin/nvidia-container-runtime": runtime})


def _system(kernel: str) -> tuple[_Deb, ...]:
    """Return what stands for the kernel's headers and for a compiler."""
    headers = f"linux-headers-{re.sub(r'[^a-z0-9+.-]', '-', kernel.lower())}"
    number = re.match(r"[0-9.]+[0-9]", kernel)
    version = f"{number[0] if number else 0}-1"
    return (
        _Deb(headers, version, files={f"usr/lib/modules/{kernel}/build/include/generated/utsrelease.h": b""}),
        _Deb("linux-headers-amd64", version, headers),
        _Deb("sandbox-build-tools", "1", provides="build-essential, c-compiler, dpkg-dev, gcc, make, patch"),
    )


def _write(deb: _Deb, folder: Path) -> None:
    tree = folder / ".tree"
    for path, data in {**deb.files, **{f"DEBIAN/{name}": data for name, data in deb.scripts.items()}}.items():
        place = tree / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        place.chmod(0o755 if data.startswith(b"#!") else 0o644)
    for path, target in deb.links.items():
        (tree / path).symlink_to(target)
    control = tree / "DEBIAN"
    control.mkdir(parents=True, exist_ok=True)
    lines = {
        "Package": deb.name,
        "Version": deb.version,
        "Architecture": "amd64",
        "Maintainer": "edgectl sandbox <sandbox@edgectl.invalid>",
        "Section": "non-free/kernel",
        "Priority": "optional",
        "Depends": deb.depends,
        "Provides": deb.provides,
        "Description": "stands in for the package of this name on nodes of edgectl's sandbox",
    }
    (control / "control").write_text("".join(f"{key}: {value}\n" for key, value in lines.items() if value))
    if deb.triggers:
        (control / "triggers").write_text(deb.triggers)
    if kept := [path for path in deb.files if path.startswith("etc/")]:
        (control / "conffiles").write_text("".join(f"/{path}\n" for path in kept))
    for place in (tree, *(path for path in tree.rglob("*") if path.is_dir())):
        place.chmod(0o755)
    out = folder / f"{deb.name}_{deb.version}_amd64.deb"
    epoch = {"SOURCE_DATE_EPOCH": "1760000000"}  # October 2025, for everything: the same package from the same files
    command(["dpkg-deb", "-Zxz", "--root-owner-group", "--build", tree, out], env=epoch, limit_seconds=_SECONDS)
    command(["rm", "-r", tree], limit_seconds=_SECONDS)


def _module(name: str, version: str, scratch: Path) -> bytes:
    said = {"VERSION": version, "NAME": name.replace("-", "_"), "DEPENDS": _MODULES[name]}
    return _compiled(scratch, FILES / "module.c", "-c", *(f'-D{key}="{value}"' for key, value in said.items()))


def _compiled(scratch: Path, source: str | Path, *flags: str) -> bytes:
    out = scratch / ".compiled"
    command(["cc", *flags, "-o", out, source], limit_seconds=_SECONDS, hint=_HINT)
    data = out.read_bytes()
    out.unlink()
    return data


def _file(name: str, version: str = "") -> bytes:
    return (FILES / name).read_bytes().replace(b"@VERSION@", version.encode())


def _described(path: Path) -> DebFile:
    told = command(["dpkg-deb", "-f", path, "Package", "Version", "Architecture"], limit_seconds=_SECONDS)
    said = dict(line.split(": ", 1) for line in told.splitlines())
    return DebFile(said["Package"], said["Version"], said["Architecture"], path)
