"""The form in which a blob travels: never more than the bytes themselves, and always the same bytes at the end."""

from __future__ import annotations

import io
import random
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.control.link import pieces, search
from edgectl.control.link.pieces import PIECE_BYTES, Base, Packing, Piece, Whole, delta, plain
from edgectl.control.link.search import Search
from edgectl.node.receive import SILENCE_SECONDS
from edgectl.node.spans import Joined, Span
from edgectl.node.unpack import Piece as Arriving
from edgectl.node.unpack import Unpacker
from edgectl.wire.delta import DELTA, RAW, ZLIB, Copy, Signature, sign, strong

NOISE = random.Random(1).randbytes(8 << 20)  # noqa: S311 - it cannot be packed, that is all
OTHER_NOISE = random.Random(2).randbytes(6 << 20)  # noqa: S311 - the same
TEXT = b"".join(b"%d bottles of beer on the wall\n" % number for number in range(100_000))


def reader(data: bytes) -> pieces.Read:
    """Return a read of these bytes; it must ask for what is there."""

    def read(offset: int, count: int) -> bytes:
        assert 0 <= offset <= offset + count <= len(data)
        return data[offset : offset + count]

    return read


def signed(data: bytes, block: int) -> Signature:
    """Return a signature in blocks of any length."""
    blocks = [data[at : at + block] for at in range(0, len(data), block)]
    weak = b"".join(zlib.adler32(one).to_bytes(4, "big") for one in blocks)
    return Signature(len(data), block, weak + b"".join(map(strong, blocks)))


def arrived(data: bytes, found: list[Piece], base: Path | None = None) -> bytes:
    """Do what the node does with them."""
    out = b""
    for piece in found:
        wire = data[piece.offset : piece.offset + piece.size] if piece.data is None else piece.data
        with Joined((Span(base, 0, base.stat().st_size),) if base else ()) as old:
            unpacker = Unpacker(Arriving("d", piece.offset, len(wire), piece.size, piece.form), old)
            for at in range(0, len(wire), 5000):
                out += b"".join(unpacker.feed(wire[at : at + 5000]))
            unpacker.end()
    return out


def on_line(found: list[Piece]) -> int:
    """Return how many bytes travel."""
    return sum(piece.size if piece.data is None else len(piece.data) for piece in found)


def test_what_packs_is_packed_and_what_does_not_is_soon_left_alone() -> None:
    """Text is; noise is tried again now and then, so that a blob of both is packed where it can be."""
    data = TEXT + NOISE + TEXT
    found = list(plain(reader(data), 0, len(data), Packing(lambda: 0.0)))
    assert arrived(data, found) == data
    assert found[0].form == ZLIB
    assert on_line(found) < len(NOISE) + len(TEXT)
    noisy = list(plain(reader(NOISE), 0, len(NOISE), Packing(lambda: 0.0)))
    assert {piece.form for piece in noisy} == {RAW}
    assert [piece.size // PIECE_BYTES for piece in noisy] == [1, 2, 4, 1]


@pytest.mark.parametrize("start", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, len(TEXT) - 1, len(TEXT)])
def test_it_goes_on_anywhere(start: int) -> None:
    """A new stream begins at the last good byte."""
    assert arrived(TEXT, list(plain(reader(TEXT), start, len(TEXT), Packing(lambda: 0.0)))) == TEXT[start:]


