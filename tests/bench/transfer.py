"""Bytes over a thin line, measured: `python -m tests.bench.transfer [quick|long]` prints tables, each with its limits.

The product's own code on both sides (tests/far) and its peers, in turn over the same shaped line, through the same
sshd. The line is shaped in user space: delay and rate are true, TCP's own behaviour on a lossy path is not in it.
"""

from __future__ import annotations

import json
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.memory import memories
from tests.bench.resume import resumes, silences
from tests.far.offer import noise, offered
from tests.far.store import FarStore, far_store

LIMIT_SHARE = 0.90
LIMIT_AGAIN_BYTES = 16 * 1024
_POLL_SECONDS = 0.05
_MOST_SECONDS = 900


@dataclass(frozen=True)
class Case:
    """One line and what is sent over it."""

    rtt_ms: float
    rate_bits: int
    size: int

    @property
    def title(self) -> str:
        """Return it for people."""
        return f"{self.size / 1e6:.0f} MB over {self.rate_bits / 1e6:.0f} Mbit/s and {self.rtt_ms:.0f} ms"


CASES = (Case(150, 20_000_000, 60_000_000), Case(600, 20_000_000, 40_000_000), Case(600, 4_000_000, 10_000_000))
QUICK = (Case(150, 20_000_000, 10_000_000),)


@dataclass(frozen=True)
class Cost:
    """What one way took: seconds of the whole program, bytes both ways, and the line's share while content went."""

    seconds: float
    line_bytes: int
    bulk: float


def cost(far: FarStore, case: Case, work: Callable[[], object]) -> Cost:
    """Do it, and watch the line: the bulk is from the first hundredth of the content until its last byte is there."""
    start = far.line.stats()
    seen: list[tuple[float, int]] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS):
            seen.append((time.monotonic(), far.line.stats().bytes_to_store - start.bytes_to_store))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    began = time.monotonic()
    work()
    took = time.monotonic() - began
    ended.set()
    watching.join()
    end = far.line.stats()
    seen.append((began + took, end.bytes_to_store - start.bytes_to_store))
    least = case.size // 100
    bulk = 0.0
    if seen[-1][1] >= case.size:
        first = next(one for one in seen if one[1] >= least)
        last = next(one for one in seen if one[1] >= case.size)
        bulk = (last[1] - first[1]) * 8 / max(last[0] - first[0], 1e-9) / case.rate_bits
    both = end.bytes_to_store + end.bytes_from_store - start.bytes_to_store - start.bytes_from_store
    return Cost(took, both, bulk)


def ways(far: FarStore, case: Case, image: Path) -> Iterator[tuple[str, Callable[[], object] | None]]:
    """Yield each way to bring the file over, floor first; None where the peer is not installed."""
    near, folder = far.near, far.sshd.folder
    (folder / "known_hosts").write_text(f"[{near.host}]:{near.port} {near.host_key}\n")
    options = ["-F", "none", "-i", str(near.keys[0])]
    for option in ("IdentitiesOnly=yes", "BatchMode=yes", f"UserKnownHostsFile={folder}/known_hosts"):
        options += ["-o", option]
    ssh = ["ssh", *options, "-p", str(near.port)]
    there, to = f"{near.user}@{near.host}", folder / "peer"
    to.mkdir(exist_ok=True)
    ref = f"bulk-{case.rtt_ms:.0f}-{case.rate_bits}:1"

    def ours() -> None:
        with far.push_elsewhere(far.write_door(), {ref: image}) as pushed:
            out, _ = pushed.communicate(timeout=_MOST_SECONDS)
        assert json.loads(out)["word"] == "ready"

    def run(*argv: str) -> Callable[[], object] | None:
        if shutil.which(argv[0]) is None:
            return None
        return lambda: subprocess.run(argv, check=True, timeout=_MOST_SECONDS, capture_output=True)

    yield "floor: one plain TCP stream", lambda: _stream(far.beside_port, image)
    yield "`edgectl` (deploy, its run included)", ours
    yield "`scp`", run("scp", *options, "-P", str(near.port), str(image), f"{there}:{to}/scp")
    yield "`rsync -t -e ssh`", run("rsync", "-t", "-e", shlex.join(ssh), str(image), f"{there}:{to}/rsync")
    piped = f"cat {image} | {shlex.join(ssh)} {there} 'cat > {to}/cat'"
    yield "`cat archive \\| ssh 'cat > file'`, for `docker save \\| ssh`", run("sh", "-c", piped)


def lines(cases: tuple[Case, ...]) -> bool:
    """Print a table for each line; False when ours fills it less than it must, or a second push costs too much."""
    good = True
    for case in cases:
        _say(f"\n{case.title}, incompressible: whole programs, and the line's share while content went\n")
        _say("| | seconds | of line, whole | of line, bulk | again: seconds | again: bytes |")
        _say("|---|---|---|---|---|---|")
        with tempfile.TemporaryDirectory() as name, _sink() as port, far_store(Path(name) / "far", beside=port) as far:
            image = noise(Path(name) / "image", case.size)
            far.deploy(offered({"first:1": noise(Path(name) / "first", 1000)})).run()
            far.line.set(rtt_ms=case.rtt_ms, rate_bits=case.rate_bits)
            for way, work in ways(far, case, image):
                if work is None:
                    _say(f"| {way} | not installed here | | | | |")
                    continue
                first = cost(far, case, work)
                again = cost(far, case, work)
                whole = case.size * 8 / case.rate_bits / first.seconds
                marks = ("", "")
                if "edgectl" in way:
                    good = good and first.bulk >= LIMIT_SHARE and again.line_bytes <= LIMIT_AGAIN_BYTES
                    marks = (f" (limit {LIMIT_SHARE:.0%})", f" (limit {LIMIT_AGAIN_BYTES})")
                _say(
                    f"| {way} | {first.seconds:.1f} | {whole:.1%} | {first.bulk:.1%}{marks[0]} "
                    f"| {again.seconds:.1f} | {again.line_bytes:,}{marks[1]} |"
                )
    return good


def _stream(port: int, image: Path) -> None:
    """Send the file over plain TCP, and wait until the far end has all of it."""
    with socket.create_connection(("127.0.0.1", port), 30) as near, image.open("rb") as file:
        near.settimeout(_MOST_SECONDS)
        near.sendfile(file)
        near.shutdown(socket.SHUT_WR)
        assert near.recv(1) == b"."


@contextmanager
def _sink() -> Iterator[int]:
    """Listen for plain streams, read each to its end, say so; gives the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                far, _ = server.accept()
            except OSError:
                return
            with far:
                while far.recv(1 << 16):
                    pass
                far.sendall(b".")

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def transfers(how: str = "") -> bool:
    """Print all tables; `quick` for small ones, `long` for all strikes. False when a limit was missed."""
    quick = how == "quick"
    return all(
        [
            lines(QUICK if quick else CASES),
            resumes(count=4 if quick else 110 if how == "long" else 24),
            silences(),
            memories(size=100_000_000 if quick else 1_000_000_000),
        ]
    )


if __name__ == "__main__":
    sys.exit(0 if transfers(*sys.argv[1:2]) else 1)
