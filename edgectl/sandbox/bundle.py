"""What a sandbox store can be sent, as one bundle directory.

k3s, Helm, images of the cache, the reference model, and packages of a GPU driver for nodes that are made without one.

Owns: which parts are in it. Must not know stores; charts are not in it, since they come with edgectl itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.assets import reference
from edgectl.control.bundle import model as models
from edgectl.control.bundle.layout import ANY_ARCH, Bundle
from edgectl.sandbox.light.light import STAND_INS
from edgectl.sandbox.machine.lock import locked
from edgectl.sandbox.machine.places import cache_home

MODEL = "tiny-detector"
_KEEP = 3
_FRESH_SECONDS = 12 * 3600.0  # those stay, too: the inventories of stores that are up may name them


@dataclass(frozen=True, slots=True)
class Supplies:
    """A bundle directory, the versions in it, each image's name by what it is for, and where the model came from."""

    root: Path
    k3s_version: str
    helm_version: str
    images: dict[str, str]
    model: Path  # templates/models/NAME/VERSION


@dataclass(frozen=True, slots=True)
class _Part:
    kind: str
    name: str
    version: str
    path: Path
    refs: tuple[str, ...] = ()
    arch: str = "amd64"
    made_from: str = ""

    def identity(self) -> tuple[object, ...]:
        """Tell this part from others without reading hundreds of megabytes: parts are never changed in place."""
        status = self.path.stat()
        return (self.kind, self.name, self.version, self.refs, str(self.path), status.st_size, status.st_mtime_ns)


def make_bundle(say: Callable[[str], None]) -> Supplies:
    """Return the bundle of what there is now, building parts that are missing (cold: minutes)."""
    from edgectl.sandbox.gpu.debs import driver_debs
    from edgectl.sandbox.gpu.images import images
    from edgectl.sandbox.k3s.build import HELM_VERSION, K3S_VERSION, helm_binary, k3s_binary

    def told(name: str, what: str, seconds: float, /) -> None:
        say(f"{name}: {what}" + (f" ({seconds:.0f} s)" if seconds >= 1 else ""))

    built, version = images(say=told), reference(MODEL).parent
    parts = [
        _Part("k3s", "k3s", K3S_VERSION, k3s_binary(say=told)),
        _Part("helm", "helm", HELM_VERSION, helm_binary(say=told)),
        *(_Part("image", image.name, image.version, image.path, image.refs) for image in built),
        *_files(version),
    ]
    for deb in driver_debs(say=told):
        arch = ANY_ARCH if deb.arch == "all" else deb.arch
        parts.append(_Part("package", deb.name, deb.version, deb.path, (), arch))
    named = {image.name: image.refs[0] for image in built}
    return Supplies(_filled(parts, say), K3S_VERSION, HELM_VERSION, named, version)


def _files(version: Path) -> list[_Part]:
    """Return a version of the model as `edgectl bundle build` takes it in."""
    files = models.files_at(version)
    digests = {name: f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for name, path in files.items()}
    source = models.digest(digests)
    return [
        _Part(models.KIND, models.artifact_name(MODEL, "", name), version.name, path, (), ANY_ARCH, source)
        for name, path in files.items()
    ]


def _filled(parts: list[_Part], say: Callable[[str], None]) -> Path:
    home = cache_home() / "bundles"
    home.mkdir(parents=True, exist_ok=True)
    inputs = json.dumps([STAND_INS, *(part.identity() for part in parts)])
    root = home / hashlib.sha256(inputs.encode()).hexdigest()[:16]
    with locked(home / "lock", timeout_seconds=600):
        if root.is_dir():
            os.utime(root)
            return root
        say("bundle: gathering k3s, Helm, images and the model ...")
        staging = home / f".staging-{root.name}"
        shutil.rmtree(staging, ignore_errors=True)
        bundle = Bundle.create(staging)
        for part in parts:
            bundle.add(
                part.path,
                kind=part.kind,
                name=part.name,
                version=part.version,
                arch=part.arch,
                refs=part.refs,
                made_from=part.made_from,
            )
        for kind, version in STAND_INS.items():
            bundle.add(f"{kind} of a light store".encode(), kind=kind, name=kind, version=version)
        staging.rename(root)
        kept = sorted((path for path in home.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
        for old in kept[:-_KEEP]:
            if time.time() - old.stat().st_mtime > _FRESH_SECONDS:
                shutil.rmtree(old)
    return root
