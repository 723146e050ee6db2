"""Instructions of a delta: what is written is read, however it is cut; what makes no sense makes nothing more."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.wire import delta
from edgectl.wire.delta import Copy, DeltaError, Reader, Signature, block_size, encode, sign

BASE = bytes(range(256)) * 8


def copy(start: int, count: int) -> Iterator[bytes]:
    """Give bytes of the base, in two parts."""
    yield BASE[start : start + count // 2]
    yield BASE[start + count // 2 : start + count]


def made(data: bytes, *, here: int, count: int, cut: int = 1 << 20) -> bytes:
    """Carry out instructions that come in parts of `cut` bytes; they must end well."""
    reader, out = Reader(here, count, len(BASE), copy), b""
    for at in range(0, len(data), cut):
        for piece in reader.feed(data[at : at + cut]):
            out += piece
            assert len(out) <= count, "more than was announced"
    reader.end()
    return out


copies = st.builds(
    lambda start, count: Copy(start, min(count, len(BASE) - start)),
    st.integers(0, len(BASE) - 1),
    st.integers(1, len(BASE)),
)


@given(
    said=st.lists(st.one_of(copies, st.binary(min_size=1, max_size=300)), max_size=12),
    here=st.integers(0, 5000),
    cut=st.integers(1, 50),
)
def test_what_is_written_is_read(said: list[Copy | bytes], here: int, cut: int) -> None:
    """Any instructions, anywhere in a file, in parts of any length; the same ones have the same bytes."""
    expected = b"".join(one if isinstance(one, bytes) else BASE[one.start : one.start + one.count] for one in said)
    packed = encode(said, here)
    assert packed == encode(said, here)
    assert made(zlib.decompress(packed), here=here, count=len(expected), cut=cut) == expected


@given(data=st.binary(max_size=60), count=st.integers(0, 3000))
def test_garbage_makes_never_more_than_announced(data: bytes, count: int) -> None:
    """Whatever comes, it is a sentence or bytes within the announced number; never another kind of failure."""
    with suppress(DeltaError):
        assert len(made(data, here=0, count=count)) == count


def varint(*numbers: int) -> bytes:
    """Write numbers as instructions do."""
    return b"".join(map(delta._varint, numbers))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (varint(0, len(BASE) + 1, 0), "copies bytes 0 to 2049 of a base of 2048"),
        (varint(0, 10, 2 * len(BASE)), "of a base of 2048"),
        (varint(0, 10, 1), "copies bytes -1"),
        (varint(0, 10, 3), "copies bytes -2"),
        (varint(101) + b"x" * 101, "1 bytes more than announced"),
        (varint(0, 101, 0), "1 bytes more than announced"),
        (varint(0, 0), "makes nothing"),
        (b"\xff" * 10, "too long"),
        (varint(0, 1 << 62, 0), "of a base of"),
        (varint(0, 99, 0), "ends 1 bytes early"),
        (varint(100) + b"x" * 100, "ends 0 bytes early"),
        (varint(100) + b"x" * 100 + varint(0) + b"\x80", "ends 0 bytes early"),
    ],
)
def test_what_makes_no_sense_is_told(data: bytes, why: str) -> None:
    """Beyond the base, before it, more than announced, nothing at all, endless numbers, half said."""
    with pytest.raises(DeltaError, match=why):
        made(data, here=0, count=100)


def test_an_end_at_every_byte_is_found() -> None:
    """A delta that stops anywhere before its end is not taken for a whole one."""
    said: list[Copy | bytes] = [b"new", Copy(700, 300), b"x" * 40, Copy(0, 1000)]
    data = zlib.decompress(encode(said, 0))
    whole = made(data, here=0, count=1343)
    for end in range(len(data)):
        with pytest.raises(DeltaError):
            made(data[:end], here=0, count=1343)
    assert len(whole) == 1343


@pytest.mark.parametrize("size", [64 * 1024, 64 * 1024 + 1, 1 << 20, 200_000_000, 1 << 34])
def test_a_signature_is_small(size: int) -> None:
    """At most 0.3 % of its file, in blocks that are multiples of tar's."""
    block = block_size(size)
    assert block % 512 == 0
    assert 1024 <= block <= 64 * 1024
    assert -(-size // block) * delta.ROW_BYTES <= size * 0.003 + delta.ROW_BYTES


def test_a_signature_crosses_and_nothing_else_is_taken_for_one() -> None:
    """What is packed is unpacked; other lengths, blocks, bytes, and bombs are refused."""
    data = bytes(range(256)) * 400
    signed = sign(io.BytesIO(data), len(data))
    assert signed is not None
    packed = signed.pack()
    assert Signature.unpack(len(data), signed.block, packed) == signed
    bomb = zlib.compress(bytes(100_000_000))
    for size, block, other in (
        (len(data) + signed.block, signed.block, packed),
        (len(data), signed.block + 512, packed),
        (len(data), 0, packed),
        (-5, 3584, packed),
        (len(data), signed.block, packed[:-3]),
        (len(data), signed.block, b"garbage"),
        (len(data), signed.block, bomb),
    ):
        with pytest.raises(DeltaError):
            Signature.unpack(size, block, other)


def test_a_file_of_another_length_or_no_time_gives_no_signature() -> None:
    """Rather the whole blob than a wrong signature or a wait."""
    data = bytes(100_000)
    assert sign(io.BytesIO(data), len(data) + 1) is None
    assert sign(io.BytesIO(data), len(data), until=0.0) is None
