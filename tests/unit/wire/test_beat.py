"""The beat: never longer than it may be, and the same when it is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgectl.wire.beat import MOST_BYTES, Beat, decode, encode

BEAT = Beat(
    store="store-042",
    node="node-1",
    box="9f3c",
    n=1234,
    boot="3f925d",
    runs=17,
    next=0,
    word="ready",
    held=5400,
    up=86400,
    at=1795888776,
    gpu=1,
    gpus=1,
    disk=43,
)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
HEX = "0123456789abcdef"
FITTING = st.builds(
    Beat,
    store=LABELS,
    node=LABELS,
    box=st.text(HEX, min_size=4, max_size=4),
    n=st.integers(1, 10**10 - 1),
    boot=st.text(HEX, min_size=6, max_size=6),
    runs=st.integers(0, 10**7 - 1),
    next=st.integers(0, 10**7 - 1),
    word=st.sampled_from(["ready", "degraded", "not ready", "unknown", "paused", "interrupted"]),
    held=st.integers(0, 10**9 - 1),
    up=st.integers(0, 10**9 - 1),
    at=st.integers(0, 10**10 - 1),
    gpu=st.integers(0, 64),
    gpus=st.integers(0, 64),
    disk=st.integers(0, 100),
    why=st.one_of(st.just(""), LABELS),
    cert=st.integers(-1, 9999),
)
ANY = st.builds(
    Beat,
    **{name: st.text(max_size=300) for name in ("store", "node", "box", "boot", "word", "why")},
    **{name: st.integers() for name in ("n", "runs", "next", "held", "up", "at", "gpu", "gpus", "disk", "cert")},
)


def test_a_person_can_read_it() -> None:
    """One line of named words; this very one stands in docs/upward.md."""
    page = (Path(__file__).parents[3] / "docs" / "upward.md").read_text()
    assert f"    {encode(BEAT).decode()}" in page
    assert f"These are {len(encode(BEAT))} bytes" in page
    assert encode(BEAT) == (
        b"edgectl=1 store=store-042 node=node-1 box=9f3c n=1234 boot=3f925d runs=17 word=ready for=5400 up=86400 "
        b"at=1795888776 gpu=1/1 disk=43\n"
    )


@given(ANY)
@example(replace(BEAT, why="w" * 300))
@example(replace(BEAT, store="s" * 300, node="n" * 300, why="w" * 300, n=10**30, at=10**30, runs=10**30, next=10**30))
def test_nothing_makes_it_longer(beat: Beat) -> None:
    """Law: 200 bytes of ASCII on one line, whatever is put in. Seeded: a reason that is not cut."""
    line = encode(beat)
    assert len(line) <= MOST_BYTES
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")


@given(FITTING)
def test_it_reads_as_it_was_written(beat: Beat) -> None:
    """Law: every number and the word come back exactly; texts are cut where there is no room, the reason first."""
    read = decode(encode(beat))
    assert replace(read, store=beat.store, node=beat.node, why=beat.why) == beat
    for had, found in ((beat.store, read.store), (beat.node, read.node)):
        assert found == had or (found.partition("~")[0] == had[: found.index("~")] and len(found) >= 18)
    assert beat.why.startswith(read.why)
    if (read.store, read.node) != (beat.store, beat.node):
        assert len(read.why) < max(len(beat.why), 1)


def test_two_long_names_stay_two() -> None:
    """Law: stores whose names differ behind the cut only are still told apart."""
    names = [f"{'a' * 62}{end}" for end in "xy"]
    one, two = (decode(encode(replace(BEAT, store=name, node="b" * 63, why="gpu"))).store for name in names)
    assert one != two


@pytest.mark.parametrize("store", ["store-042", "s" * 50])
def test_usual_names_are_whole(store: str) -> None:
    """Nothing is cut before it must be."""
    full = replace(BEAT, store=store, next=18, word="not ready", why="gpu")
    assert decode(encode(full)) == full


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "version None"),
        (b"edgectl=2 store=a\n", "version 2"),
        (b"edgectl=1 store=a\n", "does not say"),
        (b"\xff\xfe", "ascii"),
        (b"edgectl=1 torn", "dictionary update"),
        (encode(BEAT).replace(b"n=1234", b"n=x"), "invalid literal"),
    ],
)
def test_what_is_no_beat_is_refused(line: bytes, why: str) -> None:
    """ValueError, and nothing else."""
    with pytest.raises(ValueError, match=why):
        decode(line)


def test_words_that_came_later_are_passed_over() -> None:
    """A receiver of today reads what a node of tomorrow adds."""
    assert decode(encode(BEAT).rstrip() + b" heat=40\n") == BEAT
