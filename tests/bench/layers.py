"""What images that share layers cost on the line: `python -m tests.bench.layers` prints a table with its limits.

The real node's and the real operator's side of a transfer, in two threads; the bytes are all that is said, both ways:
the offer with its hints, the answer, signatures, and what follows. Layers are tars of this machine's own /usr/lib.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import socket
import sys
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.link.blobs import send_blobs
from edgectl.control.link.known import Hints, read_bases
from edgectl.control.link.pieces import PIECE_BYTES
from edgectl.node.io.places import Places
from edgectl.node.receive import take
from edgectl.wire.document import digest_of
from edgectl.wire.frame import Frames
from tests.archives import canonical_archive
from tests.unit.node.test_delta import deployed

BASE_BYTES, APP_BYTES = 150_000_000, 20_000_000
_CHANGED = 40  # edits in the app's layer
NAME = "image shop/vision"


@dataclass(frozen=True)
class Row:
    """One case: what the node has, what it is sent, and what that may cost of the new archive's bytes."""

    name: str
    prepare: Callable[[Places], None]
    image: bytes
    limit: float


def rows() -> Iterator[Row]:
    """Yield what shares a base with another image, in archives and in containerd alone."""
    base, app = _layer(BASE_BYTES, skip=0), _layer(APP_BYTES, skip=BASE_BYTES)
    image = canonical_archive("shop/vision:1", base, app)
    other = canonical_archive("shop/other:1", base, _layer(APP_BYTES // 10, skip=BASE_BYTES * 2))
    newer = canonical_archive("shop/vision:2", base, _edited(app))

    def containerd(*layers: bytes) -> Callable[[Places], None]:
        def fill(places: Places) -> None:
            places.k3s_content.mkdir(parents=True)
            for data in layers:
                (places.k3s_content / hashlib.sha256(data).hexdigest()).write_bytes(data)

        return fill

    part = _packed(app) * 1.06 / len(image)  # the first 4 MiB are packed in a hurry, until the line is known
    yield Row("new image, its base in another image's archive", lambda to: deployed(to, 1, other), image, part)
    yield Row("new image, its base in containerd alone", containerd(base), image, part)
    yield Row(
        "new version, one layer of 20 MB edited", lambda to: deployed(to, 1, image, refs=(NAME[6:],)), newer, 0.003
    )
    yield Row("its archive gone, all layers in containerd", containerd(base, app), image, 0.0001)
    yield Row("nothing of it here", lambda _: None, image, _packed(image) * 1.01 / len(image))


def spent(row: Row, *, hints: bool) -> int:
    """Return how many bytes go over the line, both ways."""
    with tempfile.TemporaryDirectory() as name:
        places = Places(Path(name))
        row.prepare(places)
        digest = digest_of(row.image)
        said = Hints.of({digest: row.image}, {digest: NAME}) if hints else Hints()
        near, far = socket.socketpair()
        counted = [0]

        def count(data: bytes) -> None:
            counted[0] += len(data)
            near.sendall(data)

        def heard(most: int) -> bytes:
            data = near.recv(most)
            counted[0] += len(data)
            return data

        def node() -> None:
            frames = Frames(far.recv, far.sendall)
            take(places, frames, frames.receive())
            far.close()

        work = threading.Thread(target=node)
        work.start()
        frames = Frames(heard, count)
        given = {"layers": said.text} if said.digests else {}
        frames.send("deploy", blobs={digest: len(row.image)}, names=[NAME], **given)
        want = frames.receive()
        assert want["op"] == "want"
        found = read_bases(frames, want["blobs"], said.answered(want.get("layers", ())))
        send_blobs(frames, want["blobs"], {digest: row.image}, bases=found, clock=lambda: 0.0)
        work.join()
        near.close()
        assert places.blob(digest).read_bytes() == row.image
        return counted[0]


def _layer(size: int, *, skip: int) -> bytes:
    """Return a tar of so many bytes of files, behind those that others have."""
    found = sorted(Path(place) / name for place, _, names in os.walk("/usr/lib") for name in names)
    random.Random(1).shuffle(found)  # noqa: S311
    path, total = Path(tempfile.mkdtemp()) / "layer", 0
    with tarfile.open(path, "w") as tar:
        for one in found:
            if one.is_symlink() or not one.is_file() or one.stat().st_size > APP_BYTES // 10:
                continue
            total += one.stat().st_size
            if skip < total <= skip + size:
                tar.add(one)
    data = path.read_bytes()
    shutil.rmtree(path.parent)
    return data


def _packed(data: bytes) -> int:
    return sum(len(zlib.compress(data[at : at + PIECE_BYTES], 6)) for at in range(0, len(data), PIECE_BYTES))


def _edited(data: bytes) -> bytes:
    chance, made = random.Random(2), bytearray(data)  # noqa: S311
    for _ in range(_CHANGED):
        at = chance.randrange(len(made))
        made[at : at + 7] = b"changed"[: len(made) - at]
    return bytes(made)


def layers() -> bool:
    """Print the table; False when a limit was missed."""
    sys.stdout.write("\nImages of 188 MB that share layers: bytes on the line, both ways\n\n")
    sys.stdout.write("| what | bytes | of full | limit | without hints at layers |\n|---|---|---|---|---|\n")
    good = True
    for row in rows():
        count, before = spent(row, hints=True), spent(row, hints=False)
        share = count / len(row.image)
        good = good and share <= row.limit
        sys.stdout.write(f"| {row.name} | {count:,} | **{share:.2%}** | {row.limit:.2%} | {before:,} |\n")
        sys.stdout.flush()
    return good


def main() -> int:
    """Print the table; 1 when a limit was missed."""
    return 0 if layers() else 1


if __name__ == "__main__":
    sys.exit(main())
