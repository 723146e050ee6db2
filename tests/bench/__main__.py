"""`nox -s bench`: tables, each a ratio or a figure against a stated limit; exit 1 when one is missed.

Brings up a store of its own (bare), deploys it, and takes it down again.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgectl.sandbox.bundle import make_bundle
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from tests.bench.delta import deltas
from tests.bench.fleet import fleets, real_helm
from tests.bench.inference import inferences
from tests.bench.layers import layers
from tests.bench.many import many
from tests.bench.transfer import transfers
from tests.bench.uplink import uplinks

STORE = "bench-1"
COPY = "bench-2"
ROUNDS = 7
LIMIT_RATIO = 1.3
LIMIT_BYTES = 16 * 1024
LIMIT_BARE_SECONDS = 90.0
LIMIT_CLONE_SECONDS = 10.0
LIMIT_ENGINE = 1.5
LIMIT_HELP_SECONDS = 0.150
HEAVY = ("numpy", "paramiko", "kubernetes", "rich", "pydantic", "yaml", "jinja2")


def edgectl(store: SandboxStore, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the real command."""
    env = {**os.environ, "EDGECTL_INVENTORY": str(store.inventory)}
    argv = [sys.executable, "-m", "edgectl", *words]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=900, check=False)


def timed(argv: Sequence[str]) -> float:
    """Return the wall seconds of a program; it must end well."""
    began = time.monotonic()
    subprocess.run(argv, capture_output=True, timeout=300, check=True)
    return time.monotonic() - began


def bare(store: SandboxStore) -> bool:
    """Bare node -> inference answering, unshaped, with a timeline from the node's own journal."""
    began = time.monotonic()
    ended = edgectl(store, "deploy", STORE, "-o", "json")
    took = time.monotonic() - began
    if ended.returncode != 0:
        sys.stdout.write(ended.stdout + ended.stderr)
        return False
    doc = json.loads(ended.stdout)
    sent = took - doc["verdict"]["seconds"]
    sys.stdout.write("\nBare node to inference answering, unshaped link\n\n")
    sys.stdout.write("| what | seconds |\n|---|---|\n")
    sys.stdout.write(f"| before the engine runs (render, connect, {doc['blob_bytes'] / 1e6:.0f} MB) | {sent:.1f} |\n")
    events = json.loads(edgectl(store, "journal", STORE, "--run", doc["run"], "-o", "json").stdout)["events"]
    before = 0.0
    for item in events:
        if item.get("kind") == "step" and item.get("word") in {"ok", "changed"}:
            spent, before = item["at"] - before, item["at"]
            if spent >= 0.5:
                sys.stdout.write(f"| {item['title']} | {spent:.1f} |\n")
    sys.stdout.write(f"| **in all** (limit {LIMIT_BARE_SECONDS:.0f}) | **{took:.1f}** |\n")
    return took <= LIMIT_BARE_SECONDS


def no_op(store: SandboxStore) -> bool:
    """No-op deploy beside its floor, in turn, over 150 ms and 2 Mbit/s."""
    node = store.record.nodes[0]
    floor = [sys.executable, "-m", "tests.bench.floor", "127.0.0.1", str(node.port), str(store.key), node.host_key]
    store.link.set(rtt_ms=150, rate_bits=2_000_000)
    ours: list[float] = []
    floors: list[float] = []
    counted: list[int] = []
    connections: list[int] = []
    for _ in range(ROUNDS):
        floors.append(timed(floor))
        before = store.link.stats()
        began = time.monotonic()
        ended = edgectl(store, "deploy", STORE, "-o", "json")
        ours.append(time.monotonic() - began)
        after = store.link.stats()
        doc = json.loads(ended.stdout)
        if ended.returncode != 0 or doc["changed"] or doc["blob_bytes"]:
            sys.stdout.write(ended.stdout + ended.stderr)
            return False
        counted.append(after.bytes_to_store + after.bytes_from_store - before.bytes_to_store - before.bytes_from_store)
        connections.append(after.connections - before.connections)
    store.link.restore()
    ratio = statistics.median(one / other for one, other in zip(ours, floors, strict=True))
    sys.stdout.write(f"\nNo-op deploy over 150 ms and 2 Mbit/s: {ROUNDS} pairs in turn, medians of whole processes\n\n")
    sys.stdout.write("| | seconds | bytes | connections |\n|---|---|---|---|\n")
    sys.stdout.write(
        f"| floor: one connection, one exec, `edgectl-node status` | {statistics.median(floors):.2f} | | 1 |\n"
    )
    sys.stdout.write(
        f"| `edgectl deploy`, nothing to change | {statistics.median(ours):.2f} "
        f"| {max(counted)} (limit {LIMIT_BYTES}) | {max(connections)} |\n"
    )
    sys.stdout.write(f"| **ratio** (limit {LIMIT_RATIO}) | **{ratio:.2f}** | | |\n")
    return ratio <= LIMIT_RATIO and max(counted) <= LIMIT_BYTES and max(connections) == 1


