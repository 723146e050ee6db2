"""Tar, read strictly: which members there are and where their bytes lie, in bounded memory whatever comes.

Owns: headers (POSIX with PAX, GNU, and the old one), and that nothing can hide behind them. What
readers understand in two ways is refused: another reader must not find other members. Must not know what a tar is for.
Sources: POSIX.1-2001 pax, GNU tar's manual, Go's archive/tar (which containerd reads with).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol

BLOCK = 512
REGULAR, FOLDER, SPARSE = b"0", b"5", b"S"
_LINKS_AND_DEVICES = frozenset((b"1", b"2", b"3", b"4", b"6"))  # what has no bytes, whatever its header says
_PAX, _PAX_OF_ALL, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
_MOST_EXTENDED_BYTES = 1 << 20  # of what is said of one member; Go reads as much
_MOST_MAPS = 4096  # continued lists of a sparse member's parts
_CHUNK = 1 << 20
_ZEROS = bytes(BLOCK)
_NUMBER_DIGITS = 20
_CHANGES = frozenset(("path", "size", "linkpath"))  # of all members: some readers would follow, Go's does not


class TarError(ValueError):
    """Bytes that are no tar; the sentence says what is wrong with it ("it ends in the middle of ...")."""


class Source(Protocol):
    """Where a tar is read from, front to back."""

    def read(self, count: int, /) -> bytes:
        """Return so many bytes, fewer only at the end."""
        ...

    def skip(self, count: int, /) -> bool:
        """Go on so many bytes; False when there are not so many."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """One member: `size` bytes from `offset` on, `real` of them when it is unpacked (more, where it has holes)."""

    name: str
    kind: bytes
    offset: int
    size: int
    real: int


class Seeking:
    """A part of a file as a source: what is not asked for is not read."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._left = size
        file.seek(start)

    def read(self, count: int, /) -> bytes:
        """Read."""
        data = self._file.read(min(count, self._left))
        self._left -= len(data)
        return data

    def skip(self, count: int, /) -> bool:
        """Seek."""
        if count > self._left:
            return False
        self._file.seek(count, 1)
        self._left -= count
        return True


def members(source: Source, *, most: int, strict: bool = True) -> Iterator[Member]:
    """Yield every member; TarError when it is no whole tar, or has more than `most`.

    Unless `strict`, what has no end, or something behind it, is read as containerd reads it. A caller that reads from
    the same file meanwhile must put it back.
    """
    at, count, said, long_name = 0, 0, dict[str, bytes](), b""
    while True:
        block = source.read(BLOCK)
        at += BLOCK
        if block == _ZEROS or (not block and not strict):
            if said or long_name:
                raise TarError("it ends where a member was announced")
            if strict:
                _ends(source)
            return
        if len(block) != BLOCK:
            raise TarError("it ends in the middle of a header" if block else "it ends without an end")
        found = _header(block, at)
        if found.kind in (_PAX, _PAX_OF_ALL, _LONG_NAME, _LONG_LINK):
            data = _said(source, found)
            at += _padded(found.size)
            if found.kind == _PAX:
                said = _records(data)
            elif found.kind == _LONG_NAME:
                long_name = data.partition(b"\0")[0]
            elif found.kind == _PAX_OF_ALL and any(map(_CHANGES.__contains__, _records(data))):
                raise TarError("something is said of all its members at once")
            continue
        found, maps = _as_said(source, block, found, said, long_name)
        at += maps * BLOCK
        found = replace(found, offset=at)
        said, long_name = {}, b""
        count += 1
        if count > most:
            raise TarError(f"it has more than {most} members")
        yield found
        if not source.skip(_padded(found.size)):
            raise TarError(f"it ends in the middle of {shown(found.name)}")
        at += _padded(found.size)


def shown(name: str) -> str:
    """Return a name that moves no cursor."""
    return ascii(name[:100])[1:-1]