@pytest.mark.parametrize(
    ("line_bytes", "pack_bytes", "fast"),
    [(250e3, 40e6, False), (10e6, 40e6, False), (30e6, 60e6, False), (100e6, 40e6, True), (1e9, 40e6, True)],
)
def test_a_line_that_is_faster_than_packing_gets_the_bytes_as_they_are(
    *, line_bytes: float, pack_bytes: float, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are measured, on the line at hand, and the faster one stays; what packs to half is the example."""
    now = 0.0
    half = bytes(1) * (PIECE_BYTES // 2) + NOISE[: PIECE_BYTES // 2]

    def compress(data: bytes, _: int) -> bytes:
        nonlocal now
        now += len(data) / pack_bytes
        return data[: len(data) // 2]

    monkeypatch.setattr(zlib, "compress", compress)
    packing, forms = Packing(lambda: now), []
    data = half * 64
    for piece in plain(reader(data), 0, len(data), packing):
        count, began = piece.size if piece.data is None else len(piece.data), now
        now += count / line_bytes
        packing.sent(piece, count, began)
        forms.append(piece.form)
    assert packing.is_fast == fast
    assert forms[-1] == (RAW if fast else ZLIB)
    assert forms[0] == ZLIB


BLOCK = 32
bits = st.sampled_from([bytes([letter]) * BLOCK for letter in b"ab"] + [NOISE[at : at + BLOCK] for at in range(9)])
files = st.lists(st.one_of(bits, st.binary(max_size=2 * BLOCK)), max_size=30).map(b"".join)


@given(base=files, data=files, start=st.integers(0, 40))
def test_any_file_comes_out_of_any_other(base: bytes, data: bytes, start: int) -> None:
    """Empty, tiny, identical, shifted, repeated, longer, shorter: what is found is in the base, and makes the file."""
    start, out = min(start, len(data)), b""
    for found in Search(reader(data), signed(base, BLOCK)).run(start, len(data)):
        at = start + len(out)
        if isinstance(found, Copy):
            assert found.start + found.count <= len(base)
            out += base[found.start : found.start + found.count]
        else:
            assert found > 0
            out += data[at : at + found]
    assert out == data[start:]


@given(base=files, cut=st.integers(0, 2000), new=st.binary(max_size=100))
def test_blocks_are_found_wherever_they_are(base: bytes, cut: int, new: bytes) -> None:
    """An insertion costs itself and the two blocks around it, whatever its length."""
    cut = min(cut, len(base))
    data = base[:cut] + new + base[cut:]
    found = list(Search(reader(data), signed(base, BLOCK)).run(0, len(data)))
    assert sum(one for one in found if not isinstance(one, Copy)) <= len(new) + 2 * BLOCK


def test_every_rolling_sum_is_zlibs() -> None:
    """The operator's sums of all windows are those that the node's zlib gives."""
    for block in (1, 3584, 64 * 1024):
        data = bytes([255]) * 1000 + NOISE[: block + 3000] + bytes([255]) * block
        data = data[: search._OFFSETS + block - 1]
        sums = search._Roll(block).sums(data)
        assert len(sums) == len(data) - block + 1
        for at in (0, 1, len(sums) // 2, len(sums) - 1):
            assert int(sums[at]) == zlib.adler32(data[at : at + block])


@pytest.mark.parametrize(
    ("data", "most"),
    [
        (NOISE[:3_000_000], 4_000),
        (NOISE[:1_000_000] + b"inserted" + NOISE[1_000_000:], 12_000),
        (NOISE[5_000_000:] + NOISE[:5_000_000], 12_000),
        (NOISE[:100_000] + TEXT, len(zlib.compress(TEXT, 6)) * 1.01 + 8_000),
        (TEXT, len(zlib.compress(TEXT, 6)) * 1.01 + 100),
        (OTHER_NOISE[:3_000_000], 3_000_000),
        (bytes(5_000_000), 6_000),
    ],
    ids=["shorter", "inserted", "swapped", "mostly new", "unrelated", "unrelated noise", "zeros"],
)
def test_a_delta_costs_no_more_than_the_blob(data: bytes, most: float, tmp_path: Path) -> None:
    """And far less where the base helps; it comes out right, also from the middle on."""
    (tmp_path / "base").write_bytes(NOISE)
    base = sign(io.BytesIO(NOISE), len(NOISE))
    assert base is not None
    for start in (0, len(data) // 3):
        found = list(delta(reader(data), start, len(data), Packing(lambda: 0.0), Base(base)))
        assert arrived(data, found, tmp_path / "base") == data[start:]
        assert on_line(found) <= most


def test_the_smaller_one_is_sent() -> None:
    """Where copies cost more than the content, packed, the content goes: words in a new order, say."""
    words = [NOISE[at * 8 : at * 8 + 8] for at in range(16)]
    content = b"".join(words[byte % 16] for byte in NOISE[:20_000]) + NOISE[:1000]
    base = signed(b"".join(words), 8)
    found = list(delta(reader(content), 0, len(content), Packing(lambda: 0.0), Base(base)))
    whole = list(plain(reader(content), 0, len(content), Packing(lambda: 0.0)))
    assert arrived(content, found) == content
    assert on_line(found) <= on_line(whole) * 1.01


def test_a_fast_line_is_not_kept_waiting_for_a_search_without_hope(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing found in the first megabytes, and the line is faster than the search: the rest goes as it is."""
    monkeypatch.setattr(pieces, "_HOPELESS_BYTES", 2 * PIECE_BYTES)
    packing = Packing(lambda: 0.0)
    packing.is_fast = True
    data = OTHER_NOISE
    base = sign(io.BytesIO(NOISE), len(NOISE))
    assert base is not None
    found = list(delta(reader(data), 0, len(data), packing, Base(base)))
    assert arrived(data, found) == data
    assert found[-1].size == 4 * PIECE_BYTES
    assert DELTA not in {piece.form for piece in found}


@given(
    cuts=st.lists(st.integers(0, 40_000), max_size=8).map(sorted),
    has=st.lists(st.booleans(), min_size=9, max_size=9),
    start=st.integers(0, 40_000),
    older=st.booleans(),
)
def test_layers_and_an_older_version_make_the_blob_together(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], has: list[bool], start: int, *, older: bool
) -> None:
    """Wherever layers lie, however many of them are there, with or without a signature, from any byte on."""
    data = NOISE[:40_000]
    bounds = [0, *cuts, len(data)]
    stretches = [
        (one, other) for (one, other), here in zip(pairwise(bounds), has, strict=False) if here and one < other
    ]
    old = data[:9_000] + b"edited" + data[9_006:20_000] if older else b""
    whole, behind = list[Whole](), old
    for one, other in stretches:
        whole.append(Whole(one, other - one, len(behind)))
        behind += data[one:other]
    path = tmp_path_factory.mktemp("base") / "joined"
    path.write_bytes(behind)
    base = Base(signed(old, BLOCK) if older else None, tuple(whole))
    found = list(delta(reader(data), start, len(data), Packing(lambda: 0.0), base))
    assert arrived(data, found, path) == data[start:]
    assert sum(piece.size for piece in found) == len(data) - start
    there = sum(max(0, other - max(one, start)) for one, other in stretches)
    assert on_line(found) <= len(data) - start - there + 40 * (len(found) + len(stretches) + 1)