def heal(store: SandboxStore) -> bool:
    """Let the node look at itself with nothing to do, beside the sum of its probes; then heal a lost Deployment."""
    node = "node-1"
    ratios, walls, probes = [], [], []
    for _ in range(ROUNDS):
        began = time.monotonic()
        store.execute(node, ["systemctl", "start", "edgectl-converge.service"], timeout_seconds=120)
        walls.append(time.monotonic() - began)
        probes.append(_newest(store)["probes"])
        ratios.append(walls[-1] / probes[-1])
    ratio = statistics.median(ratios)
    store.execute(node, ["k3s", "kubectl", "delete", "deployment", "inference", "-n", "vision"], timeout_seconds=60)
    began = time.monotonic()
    store.execute(node, ["systemctl", "start", "edgectl-converge.service"], timeout_seconds=300)
    healed, verdict = time.monotonic() - began, _newest(store)
    sys.stdout.write(f"\nThe engine on its node, {ROUNDS} runs with nothing to do, medians\n\n")
    sys.stdout.write("| what | seconds |\n|---|---|\n")
    sys.stdout.write(f"| sum of its probes | {statistics.median(probes):.2f} |\n")
    sys.stdout.write(f"| systemd, start, probes, journal, end | {statistics.median(walls):.2f} |\n")
    sys.stdout.write(f"| **ratio** (limit {LIMIT_ENGINE}) | **{ratio:.2f}** |\n")
    sys.stdout.write(f"| a deleted Deployment: from the timer to inference answering | {healed:.1f} |\n")
    return ratio <= LIMIT_ENGINE and verdict["word"] == "ready" and "release-vision-stack" in verdict["changed"]


def _newest(store: SandboxStore) -> dict[str, Any]:
    script = "cat /var/lib/edgectl/journal/$(ls /var/lib/edgectl/journal | tail -1) | tail -1"
    found: dict[str, Any] = json.loads(store.execute("node-1", ["sh", "-c", script]).out)["data"]
    return found


def clone(sandbox: Sandbox, store: SandboxStore) -> bool:
    """Copy a converged store, power the copy on and log in to it, while the store itself goes on."""
    began = time.monotonic()
    copy = sandbox.clone(store.name, COPY)
    try:
        assert copy.execute("node-1", ["cat", "/var/lib/edgectl/slots/current/envelope.json"]).out
        took = time.monotonic() - began
    finally:
        sandbox.down(COPY)
    sys.stdout.write("\nSandbox: a clone of the converged store\n\n| what | seconds |\n|---|---|\n")
    sys.stdout.write(f"| copied, powered on, logged in (limit {LIMIT_CLONE_SECONDS:.0f}) | {took:.1f} |\n")
    return took <= LIMIT_CLONE_SECONDS


def start_up() -> bool:
    """`edgectl --help` beside a bare interpreter, and what it imports."""
    argv = [sys.executable, "-m", "edgectl", "--help"]
    ours = [timed(argv) for _ in range(ROUNDS + 4)]
    floors = [timed([sys.executable, "-c", "import typer"]) for _ in range(ROUNDS + 4)]
    code = "import sys\nfrom edgectl.cli.main import run\nrun(['--help'])\nsys.stderr.write(' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    heavy = [name for name in HEAVY if name in ran.stderr.split()]
    sys.stdout.write("\nStart-up\n\n| | median ms |\n|---|---|\n")
    sys.stdout.write(f"| floor: `python -c 'import typer'` | {statistics.median(floors) * 1e3:.0f} |\n")
    sys.stdout.write(
        f"| `edgectl --help` (limit {LIMIT_HELP_SECONDS * 1e3:.0f}) | {statistics.median(ours) * 1e3:.0f} |\n"
    )
    sys.stdout.write(f"\nHeavy imports: {', '.join(heavy) or 'none'}\n")
    return statistics.median(ours) <= LIMIT_HELP_SECONDS and not heavy


def main() -> int:
    """Run all of them; the store is taken down whatever happens."""
    os.chdir(Path(__file__).parents[2])

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    sandbox = Sandbox(say)
    for left in [store.name for store in sandbox.stores() if store.name in {STORE, COPY}]:
        sandbox.down(left)
    supplies = make_bundle(say)
    store = sandbox.up(STORE, gpus=1)
    try:
        write_inventory(store, supplies)
        good = [bare(store), no_op(store), heal(store), clone(sandbox, store), start_up()]
    finally:
        sandbox.down(STORE)
    good.append(deltas())
    good.append(layers())
    good.append(transfers())
    good.append(inferences())
    good.append(uplinks())
    good.append(fleets(*real_helm()))
    good.append(many(*real_helm()))
    sys.stdout.write(f"\n{'All within their limits.' if all(good) else 'A limit was missed.'}\n")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
