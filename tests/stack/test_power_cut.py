"""A power cut at any system call: what was receipted is there.

The uplink's store runs under strace; from its log the disk is made again as a power cut may leave it: what was synced,
and of what was not any part, in sectors. No other program writes to such a disk.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgectl.stack.ops.clock import SystemClock
from edgectl.stack.uplink.config import StoreAt
from edgectl.stack.uplink.store import Store

ROOT = Path(__file__).parents[2]
GROUPS, CUTS, SECTOR = 120, 150, 512
_CALL = re.compile(r"(?:\d+ +)?(\w+)\((.*)\) += +(-?\d+)")
_FILE = re.compile(r"\d+<([^>]*)>")


@dataclass
class File:
    """One file: on the disk for sure, and what waits to be."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes]] = field(default_factory=list)

    def sync(self) -> None:
        """Make all of it last."""
        for offset, data in self.pending:
            _put(self.durable, offset, data)
        self.pending.clear()

    def after_cut(self, draw: random.Random) -> bytes:
        """Return what may be found: of each write that was not synced any sectors, or nothing."""
        found = bytearray(self.durable)
        for offset, data in self.pending:
            for begin in range(0, len(data), SECTOR):
                if draw.random() < 0.5:
                    _put(found, offset + begin, data[begin : begin + SECTOR])
        return bytes(found)


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


@dataclass
class Disk:
    """The folder's files by name, what was receipted, what a sink has, and whether the names last."""

    files: dict[str, File] = field(default_factory=dict)
    receipted: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    folder_synced: bool = False


def replay(log: Path, folder: Path) -> Iterator[Disk]:
    """Yield the disk after each system call that changed it."""
    disk = Disk()
    for line in log.read_text().splitlines():
        found = _CALL.match(line)
        if found is None or int(found[3]) < 0:
            continue
        call, arguments = found[1], found[2]
        if call == "unlink":
            disk.files.pop(Path(_text(arguments).decode()).name, None)
            continue
        path = Path(match[1]) if (match := _FILE.match(arguments)) else Path()
        if path == folder:
            disk.folder_synced = disk.folder_synced or call in {"fsync", "fdatasync"}
        if path.parent != folder:
            continue
        if path.name == "said":
            for word in _text(arguments).decode().split():
                (disk.receipted if word[0] == "+" else disk.sent).add(word[1:])
        else:
            file = disk.files.setdefault(path.name, File())
            if call in {"fsync", "fdatasync"}:
                file.sync()
            elif call == "ftruncate":
                file.sync()  # the most harmful order is not this test's: SQLite cuts logs that are done
                del file.durable[int(arguments.rpartition(", ")[2]) :]
            elif call == "pwrite64":
                file.pending.append((int(arguments.rpartition(", ")[2]), _text(arguments)))
            else:
                raise AssertionError(f"not thought of: {line[:100]}")
        yield disk


def _text(arguments: str) -> bytes:
    return bytes.fromhex(arguments.split('"')[1].replace("\\x", ""))


def strace() -> str:
    """Return where strace is; without it the test is skipped, in CI it fails."""
    found = shutil.which("strace")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("strace is not installed: apt-get install strace")
        pytest.skip("strace is not installed: apt-get install strace")
    return found


def test_what_was_receipted_survives_a_power_cut(tmp_path: Path) -> None:
    """The power goes at drawn system calls: the file opens, no event of a receipt is missing but those at the sink."""
    folder, log = tmp_path / "store", tmp_path / "calls"
    folder.mkdir()
    calls = "trace=pwrite64,write,fsync,fdatasync,ftruncate,unlink"
    subprocess.run(
        [
            *(strace(), "-f", "-y", "-xx", "-s", "1000000", "-e", calls, "-o", str(log)),
            *(sys.executable, "-m", "tests.stack.cut_store", str(folder), str(GROUPS)),
        ],
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    # strace -xx writes paths in hex, too
    log.write_text(re.sub(r"<((?:\\x[0-9a-f]{2})+)>", lambda path: f"<{_hex(path[1])}>", log.read_text()))
    draw = random.Random(1)  # noqa: S311 - the same cuts each time
    total = sum(1 for _ in replay(log, folder))
    assert total > 3 * GROUPS
    cuts, seen = set(draw.sample(range(total), CUTS)) | {total - 1}, 0
    for number, disk in enumerate(replay(log, folder)):
        if disk.receipted:
            assert disk.folder_synced
        if number not in cuts:
            continue
        seen += bool(disk.receipted)
        after = tmp_path / f"cut-{number}"
        after.mkdir()
        for name, file in disk.files.items():
            (after / name).write_bytes(file.after_cut(draw))
        store = Store(StoreAt(str(after / "uplink.db"), keep_free_bytes=0), SystemClock())
        # What is kept is known: nothing of it would be kept a second time.
        kept = store.keep([(name, b"again") for name in sorted(disk.receipted)]) if disk.receipted else None
        lost = kept.new if kept else 0
        bodies = store.waiting
        store.close()
        assert lost == 0, f"{lost} of {len(disk.receipted)} receipted events lost at call {number}"
        assert bodies >= len(disk.receipted - disk.sent)
        assert store.moved is None
    assert seen > CUTS * 0.8


def _hex(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode()