def _ends(source: Source) -> None:
    """Read on behind the first block of zeros: only zeros may follow, one block of them at least."""
    total = 0
    while data := source.read(_CHUNK):
        if data.count(0) != len(data):
            raise TarError("something stands behind its end")
        total += len(data)
    if total < BLOCK:
        raise TarError("it ends without an end")


def _header(block: bytes, at: int) -> Member:
    magic = block[257:265]
    if _number(block[148:156]) != sum(block) - sum(block[148:156]) + 8 * ord(" "):
        raise TarError(f"no whole header stands at byte {at - BLOCK}")
    name = _text(block[:100])
    if magic[:6] == b"ustar\0" and (prefix := _text(block[345 : 476 if block[508:] == b"tar\0" else 500])):
        name = f"{prefix}/{name}"
    kind, size = block[156:157], _number(block[124:136])
    if kind in _LINKS_AND_DEVICES:
        size = 0
    real = _number(block[483:495]) if kind == SPARSE and magic == b"ustar  \0" else size
    return Member(name, kind, at, size, real)


def _as_said(
    source: Source, block: bytes, found: Member, said: dict[str, bytes], long_name: bytes
) -> tuple[Member, int]:
    """Return a member as what stood before it says, and how many blocks of its own list of parts follow its header."""
    if long_name and "path" in said:
        raise TarError("a member has two names")
    if long_name:
        found = replace(found, name=_decoded(long_name))
    if "path" in said:
        found = replace(found, name=_decoded(said["path"]))
    if "size" in said and found.kind not in _LINKS_AND_DEVICES:
        size = _decimal(said["size"])
        found = replace(found, size=size, real=max(size, found.real) if found.kind == SPARSE else size)
    for key in ("GNU.sparse.realsize", "GNU.sparse.size"):
        if key in said:
            found = replace(found, kind=SPARSE, real=_decimal(said[key]))
    if any(key.startswith("GNU.sparse.") for key in said):
        found = replace(found, kind=SPARSE)
    if found.kind == b"\0":
        found = replace(found, kind=FOLDER if found.name.endswith("/") else REGULAR)
    maps = 0
    more = found.kind == SPARSE and block[156:157] == SPARSE and block[482] != 0
    while more:
        maps += 1
        if maps > _MOST_MAPS:
            raise TarError(f"{shown(found.name)} has parts without end")
        block = source.read(BLOCK)
        if len(block) != BLOCK:
            raise TarError(f"it ends in the middle of {shown(found.name)}")
        more = block[504] != 0
    return found, maps


def _said(source: Source, found: Member) -> bytes:
    if found.size > _MOST_EXTENDED_BYTES:
        raise TarError(f"{found.size} bytes are said of one member")
    data = source.read(found.size)
    if len(data) != found.size or not source.skip(_padded(found.size) - found.size):
        raise TarError("it ends in the middle of a header")
    return data


def _records(data: bytes) -> dict[str, bytes]:
    """Read records of PAX: a length, a key, a value."""
    found: dict[str, bytes] = {}
    while data:
        length, space, _ = data[:_NUMBER_DIGITS].partition(b" ")
        count = _decimal(length)
        if not space or not len(length) < count <= len(data) or data[count - 1 : count] != b"\n":
            raise TarError("what is said of a member is damaged")
        key, equals, value = data[len(length) + 1 : count - 1].partition(b"=")
        if not key or not equals:
            raise TarError("what is said of a member is damaged")
        found[_decoded(key)] = value
        data = data[count:]
    return found


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > _NUMBER_DIGITS:
        raise TarError(f"{ascii(text[:30])[2:-1]} is no number")
    return int(text)


def _number(field: bytes) -> int:
    """Read octal digits, or GNU's base 256."""
    if field[0] == 0x80:  # noqa: PLR2004 - GNU's mark; 0xff would be a negative number
        return int.from_bytes(field[1:], "big")
    text = field.strip(b" \0").partition(b"\0")[0]
    if text.strip(b"01234567"):
        raise TarError(f"{ascii(field)[2:-1]} is no number")
    return int(text, 8) if text else 0


def _text(field: bytes) -> str:
    return _decoded(field.partition(b"\0")[0])


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
