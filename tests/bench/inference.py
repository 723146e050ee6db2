"""Vision inference, measured: `python -m tests.bench.inference` prints tables, each with its limit.

The real service as a process of its own over a node's registry, asked by eight clients over loopback. Batching on and
off stand side by side, taken in turn; a switch of versions stands beside the time when nothing is switched.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.detector.scenes import motion
from edgectl.stack.detector.shape import NAME, VERSION
from edgectl.stack.inference.client import Client
from tests.stack.inference.load import Load, Seen
from tests.stack.inference.process import ROOT, Running, running
from tests.stack.inference.shelf import Shelf

CLIENTS = 8
ROUNDS = 5
SECONDS = 3.0
SWITCHES = 12
SIDES = (64, 320)  # pixels
LIMIT_P99 = 2.0
_AROUND_SECONDS = 0.5  # after the switch that still count as its time
_GAP_SECONDS = 1.5


def inferences() -> bool:
    """Print both tables; False when a limit is missed."""
    good = batching()
    return switching() and good


def batching() -> bool:
    """Throughput and p95 with batching on and off, in turn."""
    _say(
        f"\nVision inference, {_cpus()} CPUs, {CLIENTS} clients, {NAME} {VERSION}, medians of {ROUNDS} rounds in turn\n"
    )
    _say("| picture | batching | frames/s | p50 ms | p95 ms | frames in a batch | not answered |")
    _say("|---|---|---|---|---|---|---|")
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        log, models = Path(name), ROOT / "templates" / "models"
        with running(models, log / "on") as on, running(models, log / "off", "--max-batch", "1") as off:
            ways = {"on (8 frames, 2 ms)": on, "off (`max_batch: 1`)": off}
            for side in SIDES:
                for service in ways.values():
                    service.wait("ready:")
                    _ask(service, side)
                before = {word: _ran(service) for word, service in ways.items()}
                seen: dict[str, list[Seen]] = {word: [] for word in ways}
                for _ in range(ROUNDS):
                    for word, service in ways.items():
                        with Load(service.url, NAME, _picture(side), clients=CLIENTS) as got:
                            threading.Event().wait(SECONDS)
                        seen[word].append(got)
                for word, service in ways.items():
                    frames, batches = (now - then for now, then in zip(_ran(service), before[word], strict=True))
                    failed += _row(f"{side} x {side} | {word}", seen[word], frames / batches)
    return failed == 0


def _row(title: str, seen: Sequence[Seen], batch: float) -> int:
    rate = statistics.median(len(one.answers) / SECONDS for one in seen)
    failed = sum(len(one.wrong) for one in seen)
    half, most = (statistics.median(_at(one.seconds(), part) for one in seen) * 1e3 for part in (0.5, 0.95))
    _say(f"| {title} | {rate:.0f} | {half:.1f} | {most:.1f} | {batch:.1f} | {failed} (limit 0) |")
    return failed


def _ran(service: Running) -> tuple[int, int]:
    facts = service.status()["facts"]["batching"]
    return facts["frames"], facts["batches"]


def switching() -> bool:
    """p99 while versions are switched, beside p99 while they are not."""
    source = ROOT / "templates" / "models" / NAME / VERSION
    files = {name: (source / name).read_bytes() for name in ("model.onnx", "fast.onnx", "reference.json")}
    with tempfile.TemporaryDirectory() as name:
        shelf = Shelf(Path(name) / "node", NAME)
        folders = [shelf.put_files(version, files) for version in ("1.0", "1.1")]
        shelf.current(folders[0])
        with running(shelf.models, Path(name) / "log") as service:
            service.wait("ready:")
            _ask(service, SIDES[0])
            times: list[tuple[float, float]] = []
            with Load(service.url, NAME, _picture(SIDES[0]), clients=CLIENTS) as seen:
                threading.Event().wait(_GAP_SECONDS)
                for number in range(1, SWITCHES + 1):
                    began = time.monotonic()
                    shelf.current(folders[number % 2])
                    service.wait("switched:", times=number)
                    times.append((began, time.monotonic() + _AROUND_SECONDS))
                    threading.Event().wait(_AROUND_SECONDS + _GAP_SECONDS)
            inside = sorted(one for at, one, _ in seen.answers if any(a <= at < b for a, b in times))
            steady = sorted(one for at, one, _ in seen.answers if not any(a <= at < b for a, b in times))
    ratio = _at(inside, 0.99) / _at(steady, 0.99)
    _say(f"\nVision inference: {SWITCHES} switches of the version under the load of {CLIENTS} clients\n")
    _say("| | answers | p50 ms | p99 ms | longest ms | not answered |")
    _say("|---|---|---|---|---|---|")
    window = f"a version is loaded, checked, switched to; {_AROUND_SECONDS} s after"
    for title, took, failed in (("steady", steady, ""), (window, inside, f"{len(seen.wrong)} (limit 0)")):
        half, most, longest = (_at(took, part) * 1e3 for part in (0.5, 0.99, 1.0))
        _say(f"| {title} | {len(took)} | {half:.1f} | {most:.1f} | {longest:.0f} | {failed} |")
    _say(f"| **p99 ratio** (limit {LIMIT_P99}) | | | **{ratio:.2f}** | | |")
    return ratio <= LIMIT_P99 and not seen.wrong


def _picture(side: int) -> NDArray[np.float32]:
    picture = motion(3, 40, side)[0].transpose(2, 0, 1)[None]
    return np.ascontiguousarray(picture, dtype=np.float32) / np.float32(255)


def _ask(service: Running, side: int) -> None:
    client = Client(service.url)
    for _ in range(20):
        client.infer(_picture(side), model=NAME, deadline_seconds=10)
    client.close()


def _at(ranked: Sequence[float], part: float) -> float:
    return ranked[min(int(part * len(ranked)), len(ranked) - 1)]


def _cpus() -> int:
    return len(os.sched_getaffinity(0))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(0 if inferences() else 1)
