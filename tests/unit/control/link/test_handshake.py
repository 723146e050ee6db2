"""Lines of the handshake, found among whatever a login prints, however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.control.link.handshake import Handshake
from edgectl.wire.errors import Unreachable


class _Stream:
    """A command's output, cut into pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.patience_seconds = 0.0
        self.pieces = list(pieces)

    def read(self, max_bytes: int) -> bytes:
        if not self.pieces:
            return b""
        piece, self.pieces[0] = self.pieces[0][:max_bytes], self.pieces[0][max_bytes:]
        if not self.pieces[0]:
            self.pieces.pop(0)
        return piece

    def unread(self, data: bytes) -> None:
        self.pieces.insert(0, data)


_SAID = (
    b"Welcome!\r\nedgectl-lin\nlast login\nedgectl-link password\nLecture\n\nedgectl-link run\n" + b'{"op":"hello"}\n'
)


@given(st.lists(st.integers(1, len(_SAID) - 1), unique=True).map(sorted))
def test_however_the_bytes_are_cut(cuts: list[int]) -> None:
    """Every line is found, noise is kept apart, and what follows the last line is untouched."""
    edges = [0, *cuts, len(_SAID)]
    stream = _Stream(*(_SAID[a:b] for a, b in pairwise(edges)))
    handshake = Handshake(stream, clock=lambda: 0.0)
    assert handshake.next(seconds=5) == ("password", "")
    assert handshake.next(seconds=5) == ("run", "")
    assert b"".join(stream.pieces) == b'{"op":"hello"}\n'
    assert handshake.noise.split() == ["Welcome!", "edgectl-lin", "last", "login", "Lecture"]


def test_a_line_may_be_the_very_first_thing() -> None:
    """Nothing needs to come before it; its words are split once."""
    assert Handshake(_Stream(b"edgectl-link sudo refused a b\n")).next(seconds=5) == ("sudo", "refused a b")


def test_an_end_without_a_line_is_told_apart() -> None:
    """The command has ended: that is for the caller to explain, with what was printed."""
    handshake = Handshake(_Stream(b"This account is not available.\n"))
    assert handshake.next(seconds=5) is None
    assert handshake.noise == "This account is not available."


def test_noise_and_lines_are_bounded() -> None:
    """Neither endless noise nor an endless line is stored."""
    with pytest.raises(Unreachable, match="prints more than 256 KiB"):
        Handshake(_Stream(*[b"x" * 65536] * 10)).next(seconds=5)
    with pytest.raises(Unreachable, match="not readable"):
        Handshake(_Stream(b"edgectl-link " + b"x" * 65536)).next(seconds=5)


def test_the_deadline_is_for_the_line_not_for_each_piece() -> None:
    """A login that drips one byte at a time does not renew its time."""
    now = 0.0
    patience: list[float] = []

    class Dripping(_Stream):
        def read(self, max_bytes: int) -> bytes:
            nonlocal now
            now += 4
            patience.append(self.patience_seconds)
            return super().read(max_bytes)

    stream = Dripping(b"a", b"b", b"c", b"\nedgectl-link run\n")
    assert Handshake(stream, clock=lambda: now).next(seconds=10) == ("run", "")
    assert patience == [10, 6, 2, 0.1]
