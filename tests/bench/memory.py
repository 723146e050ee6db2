"""How much memory a large blob costs either side: a table for `tests/bench/transfer.py`."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.far.offer import noise
from tests.far.push import peak_bytes
from tests.far.store import FarStore, far_store

LIMIT_BYTES = 150_000_000
_CHANGED = 32  # one MiB in so many is new
_PIECE = 1 << 20
_PACKED_LINE_BITS = 100_000_000  # slow enough that packing is worth it, whatever runs here
_POLL_SECONDS = 0.05
_MOST_SECONDS = 900


def memories(*, size: int) -> bool:
    """Print the most memory of both sides for a blob of `size` bytes in each form; False when it is too much."""
    sys.stdout.write(
        f"\nMost memory for one blob of {size / 1e6:,.0f} MB (VmHWM; limit {LIMIT_BYTES / 1e6:.0f} MB)\n\n"
        "| form | line | seconds | bytes for it | operator | node |\n|---|---|---|---|---|---|\n"
    )
    good = True
    with tempfile.TemporaryDirectory() as name, far_store(Path(name) / "far") as far:
        image = Path(name) / "image"
        for form, rate in (("as it is", 0), ("delta", 0), ("packed", _PACKED_LINE_BITS)):
            _make(image, size, form)
            far.line.set(rtt_ms=0, rate_bits=rate)
            said, node = _pushed(far, image, {"as it is": "model:1", "delta": "model:2", "packed": "text:1"}[form])
            line = f"{rate / 1e6:.0f} Mbit/s" if rate else "loopback"
            good = good and said["word"] == "ready" and max(said["peak_bytes"], node) <= LIMIT_BYTES and node > 0
            sys.stdout.write(
                f"| {form} | {line} | {said['seconds']:.1f} | {said['wire_bytes']:,} "
                f"| **{said['peak_bytes'] / 1e6:.0f} MB** | **{node / 1e6:.0f} MB** |\n"
            )
            sys.stdout.flush()
    return good


def _make(path: Path, size: int, form: str) -> None:
    """Write bytes that travel in this form: noise; the same with some of it new; lines of text."""
    if form == "as it is":
        noise(path, size)
    elif form == "delta":
        with path.open("r+b") as file:
            for at in range(_PIECE, size - _PIECE, _PIECE * _CHANGED):
                file.seek(at)
                file.write(hashlib.shake_128(b"new %d" % at).digest(_PIECE))
    else:
        with path.open("wb") as file:
            for number in range(size // len(_text(0)) + 1):
                file.write(_text(number)[: size - file.tell()])


def _text(number: int) -> bytes:
    """Return lines as a log has them, the same length each time; they pack to a quarter."""
    names = [hashlib.shake_128(b"%d" % one).hexdigest(8) for one in range(number * 1000, number * 1000 + 1000)]
    return b"".join(b"%s: camera has seen a person at the till\n" % name.encode() for name in names)


def _pushed(far: FarStore, image: Path, ref: str) -> tuple[dict[str, Any], int]:
    """Deploy it from a process of its own; returns what that said, and the most memory of the node's receiver."""
    most = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(_POLL_SECONDS):
            for pid in far.receivers():
                with suppress(OSError, StopIteration):
                    most = max(most, peak_bytes(pid))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    with far.push_elsewhere(far.write_door(), {ref: image}) as pushed:
        out, _ = pushed.communicate(timeout=_MOST_SECONDS)
    time.sleep(2 * _POLL_SECONDS)
    ended.set()
    watching.join()
    said: dict[str, Any] = json.loads(out)
    return said, most
