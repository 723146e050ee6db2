"""The launcher stands alone, and judges a statement as the node judges an offer."""

from __future__ import annotations

import itertools

import pytest

from edgectl.node.launch import launcher
from edgectl.node.trust.judge import Stands, judge
from edgectl.wire.document import canonical, to_json
from edgectl.wire.errors import Refused
from edgectl.wire.launch import Statement
from edgectl.wire.offer import Offer, Part
from edgectl.wire.trust import Signer, Trust, kept_text, written

DIGEST = "sha256:" + "a" * 64
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
T = 1_800_000_000
CASES = tuple(
    itertools.product(
        (T - 10, T, T + 10),  # when it was signed
        (0, 5, 1000),  # how long it may be taken
        ("", written(T - 5), written(T + 5)),  # from when the key counts
        ("", written(T - 5), written(T + 5), written(T + 900)),  # until when
        (("*",), ("store-0*",), ("store-9",)),
        (T - 100, T + 5),  # when the trust was made
        (0.0, T - 7.5, T + 1.5, T + 2000.0),  # the node's clock
        ("", "store-042", "store-9"),  # that the node belongs to
    )
)


def test_a_statement_counts_where_an_offer_would() -> None:
    """Law: what the node refuses as an offer, by time, key or store, its launcher refuses as a statement.

    The other way round they differ in one thing: for the launcher it is never earlier than the trust that it knows.
    """
    taken = 0
    for serial, length, after, before, stores, created, now, store in CASES:
        signer = Signer(KEY, "ada@ops", stores, after, before)
        trust = Trust(1, created, (signer,))
        part = Part(DIGEST, 5)
        offer = Offer("store-042", serial, serial + length, part, part)
        try:
            judge(trust, signer, offer, Stands(store), now=now)
            counts = True
        except Refused:
            counts = False
        statement = Statement("store-042", serial, serial + length, part).encode()
        plain, late = to_json(trust), max(now, created)
        try:
            size = launcher.judged(
                statement, plain["signers"][0], plain, store=store, digest=DIGEST, now=now, late=late
            )
            starts = True
            assert size == part.size
        except launcher.Refused:
            starts = False
        assert starts is (counts and late < offer.expires), (serial, length, after, before, stores, created, now, store)
        taken += starts
    assert 100 < taken < len(CASES) / 2


@pytest.mark.parametrize("who", ["ada@ops", "zoë\x7f\u2028", "\U0001f511"])
def test_a_trust_is_whole_for_both(who: str) -> None:
    """The same bytes have the same digest there, whatever stands in them."""
    trust = Trust(1, T, (Signer(KEY, who),))
    assert launcher.canonical(to_json(trust)) == canonical(trust)
    assert launcher.sha256(launcher.canonical(to_json(trust))) in kept_text(trust)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"[" * 60_000,
        b'{"runtime":{"digest":"x","size":true},"serial":1,"expires":2,"format":1,"store":"s"}',
        b'{"runtime":{"digest":"x","size":1},"serial":true,"expires":2,"format":1,"store":"s"}',
        b'{"runtime":{"digest":"x","size":1},"serial":1,"expires":2,"format":true,"store":"s"}',
        b'{"runtime":{"digest":"x","size":1},"serial":1e3,"expires":2000,"format":1,"store":"s"}',
        b'{"runtime":[],"serial":1,"expires":2,"format":1,"store":"s"}',
        b'{"runtime":{"digest":"x","size":1},"serial":3,"expires":2,"format":1,"store":"s"}',
    ],
)
def test_what_is_no_statement_starts_nothing(said: bytes) -> None:
    """Well signed, and still no document that is known here."""
    signer = to_json(Signer(KEY, "ada@ops"))
    with pytest.raises(launcher.Refused, match="cannot be understood"):
        launcher.judged(said, signer, {"created": 0}, store="", digest="x", now=0.0, late=0.0)
