"""What a new version costs on the line: `python -m tests.bench.delta` prints a table, each row with its limit.

Works on files of 200 MB made here: float32 weights, and a tar of this machine's own /usr/lib and /usr/share. Processor
seconds are of each side; `rsync -z`, where it is installed, is asked for the same with its own choice of blocks.
"""

from __future__ import annotations

import io
import os
import random
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgectl.control.link.pieces import Base, Packing, Piece, delta
from edgectl.node.spans import Joined, Span
from edgectl.node.unpack import Piece as Arriving
from edgectl.node.unpack import Unpacker
from edgectl.wire.delta import Signature, sign

SIZE = 200_000_000
_EACH = 50  # of so many files one changes
CHANGED_WEIGHTS = 0.06
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Row:
    """One case: from which file to which, and what it may cost of the new file's bytes."""

    name: str
    old: Path
    new: Path
    limit: float


def weights(folder: Path) -> Iterator[Row]:
    """Yield a model that is new at its end, in scattered layers, everywhere, and nowhere."""
    made = np.random.default_rng(1)
    count = SIZE // 4
    first = made.normal(size=count).astype("<f4")
    old = _written(folder / "model", first.tobytes())
    head, spread = first.copy(), first.copy()
    tail = int(count * CHANGED_WEIGHTS)
    head[-tail:] += made.normal(size=tail).astype("<f4") * 0.01
    layer = count // 100
    for number in range(3, 99, 16):  # six of a hundred
        spread[number * layer : (number + 1) * layer] += made.normal(size=layer).astype("<f4") * 0.01
    yield Row("model, 6 % new: its head", old, _written(folder / "head", head.tobytes()), 0.06)
    yield Row("model, 6 % new: six layers", old, _written(folder / "layers", spread.tobytes()), 0.06)
    other = _written(folder / "other", made.normal(size=count).astype("<f4").tobytes())
    packed = sum(len(piece) for piece in _packed(other))
    yield Row("model, unrelated", old, other, packed / SIZE * 1.01)
    yield Row("model, the same again", old, old, 0.003)


def layers(folder: Path) -> Iterator[Row]:
    """Yield a layer with files changed a little, and with other files in their place."""
    found = [
        Path(place) / name for root in ("/usr/lib", "/usr/share") for place, _, names in os.walk(root) for name in names
    ]
    chance, total, used = random.Random(1), 0, list[Path]()  # noqa: S311
    chance.shuffle(found)
    for path in found:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > SIZE // 10:
            continue
        used.append(path)
        total += path.stat().st_size + 1024
        if total > SIZE:
            break
    used.sort()
    old = _layer(folder / "layer", used, "")
    for change in ("edited", "replaced"):
        yield Row(f"layer, 2 % of {len(used)} files {change}", old, _layer(folder / change, used, change), 0.01)


def _layer(target: Path, used: list[Path], change: str) -> Path:
    chance = random.Random(2)  # noqa: S311
    by_size = sorted(used, key=lambda path: (path.stat().st_size, path))
    changed = set(by_size[_EACH // 2 :: _EACH]) if change else set()  # of every size, so that bytes are as many
    with tarfile.open(target, "w") as tar:
        for path in used:
            data = path.read_bytes()
            if path in changed and change == "replaced":
                data = chance.choice(used).read_bytes()[::-1]  # of the kind, and nowhere in the layer
            elif path in changed:
                for _ in range(1 + len(data) // 20_000):  # an edit each 20 KB, most of another length
                    at = chance.randrange(len(data) + 1)
                    data = data[:at] + b" changed" * chance.randrange(1, 8) + data[at + chance.randrange(40) :]
            item = tarfile.TarInfo(str(path).lstrip("/"))
            item.size, item.mtime = len(data), int(path in changed)
            tar.addfile(item, io.BytesIO(data))
    return target


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _packed(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            yield zlib.compress(data, 6)


def measure(row: Row, folder: Path) -> tuple[int, int, list[float]]:
    """Return bytes of the signature, bytes of the rest, and processor seconds: sign, search and pack, apply."""
    seconds = [time.process_time()]
    with row.old.open("rb") as file:
        signature = sign(file, row.old.stat().st_size)
    assert signature is not None
    packed = signature.pack()
    seconds.append(time.process_time())
    base = Base(Signature.unpack(signature.size, signature.block, packed))
    size, count, spent = row.new.stat().st_size, 0, 0.0
    with row.new.open("rb") as file, (folder / "made").open("wb") as made, _whole(row.old) as old:

        def read(offset: int, length: int) -> bytes:
            file.seek(offset)
            return file.read(length)

        for piece in delta(read, 0, size, Packing(lambda: 0.0), base):
            count += len(wire := piece.data or read(piece.offset, piece.size))
            began = time.process_time()
            apply(piece, wire, old, made)
            spent += time.process_time() - began
    seconds.append(time.process_time() - spent)
    assert subprocess.run(["cmp", str(row.new), str(folder / "made")], check=False).returncode == 0
    return len(packed), count, [seconds[1] - seconds[0], seconds[2] - seconds[1], spent]


def _whole(path: Path) -> Joined:
    return Joined((Span(path, 0, path.stat().st_size),))


def apply(piece: Piece, wire: bytes, old: Joined, made: io.BufferedWriter) -> None:
    """Do the node's part."""
    unpacker = Unpacker(Arriving("", piece.offset, len(wire), piece.size, piece.form), old)
    for at in range(0, len(wire), 32768):
        made.writelines(unpacker.feed(wire[at : at + 32768]))
    unpacker.end()


def rsync(row: Row, folder: Path) -> tuple[float, float] | None:
    """Return what rsync sends and receives in this case, and its processor seconds on both sides together."""
    program = shutil.which("rsync")
    if program is None:
        return None
    shutil.copyfile(row.old, folder / "theirs")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    argv = [program, "--no-whole-file", "--stats", "--ignore-times", "--compress-choice=zlib", "-z"]
    out = subprocess.run(
        [*argv, str(row.new), str(folder / "theirs")], capture_output=True, text=True, check=True
    ).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = dict(line.split(": ", 1) for line in out.splitlines() if ": " in line)
    total = sum(int(said[key].replace(",", "")) for key in ("Total bytes sent", "Total bytes received"))
    return total, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def deltas() -> bool:
    """Print the table; False when a limit was missed."""
    sys.stdout.write("\nA new version of 200 MB: bytes on the line, both ways, and processor seconds\n\n")
    sys.stdout.write("| what | bytes | of full | limit | node: sign | operator | node: apply | rsync -z | its s |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|---|---|\n")
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for make in (weights, layers):
            for row in make(folder):
                signature, count, seconds = measure(row, folder)
                share, theirs = (signature + count) / row.new.stat().st_size, rsync(row, folder)
                good = good and share <= row.limit
                beside = f"{theirs[0]:,.0f} | {theirs[1]:.1f}" if theirs else "not installed | "
                sys.stdout.write(
                    f"| {row.name} | {signature + count:,} | **{share:.2%}** | {row.limit:.2%} | {seconds[0]:.1f} "
                    f"| {seconds[1]:.1f} | {seconds[2]:.1f} | {beside} |\n"
                )
                sys.stdout.flush()
    return good


def main() -> int:
    """Print the table; 1 when a limit was missed."""
    return 0 if deltas() else 1


if __name__ == "__main__":
    sys.exit(main())
