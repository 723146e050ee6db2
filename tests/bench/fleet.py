"""A fleet's inventory: loaded, validated, resolved, rendered, digested, beside the YAML loader of the same file.

`python -m tests.bench.fleet` prints the tables; each figure is a process of its own (`... fleet measure WHAT FILE`).
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.fleet import fleet

SIZES = (500, 5_000, 10_000)
ROUNDS = 5
TURNS = 3  # each size and loader so often, in turn; the least counts: what else runs on a machine only adds
SECONDS = 150  # no turn is begun after that
LIMIT_RATIO = 3.0
LIMIT_BYTES = 1 << 30
LIMIT_LINEAR = 0.15
LIMIT_ONE_SECONDS = 0.5
IMAGES = ("rancher/mirrored-pause:3.6", "rancher/mirrored-coredns-coredns:1.12.0")


class PeerLoader(yaml.CSafeLoader):
    """PyYAML's C loader, told only not to stumble over the tags of layers."""


def _sequence(loader: PeerLoader, node: yaml.SequenceNode) -> list[Any]:
    return list(loader.construct_sequence(node))


PeerLoader.add_constructor("!append", _sequence)


def make_bundle(
    root: Path, helm: Path, helm_version: str, archive: Callable[[str], bytes] = lambda name: name.encode()
) -> None:
    """Make a bundle with the real Helm; all else is made up. `archive` makes images that can be sent."""
    from edgectl.control.bundle.layout import Bundle

    bundle = Bundle.create(root)
    for arch in ("amd64", "arm64"):
        bundle.add(arch.encode(), kind="k3s", name="k3s", version="v1.36.3+k3s1", arch=arch)
        bundle.add(helm if arch == "amd64" else b"helm", kind="helm", name="helm", version=helm_version, arch=arch)
        versions = ("1.0", "1.0-arm64", "1.1")
        names = [f"registry.example/vision/inference:{version}" for version in versions]
        names += [f"registry.example/vision/{name}" for name in ("services:1.0", "mosquitto:2.0", "gate:1.0")]
        names += ["nvcr.io/nvidia/k8s-device-plugin:v0.20.0", *IMAGES]
        for name in names:
            short = name.rpartition("/")[2].replace(":", "-")
            bundle.add(archive(name), kind="image", name=short, version="1", arch=arch, refs=(name,))


def real_helm() -> tuple[Path, str]:
    """Return the Helm of the sandbox's bundle, and its version."""
    from edgectl.control.bundle.layout import Bundle
    from edgectl.sandbox.bundle import make_bundle as supplies_of

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    supplies = supplies_of(say)
    bundle = Bundle.open(supplies.root)
    found = bundle.find(kind="helm", name="helm", version=supplies.helm_version)
    if found is None:
        raise AssertionError("the sandbox's bundle has a Helm")
    return bundle.path(found.digest), supplies.helm_version


def measure(what: str, file: Path) -> dict[str, Any]:
    """Do one thing with an inventory and say what it took: processor time, that of Helm included.

    Other work on the machine is in the wall clock, and moves it by half.
    """
    stores = 0
    if what == "loader":
        with file.open(encoding="utf-8") as stream:
            yaml.load(stream, PeerLoader)  # noqa: S506 - the safe loader, by another name
    else:
        from edgectl.control.inventory.load import load
        from edgectl.control.payload.render import Renderer

        inventory, renderer = load(file), Renderer()
        digests = [renderer.render(inventory.store(name)).payload.digest for name in inventory.names()]
        stores = len(set(digests))
        if what == "digests":
            return {"digests": digests}
    own, helm = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    took = own.ru_utime + own.ru_stime + helm.ru_utime + helm.ru_stime
    return {"seconds": took, "bytes": _peak_bytes(), "stores": stores}