def test_no_search_is_made_where_layers_say_all() -> None:
    """Without an older version numpy is not even loaded; a large layer that is new travels as any blob does."""
    data = NOISE[: 3 * PIECE_BYTES]
    base = Base(None, (Whole(PIECE_BYTES, PIECE_BYTES, 0),))
    found = list(delta(reader(data), 0, len(data), Packing(lambda: 0.0), base))
    assert [(piece.form, piece.size) for piece in found] == [
        (RAW, PIECE_BYTES),
        (DELTA, PIECE_BYTES),
        (RAW, PIECE_BYTES),
    ]
    assert on_line(found) < 2 * PIECE_BYTES + 50


def test_a_long_search_says_something_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: what equals the base for long is told of in parts; the node takes silence for a dead sender."""
    monkeypatch.setattr(search, "_FOLLOWED_BYTES", 1 << 20)
    monkeypatch.setattr(pieces, "_SEARCHED_BYTES", 2 << 20)
    signature = sign(io.BytesIO(NOISE), len(NOISE))
    assert signature is not None
    data = NOISE[: 7 << 20]
    found = list(delta(reader(data), 0, len(data), Packing(), Base(signature, ())))
    assert max(piece.size for piece in found) <= 3 << 20
    assert sum(piece.size for piece in found) == len(data)
    assert on_line(found) < 1000


def test_a_slow_disk_is_no_dead_sender() -> None:
    """Law: what is read in silence at most, a disk that gives 5 MB/s has read before the node gives its sender up."""
    assert (pieces._SEARCHED_BYTES + search._FOLLOWED_BYTES) / 5e6 < SILENCE_SECONDS
