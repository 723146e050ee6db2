"""Tar, read strictly: what Python's tarfile writes is understood as it is, and nothing that is no tar is."""

from __future__ import annotations

import io
import random
import tarfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.wire.tar import SPARSE, Member, Seeking, TarError, members

NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=180).filter(
    lambda name: not name.startswith("/") and not name.endswith("/")
)


def found(data: bytes, *, strict: bool = True) -> list[Member]:
    """Read it."""
    return list(members(Seeking(io.BytesIO(data), 0, len(data)), most=1000, strict=strict))


def written(files: list[tuple[str, bytes]], form: int) -> bytes:
    """Let Python write a tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@given(files=st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=6))
def test_what_is_written_is_read(form: int, files: list[tuple[str, bytes]]) -> None:
    """Names of any length in any letters, files of any length, in both forms."""
    data = written(files, form)
    assert [(one.name, data[one.offset : one.offset + one.size]) for one in found(data)] == files


@given(data=st.binary(max_size=3000))
def test_bytes_that_are_no_tar_are_told(data: bytes) -> None:
    """Whatever they are: one kind of error, and it ends."""
    for strict in (True, False):
        with suppress(TarError):
            found(data, strict=strict)


@given(at=st.integers(0, 10_239), bit=st.integers(0, 7))
def test_a_flipped_bit_moves_no_bytes(at: int, bit: int) -> None:
    """In a header it is seen; elsewhere the members stay where they are."""
    data = bytearray(written([("a", b"x" * 700), ("b/c", b"y" * 90)], tarfile.PAX_FORMAT))
    before = found(bytes(data))
    data[at] ^= 1 << bit
    try:
        after = found(bytes(data))
    except TarError:
        return
    assert after == before


@given(end=st.integers(0, 10_239))
def test_a_cut_tar_is_no_tar(end: int) -> None:
    """Cut at any byte before its end mark is whole."""
    data = written([("a", b"x" * 700), ("b/c", b"y" * 90)], tarfile.PAX_FORMAT)
    whole = 512 + 1024 + 512 + 512 + 1024
    if end >= whole:
        assert len(found(data[:end])) == 2
    else:
        with pytest.raises(TarError):
            found(data[:end])


def test_a_file_with_holes_says_how_large_it_becomes() -> None:
    """GNU's old form, with its list of parts continued in blocks of their own, and the form in PAX."""
    block = bytearray(written([("big", b"")], tarfile.GNU_FORMAT)[:512])
    block[156:157] = SPARSE
    block[124:136] = b"00000001000\0"  # 512 bytes are here
    block[482], block[483:495] = 1, b"00010000000\0"  # more parts follow; 2 MiB in all
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    more = bytearray(512)
    more[504] = 1
    one = found(bytes(block + more + bytes(512) + b"x" * 512 + bytes(1024)))
    assert [(member.kind, member.offset, member.size, member.real) for member in one] == [(SPARSE, 1536, 512, 1 << 21)]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("GNUSparseFile.0/big")
        entry.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1000000"}
        tar.addfile(entry)
    assert [(member.kind, member.real) for member in found(buffer.getvalue())] == [(SPARSE, 1_000_000)]
    with pytest.raises(TarError, match="in the middle"):
        found(bytes(block + more))


def test_links_have_no_bytes_whatever_they_say() -> None:
    """Go's reader takes none; one that skipped some would see other members."""
    entry = tarfile.TarInfo("x")
    entry.type, entry.size, entry.linkname = tarfile.SYMTYPE, 512, "y"
    data = entry.tobuf() + written([("a", b"1")], tarfile.PAX_FORMAT)
    assert [(one.name, one.size) for one in found(data)] == [("x", 0), ("a", 1)]


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"size": "12x"}, "is no number"),
        ({"size": "9" * 30}, "is no number"),
        ({"size": "99999999999"}, "in the middle of"),
        ({"comment": "x" * (1 << 20)}, "bytes are said of one member"),
    ],
)
def test_what_pax_says_is_held_to_bounds(headers: dict[str, str], sentence: str) -> None:
    """Numbers without end, and texts that would fill the memory."""
    records = b""
    for key, value in headers.items():
        length = len(key) + len(value) + 3
        length += len(str(length + len(str(length))))
        records += f"{length} {key}={value}\n".encode()
    head = tarfile.TarInfo("PaxHeaders/x")
    head.type, head.size = tarfile.XHDTYPE, len(records)
    data = head.tobuf() + records + bytes(-len(records) % 512) + written([("a", b"1")], tarfile.PAX_FORMAT)
    with pytest.raises(TarError, match=sentence):
        found(data)


def test_what_is_said_of_all_members_is_not_followed_by_some_readers_only() -> None:
    """A global path or size is refused; a comment (git archive) is not."""
    for key, good in (("path", False), ("size", False), ("comment", True)):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={key: "12"}) as tar:
            tar.addfile(tarfile.TarInfo("a"))
        if good:
            assert [one.name for one in found(buffer.getvalue())] == ["a"]
        else:
            with pytest.raises(TarError, match="all its members"):
                found(buffer.getvalue())


def test_nothing_hides_behind_the_end() -> None:
    """Bytes behind the end mark, one zero block only, none at all; a layer is read as containerd reads it."""
    data = written([("a", b"1")], tarfile.PAX_FORMAT)
    hidden = data[:2048] + written([("b", b"2")], tarfile.PAX_FORMAT)
    for bad in (hidden, data[:1536], data[:1024]):
        with pytest.raises(TarError):
            found(bad)
        assert [one.name for one in found(bad, strict=False)] == ["a"]


def test_the_number_of_members_is_bounded() -> None:
    """A million headers are no archive."""
    data = written([(f"f{number}", b"") for number in range(1001)], tarfile.PAX_FORMAT)
    with pytest.raises(TarError, match="more than 1000 members"):
        found(data)


def test_real_archives_of_any_bytes_never_loop() -> None:
    """A thousand damaged ones: each ends, in members or in the one error."""
    chance = random.Random(3)  # noqa: S311
    good = written([("a", b"x" * 700), ("n" * 150, b"y" * 90), ("z", b"")], tarfile.GNU_FORMAT)
    for _ in range(1000):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            found(bytes(data[: chance.randrange(len(data) + 1)]))
        except TarError:
            continue
