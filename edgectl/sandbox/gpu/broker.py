"""The image of the bus: Mosquitto and its clients from the distribution's packages, and what they are linked to.

Owns: which files of the packages go in. Mosquitto runs as any user on a root that cannot be written to: it stays who
it is unless it is root, and is told to keep nothing. Must not know archives, or how the broker is configured.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from edgectl.sandbox.build.cache import Say, digest_inputs
from edgectl.sandbox.build.command import command
from edgectl.sandbox.gpu.archive import Start
from edgectl.sandbox.gpu.packages import debs, unpack_debs
from edgectl.wire.errors import StepFailed

# The clients are for the probe of the bus, and for a person who listens in.
PROGRAMS = ("usr/sbin/mosquitto", "usr/bin/mosquitto_sub", "usr/bin/mosquitto_pub")
START = Start(("/usr/sbin/mosquitto",), ("-c", "/etc/vision/mosquitto.conf"), user="65532:65532")
_KEEP = r"mosquitto(-clients)?|lib.*"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_LOADER = "ld-linux-x86-64.so.2"


def packages(*, say: Say) -> Path:
    """Return the folder of the packages, downloaded once."""
    return debs("image-broker", ["mosquitto", "mosquitto-clients"], _KEEP, say=say)


def inputs(folder: Path) -> str:
    """Return the digest of all that goes in."""
    return digest_inputs(folder.name, Path(__file__))


def fill(tree: Path, folder: Path) -> None:
    """Take the programs and the libraries that the loader asks for."""
    whole = tree / ".whole"
    unpack_debs(folder, whole)
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / name).symlink_to(Path("usr") / name)
    libraries = tree / _LIBRARIES
    libraries.mkdir(parents=True)
    for program in PROGRAMS:
        target = tree / program
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(whole / program, target)
        for name in _linked(whole, program):
            shutil.copy2(whole / _LIBRARIES / name, libraries / name)
    shutil.copy2(whole / _LIBRARIES / _LOADER, libraries / _LOADER)
    (tree / "usr/lib64").mkdir(parents=True)
    (tree / "usr/lib64" / _LOADER).symlink_to(f"/{_LIBRARIES}/{_LOADER}")
    shutil.rmtree(whole)
    for program in PROGRAMS:  # again, with nothing but what the image has
        _linked(tree, program)


def _linked(tree: Path, program: str) -> list[str]:
    """Return the names of the libraries that a program loads, all of which must be in the tree."""
    libraries = tree / _LIBRARIES
    told = command(
        [libraries / _LOADER, "--library-path", libraries, "--list", tree / program],
        limit_seconds=30,
        hint="The packages of mosquitto lack a library that it is linked to.",
    )
    names = re.findall(rf"=> {re.escape(str(libraries))}/(\S+) ", told)
    if "libc.so.6" not in names or "not found" in told:
        raise StepFailed(f"{program} is linked to libraries that its packages do not bring", details=(told[:800],))
    return names
