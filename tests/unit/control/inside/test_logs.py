"""Lines of a pod: each once, whatever happens to the link."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from urllib3.exceptions import ProtocolError

from edgectl.control.inside.asked import Asking, lines
from edgectl.control.inside.logs import Line, Wanted, follow, read
from edgectl.control.inside.pods import Pod

POD = Pod("vision", "camera-1", "deployment", "camera", ("camera",), "camera", "Running", 0)


class Response:
    """An answer in pieces, which may break off."""

    def __init__(self, *pieces: bytes, breaks: bool = False) -> None:
        self._pieces = pieces
        self._breaks = breaks
        self.closed = False

    def stream(self, amount: int, *, decode_content: bool) -> Iterator[bytes]:
        """Give the pieces, as urllib3 does."""
        assert amount
        assert not decode_content
        yield from self._pieces
        if self._breaks:
            raise ProtocolError("Connection broken")

    def close(self) -> None:
        """Remember it."""
        self.closed = True


class Answers:
    """A tunnel and an API that gives these answers, one after the other."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []
        self.there = self
        self.api = self

    def read_namespaced_pod_log(self) -> None:
        """Stand for the call."""

    def answer(self, call: object, *args: object, **options: Any) -> Response:
        """Give the next answer."""
        del call, args
        self.asked.append(options)
        return self.answers.pop(0)

    def is_up(self) -> bool:
        """Tell whether the link stands: it does after the last answer."""
        return not self.answers

    def wait(self, seconds: float) -> bool:
        """Come back at once."""
        assert seconds > 0
        return bool(self.answers)


def stamped(*numbers: int) -> bytes:
    return b"".join(b"2026-11-28T05:00:%02d.000000000Z line %d\n" % (number, number) for number in numbers)


def followed(answers: Answers) -> list[Line]:
    clock = iter(range(1000))
    return list(follow(cast("Asking", answers), POD, "camera", Wanted(tail=5), clock=lambda: float(next(clock))))


def told(answers: Answers) -> list[str]:
    return [line.text for line in followed(answers)]


def test_no_line_twice_and_none_lost() -> None:
    """The link breaks, once in the middle of a line; what is asked again overlaps, and is told once.

    Seeded fault: believe since_seconds to be exact.
    """
    answers = Answers(
        Response(stamped(1, 2), stamped(3)[:20], breaks=True),
        Response(stamped(1, 2, 3, 4), breaks=True),
        Response(stamped(3, 4, 5)),
    )
    assert told(answers) == [f"line {number}" for number in range(1, 6)]
    assert answers.asked[0]["tail_lines"] == 5
    assert all("tail_lines" not in asked and asked["since_seconds"] >= 60 for asked in answers.asked[1:])


def test_a_container_that_ends_is_the_end() -> None:
    """An answer that ends while the link stands is one."""
    assert told(Answers(Response(stamped(1)))) == ["line 1"]


def test_an_end_without_a_link_is_none() -> None:
    """A connection that was closed cleanly because the link is gone: asked again."""
    assert told(Answers(Response(stamped(1)), Response(stamped(1, 2)))) == ["line 1", "line 2"]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_are_put_together(size: int) -> None:
    """However they are cut; a letter of several bytes, too; the answer is closed."""
    data = "über 東京\n\nlast".encode()
    response = Response(*(data[at : at + size] for at in range(0, len(data), size)))
    assert list(lines(response)) == ["über 東京", "", "last"]
    assert response.closed


def test_a_line_without_an_end_takes_no_memory() -> None:
    """It is given in pieces."""
    found = list(lines(Response(*[b"x" * 16384] * 20)))
    assert sum(map(len, found)) == 20 * 16384
    assert max(map(len, found)) < 100_000


def long(number: int, size: int) -> list[bytes]:
    """Return a long line, in the pieces of an answer; its words are no times, and above any time."""
    line = stamped(number)[:-1] + b"y" * size + b" zz 9\n"
    return [line[at : at + 16384] for at in range(0, len(line), 16384)]


def test_a_long_line_silences_nothing() -> None:
    """Law: what comes behind a line of several pieces is told; the pieces are of its time, and all of it is there.

    Seeded fault: take the first word of each piece for a time.
    """
    pieces = [stamped(1), *long(2, 200_000), stamped(3)]
    for found in (
        followed(Answers(Response(*pieces))),
        list(read(cast("Asking", Answers(Response(*pieces))), POD, "camera", Wanted())),
    ):
        assert found[0].text == "line 1"
        assert found[-1].text == "line 3"
        assert "".join(line.text for line in found[1:-1]) == "line 2" + "y" * 200_000 + " zz 9"
        assert len(found) > 4
        assert {line.time[17:19] for line in found[1:-1]} == {"02"}


@pytest.mark.parametrize("size", range(16384 * 5 - 60, 16384 * 5 - 20))
def test_a_long_line_that_ends_where_it_is_cut(size: int) -> None:
    """Law: wherever a piece ends, no empty line comes of it. Seeded fault: give a line's rest, though none is left."""
    found = followed(Answers(Response(*long(2, size), stamped(3))))
    assert "".join(line.text for line in found) == "line 2" + "y" * size + " zz 9" + "line 3"
    assert all(line.text for line in found)


def test_a_long_line_is_told_once() -> None:
    """Law: the pieces of a line that was told are not told again. Seeded fault: tell all that is no beginning."""
    answers = Answers(
        Response(stamped(1), *long(2, 200_000), stamped(3), breaks=True), Response(*long(2, 200_000), stamped(3, 4))
    )
    found = told(answers)
    assert found[-2:] == ["line 3", "line 4"]
    assert sum(map(len, found)) == len("line 1line 2 zz 9line 3line 4") + 200_000


def test_what_has_no_time_is_told_and_silences_nothing() -> None:
    """Law: words of the kubelet itself are all shown, and are no time. Seeded fault: note any word as the last time."""
    found = followed(Answers(Response(stamped(1), b"unable to retrieve container logs\n", stamped(2))))
    assert [(line.time[:4], line.text) for line in found] == [
        ("2026", "line 1"),
        ("", "unable to retrieve container logs"),
        ("2026", "line 2"),
    ]
