"""The rule of acceptance: right store, unmoved base, newer sequence."""

from __future__ import annotations

import dataclasses

import pytest

from edgectl.wire.envelope import Envelope, Sender, judge, short
from edgectl.wire.errors import EdgectlError, Exit, Locked, Refused

NOW, NEXT = "sha256:" + "a" * 64, "sha256:" + "b" * 64
OFFER = Envelope(
    store="store-042",
    node="node-1",
    payload=NEXT,
    runtime=NEXT,
    base=NOW,
    sequence=8,
    created="2026-01-01T00:00:00Z",
    sender=Sender("ada", "laptop"),
)


def test_an_offer_on_what_runs_is_accepted() -> None:
    """Same store, same base, newer sequence: no objection."""
    judge(OFFER, store="store-042", current=NOW, sequence=7)


def test_a_bare_node_takes_its_first_offer() -> None:
    """A node that belongs to nobody is based on nothing."""
    judge(dataclasses.replace(OFFER, base="", sequence=1), store="", current="", sequence=0)


def test_a_follower_is_judged_by_its_leads_sequence() -> None:
    """What it runs may be anything that its lead has passed; the same sequence comes again after a lost run."""
    led = dataclasses.replace(OFFER, lead="run1")
    judge(led, store="store-042", current=NEXT, sequence=7)
    judge(led, store="store-042", current=NEXT, sequence=8)
    with pytest.raises(Refused, match="lead is at sequence 8; node-1 has taken 9 already"):
        judge(led, store="store-042", current=NEXT, sequence=9)


@pytest.mark.parametrize(
    ("offer", "kind", "code", "says"),
    [
        ({"store": "store-043"}, Refused, Exit.REFUSED, "belongs to store-042, not to store-043"),
        ({"base": NEXT}, Locked, Exit.LOCKED, "it runs aaaaaaaaaaaa, not bbbbbbbbbbbb"),
        ({"base": ""}, Locked, Exit.LOCKED, "it runs aaaaaaaaaaaa, not nothing"),
        ({"sequence": 7}, Refused, Exit.REFUSED, "sequence 7 is not newer than 7"),
        ({"sequence": 1}, Refused, Exit.REFUSED, "sequence 1 is not newer than 7"),
        ({"store": "store-043", "base": NEXT, "sequence": 1}, Refused, Exit.REFUSED, "belongs to store-042"),
    ],
)
def test_what_does_not_fit_is_turned_away(
    offer: dict[str, object], kind: type[EdgectlError], code: Exit, says: str
) -> None:
    """A wrong store and a replay are refused (11), a lost race is locked (7), each with what to do next."""
    with pytest.raises(kind) as caught:
        judge(dataclasses.replace(OFFER, **offer), store="store-042", current=NOW, sequence=7)  # type: ignore[arg-type]
    assert says in caught.value.message
    assert caught.value.exit is code
    assert caught.value.hint


@pytest.mark.parametrize(("digest", "text"), [(NOW, "aaaaaaaaaaaa"), ("", "nothing"), ("abc", "abc")])
def test_digests_are_shown_short(digest: str, text: str) -> None:
    """People compare twelve digits; an absent digest is a word."""
    assert short(digest) == text
