"""The container images of a sandbox store, made here: which there are, and what each is made of.

Owns: recipes. Each becomes one cached part that holds one archive. Must not know stores or nodes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.assets import templates
from edgectl.sandbox.build.cache import Say, digest_inputs, part, to_stderr
from edgectl.sandbox.build.go import needed_version, toolchain
from edgectl.sandbox.gpu import archive, broker, packages, vision
from edgectl.sandbox.gpu.archive import Start, names_in, write_archive
from edgectl.sandbox.k3s.build import (
    COREDNS_VERSION,
    PAUSE_VERSION,
    coredns_binary,
    gpu_plugin_binary,
    k3s_binary,
    system_tags,
)
from edgectl.wire.errors import StepFailed

NONROOT = "65532:65532"

_HERE = Path(__file__).parent
_ARCHIVE = "image.tar"


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """One image: its archive, a short name, its tag, and the names it has once imported."""

    path: Path
    name: str
    version: str
    refs: tuple[str, ...]


def images(*, say: Say = to_stderr) -> tuple[BuiltImage, ...]:
    """Return every image of a sandbox store, building those that are not in the cache."""
    tags = system_tags(k3s_binary(say=say))
    return (
        pause(tags["mirrored-pause"], say=say),
        coredns(tags["mirrored-coredns-coredns"], say=say),
        gate(say=say),
        gpu_plugin(say=say),
        vision_services(say=say),
        mosquitto(say=say),
    )


def pause(tag: str = PAUSE_VERSION, *, say: Say = to_stderr) -> BuiltImage:
    """Return the image that holds each pod's namespaces; `tag` is the one that k3s looks for."""
    source = _HERE / "pause"

    def fill(tree: Path) -> None:
        go = toolchain(needed_version((source / "go.mod").read_text()), say=say)
        go.build(".", tree / "pause", module=source, ldflags="-s -w")

    return _image(
        "mirrored-pause",
        "docker.io/rancher/mirrored-pause",
        fill,
        digest_inputs(source),
        tag=tag,
        start=Start(("/pause",), user=NONROOT),
        say=say,
    )


def coredns(tag: str = COREDNS_VERSION, *, say: Say = to_stderr) -> BuiltImage:
    """Return the cluster's name server; `tag` is the one that k3s's own manifest names."""
    program = coredns_binary(say=say)
    return _image(
        "mirrored-coredns",
        "docker.io/rancher/mirrored-coredns-coredns",
        lambda tree: _copy(program, tree / "coredns"),
        program.parent.name,
        tag=tag,
        start=Start(("/coredns",)),
        say=say,
    )


def gate(*, say: Say = to_stderr) -> BuiltImage:
    """Return the image of gpu-gate: a shell, and the script that any image with a shell can run."""
    source = templates() / "gate" / "gate.sh"
    # Debian's static busybox crashes when it looks up names; the gate looks up none.
    folder = packages.debs("image-busybox", ["busybox-static"], "busybox-static", say=say)

    def fill(tree: Path) -> None:
        unpacked = tree / ".unpacked"
        packages.unpack_debs(folder, unpacked)
        program = next((path for path in sorted(unpacked.glob("usr/bin/busybox*")) if path.is_file()), None)
        if program is None:
            raise StepFailed("The package busybox-static holds no program bin/busybox")
        _copy(program, tree / "bin" / "busybox")
        shutil.rmtree(unpacked)
        for applet in ("sh", "sleep", "cat", "ls"):
            (tree / "bin" / applet).symlink_to("busybox")
        _copy(source, tree / "bin" / "gate")

    return _image(
        "gate",
        "edgectl.local/gate",
        fill,
        digest_inputs(source, folder.name),
        start=Start(("/bin/gate",), user=NONROOT),
        say=say,
    )


def gpu_plugin(*, say: Say = to_stderr) -> BuiltImage:
    """Return the device plugin with the pretend GPUs."""
    program = gpu_plugin_binary(say=say)
    return _image(
        "gpu-plugin",
        "edgectl.local/gpu-plugin",
        lambda tree: _copy(program, tree / "gpu-plugin"),
        program.parent.name,
        start=Start(("/gpu-plugin",)),
        say=say,
    )


def vision_services(*, say: Say = to_stderr) -> BuiltImage:
    """Return the image of the stack's Python services: which one, its arguments say."""
    made = vision.recipe(say=say)
    return _image(
        "vision", "edgectl.local/vision", made.fill, made.inputs, below=(made.base,), start=made.start, say=say
    )


def mosquitto(*, say: Say = to_stderr) -> BuiltImage:
    """Return the bus."""
    folder = broker.packages(say=say)
    return _image(
        "mosquitto",
        "edgectl.local/mosquitto",
        lambda tree: broker.fill(tree, folder),
        broker.inputs(folder),
        start=broker.START,
        say=say,
    )


def _image(
    name: str,
    repository: str,
    fill: Callable[[Path], None],
    inputs: str,
    *,
    below: tuple[Path, ...] = (),
    tag: str = "",
    start: Start,
    say: Say,
) -> BuiltImage:
    """Build an image from the tree that `fill` makes, above those that are there; once for the same inputs."""

    def build(folder: Path) -> None:
        tree = folder / ".tree"
        tree.mkdir()
        fill(tree)
        write_archive(folder / _ARCHIVE, *below, tree, repository=repository, tag=tag, start=start)
        shutil.rmtree(tree)

    recipes = tuple(Path(str(module.__file__)) for module in (archive, packages, vision))
    digest = digest_inputs(name, repository, tag, repr(start), inputs, Path(__file__), *recipes)
    path = part(f"image-{name}", digest, build, say=say) / _ARCHIVE
    refs = names_in(path)
    return BuiltImage(path, name, refs[0].rpartition(":")[2], refs)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755)