def _peak_bytes() -> int:
    """Return this program's peak memory; ru_maxrss would be that of whoever started it, too (getrusage(2), Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def _measured(what: str, file: Path, cache: Path) -> dict[str, Any]:
    argv = [sys.executable, "-m", "tests.bench.fleet", "measure", what, str(file)]
    env = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    ran = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=900, check=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def fleets(helm: Path, helm_version: str) -> bool:
    """Measure and print; True when every limit is kept."""
    with tempfile.TemporaryDirectory(prefix="edgectl-bench-") as place:
        folder = Path(place)
        make_bundle(folder / "bundle", helm, helm_version)
        files = {count: folder / f"inventory-{count}.yaml" for count in SIZES}
        for count, file in files.items():
            file.write_text(fleet(count), encoding="utf-8")
        rows = _turns(files, folder)
        good = _print_fleets(rows)
        return _one(folder, files[SIZES[-1]]) and good


def _turns(files: dict[int, Path], folder: Path) -> dict[int, tuple[int, float, float, int]]:
    """Measure each size several times, in turn and each time without a cache; return size, peer, ours, memory."""
    peer: dict[int, float] = {}
    ours: dict[int, float] = {}
    peak: dict[int, int] = {}
    began = time.monotonic()
    for turn in range(TURNS):
        if turn and time.monotonic() - began > SECONDS * turn / (turn + 1):  # the next would end too late
            break
        for count, file in files.items():
            floor = _measured("loader", file, folder / "cache-none")
            own = _measured("all", file, folder / f"cache-{count}-{turn}")
            if own["stores"] != count:
                raise AssertionError(f"{own['stores']} different payloads of {count} stores")
            peer[count] = min(floor["seconds"], peer.get(count, floor["seconds"]))
            ours[count] = min(own["seconds"], ours.get(count, own["seconds"]))
            peak[count] = max(own["bytes"], peak.get(count, 0))
    return {count: (file.stat().st_size, peer[count], ours[count], peak[count]) for count, file in files.items()}


def _print_fleets(rows: dict[int, tuple[int, float, float, int]]) -> bool:
    out = sys.stdout.write
    out("\nA fleet loaded, validated, resolved, rendered and digested, cold, without any cache; processor time\n\n")
    out("| stores | file | `yaml.CSafeLoader` alone | ours | ratio | peak memory |\n|---|---|---|---|---|---|\n")
    for count, (size, floor, ours, peak) in rows.items():
        out(f"| {count} | {size / 1e6:.1f} MB | {floor:.2f} s | {ours:.2f} s | {ours / floor:.2f} ")
        out(f"| {peak / (1 << 20):.0f} MiB |\n")
    (few, middle, many) = SIZES
    first, second = _slopes(few, middle, many, {count: row[2] for count, row in rows.items()})
    of_peer = _slopes(few, middle, many, {count: row[1] for count, row in rows.items()})
    ratio = rows[many][2] / rows[many][1]
    out(f"\nratio at {many} stores: {ratio:.2f} (limit {LIMIT_RATIO}); peak memory (limit 1024 MiB); ")
    out(f"one more store costs {first * 1e3:.2f} ms up to {middle}, {second * 1e3:.2f} ms beyond: ")
    out(f"{abs(second / first - 1) * 100:.0f} % apart (limit {LIMIT_LINEAR * 100:.0f} %); ")
    out(f"of the loader alone {of_peer[0] * 1e3:.2f} and {of_peer[1] * 1e3:.2f} ms\n")
    return ratio <= LIMIT_RATIO and rows[many][3] <= LIMIT_BYTES and abs(second / first - 1) <= LIMIT_LINEAR


def _slopes(few: int, middle: int, many: int, took: dict[int, float]) -> tuple[float, float]:
    """Return what one more store costs in seconds, in the smaller and in the greater half."""
    return (took[middle] - took[few]) / (middle - few), (took[many] - took[middle]) / (many - middle)


def _one(folder: Path, file: Path) -> bool:
    argv = [sys.executable, "-m", "edgectl", "render", "store-9999", "-i", str(file)]
    env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache-one"), "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed edgectl is compiled
    warm = [*argv[:4], "store-100", "-i", str(folder / f"inventory-{SIZES[0]}.yaml")]
    subprocess.run(warm, env={**env, "XDG_CACHE_HOME": str(folder / "cache-warm")}, capture_output=True, check=True)
    took, cpu = [], []
    for _ in range(ROUNDS + 1):
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, env=env, capture_output=True, timeout=300, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(time.monotonic() - began)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    out = sys.stdout.write
    out(f"\nOne store of {SIZES[-1]}, `edgectl render`, whole processes\n\n")
    out("| | seconds | of processor time |\n|---|---|---|\n")
    out(f"| first time with this file | {took[0]:.2f} | {cpu[0]:.2f} |\n")
    out(f"| from then on, median (limit {LIMIT_ONE_SECONDS}) | {statistics.median(took[1:]):.2f} ")
    out(f"| {statistics.median(cpu[1:]):.2f} |\n")
    return statistics.median(took[1:]) <= LIMIT_ONE_SECONDS


def main(argv: list[str]) -> int:
    """Measure one thing, or print all."""
    if argv[:1] == ["measure"]:
        sys.stdout.write(json.dumps(measure(argv[1], Path(argv[2]))))
        return 0
    return 0 if fleets(*real_helm()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
