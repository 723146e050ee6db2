"""A file of a package (deb(5)): an `ar` archive of two tars, whichever way they are packed. Only reads.

Owns its form, and that a stranger's file can ask for no more than its own bytes. Must not know what is in a package.
"""

from __future__ import annotations

import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from edgectl.control.debian.control import Control, parse
from edgectl.wire.errors import InvalidInput

_MAGIC, _END = b"!<arch>\n", b"`\n"
_HEAD_BYTES = 60
_NAME, _SIZE = slice(0, 16), slice(48, 58)
_FORMAT = b"2."
_CONTROL_BYTES = 1 << 20
_SCRIPTS_BYTES = 100 << 20
_PACKED = (".gz", ".xz", ".bz2", ".zst", "")
_WINDOW_BYTES = 128 << 20  # of zstd: what its own program takes without being asked
UNREADABLE = (  # what tarfile and those who unpack for it make of a stranger's bytes
    *(OSError, EOFError, ValueError, LookupError, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(OverflowError, MemoryError),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One member of the file, and where its bytes are."""

    name: str
    start: int
    size: int


def parts(stream: BinaryIO) -> tuple[Part, ...]:
    """Return the members of an open file; ValueError when it is no package's."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it is no ar archive")
    found: list[Part] = []
    while head := stream.read(_HEAD_BYTES):
        length = head[_SIZE].decode("ascii", "replace").strip()
        if len(head) < _HEAD_BYTES or not head.endswith(_END) or not length.isdecimal():
            raise ValueError("it is cut or damaged")
        part = Part(head[_NAME].decode("ascii", "replace").strip().removesuffix("/"), stream.tell(), int(length))
        if part.start + part.size > size:
            raise ValueError(f"it is cut: {part.name!a} has {part.size} bytes more than are there")
        found.append(part)
        stream.seek(part.start + part.size + part.size % 2)
    names = [part.name for part in found]
    if names[:1] != ["debian-binary"] or not _of(found, "control") or not _of(found, "data"):
        raise ValueError(f"it holds {', '.join(names)[:80]!a}, not debian-binary, control.tar and data.tar")
    if not _bytes_of(stream, found[0]).startswith(_FORMAT):
        raise ValueError("it is of another format than 2")
    return tuple(found)


@contextmanager
def tar_of(stream: BinaryIO, name: str) -> Iterator[tarfile.TarFile]:
    """Open `control` or `data` of an open file, to be read from front to back."""
    part = _of(parts(stream), name)
    if part is None:
        raise ValueError(f"it holds no {name}.tar")
    stream.seek(part.start)
    inside: IO[bytes] = cast("IO[bytes]", io.BufferedReader(_Slice(stream, part.size)))
    if part.name.endswith(".zst"):
        from zstandard import ZstdDecompressor, ZstdError

        try:
            plain = cast("IO[bytes]", ZstdDecompressor(max_window_size=_WINDOW_BYTES).stream_reader(inside))
            with tarfile.open(fileobj=plain, mode="r|") as tar:
                yield tar
        except ZstdError as error:
            raise ValueError(str(error)) from error
    else:
        with tarfile.open(fileobj=inside, mode="r|*") as tar:
            yield tar


def control(path: Path) -> Control:
    """Return what a package's file says of it; InvalidInput when that cannot be read."""
    try:
        with path.open("rb") as stream, tar_of(stream, "control") as tar:
            return parse(_control_text(tar))
    except UNREADABLE as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise InvalidInput(f"{path} is no Debian package that can be read: {said}", hint="Fetch it again.") from error


def _control_text(tar: tarfile.TarFile) -> str:
    left = _SCRIPTS_BYTES
    for member in tar:
        left -= member.size
        if left < 0 or member.size < 0:
            raise ValueError(f"its control.tar unpacks to more than {_SCRIPTS_BYTES} bytes")
        if member.name in ("./control", "control"):
            if not member.isreg() or member.size > _CONTROL_BYTES:
                raise ValueError(f"its control file is no file of at most {_CONTROL_BYTES} bytes")
            found = tar.extractfile(member)
            return found.read().decode("utf-8", "replace") if found else ""
    raise ValueError("it has no control file")


def _of(found: Sequence[Part], name: str) -> Part | None:
    return next((part for part in found if part.name in [f"{name}.tar{end}" for end in _PACKED]), None)


def _bytes_of(stream: BinaryIO, part: Part) -> bytes:
    stream.seek(part.start)
    return stream.read(min(part.size, _CONTROL_BYTES))


class _Slice(io.RawIOBase):
    """The next bytes of a stream, and no more."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._left = stream, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = self._stream.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)
