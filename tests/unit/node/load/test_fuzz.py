"""Whatever a stick holds, a load is refused in a sentence or takes what was signed: never a traceback, never half."""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgectl.node.trust.kept import heard_of
from edgectl.wire.document import digest_of, to_json
from edgectl.wire.errors import NotReady, Refused
from edgectl.wire.offer import Offer, Part
from edgectl.wire.sshsig import BEGIN, END, armored
from tests.edits import edited_bytes, edited_document
from tests.stick import ENGINE, NOW, STORE, at_rack, key, payload, signed, tar_of

V2 = payload("v2")
TAR = tar_of(ENGINE)
OFFER = Offer(STORE, NOW, NOW + 86400, Part(V2.digest, len(V2.encode())), Part(digest_of(TAR), len(TAR)))
GOOD = OFFER.encode()
SIG = signed(GOOD, key())
BLOB = base64.b64decode(SIG[len(BEGIN) : -len(END)])
_numbers = itertools.count()


class Given:
    """A stick in memory."""

    kind = "stick"
    name = "/media/usb"

    def __init__(self, offer: bytes, signature: bytes, *blobs: bytes) -> None:
        self._files = {f"offers/{STORE}.json": offer, f"offers/{STORE}.json.sig": signature}
        self._files |= {f"blobs/sha256/{digest_of(data)[7:]}": data for data in (TAR, V2.encode(), b"v2", *blobs)}

    def small(self, path: str, most: int) -> bytes | None:
        """Return a file."""
        data = self._files.get(path)
        if data is not None and len(data) > most:
            raise Refused("it is longer")
        return data

    def read(self, path: str, *, size: int, offset: int) -> Iterator[bytes]:
        """Yield a file."""
        data = self._files.get(path)
        if data is None or len(data) != size:
            raise Refused("it is missing, or of another size")
        yield data[offset:]


def law(folder: Path, monkeypatch: pytest.MonkeyPatch, stick: Given) -> bool:
    """Load it at a fresh node; returns whether it was taken."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    node = at_rack(folder / str(next(_numbers)), monkeypatch)
    node.runs(payload("v1"))
    before = {name: seen for name, seen in node.tree().items() if "/runtimes" not in name}
    try:
        node.load(stick)
    except (Refused, NotReady):
        assert {name: seen for name, seen in node.tree().items() if "/runtimes" not in name} == before
        assert node.changes == []
        return False
    candidate, heard = node.slots.candidate, heard_of(node)
    assert candidate is not None
    assert heard is not None
    assert heard.payload == candidate.envelope.payload
    return True


fuzz = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@fuzz
@given(offer=edited_bytes(GOOD))
def test_an_offer_that_was_changed(offer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is taken only if it is the very one that was signed."""
    assert law(tmp_path, monkeypatch, Given(offer, SIG)) == (offer == GOOD)


@fuzz
@given(signature=st.one_of(edited_bytes(SIG), edited_bytes(BLOB).map(armored), st.binary()))
def test_a_signature_that_was_changed(signature: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One signature has one text."""
    assert law(tmp_path, monkeypatch, Given(GOOD, signature)) == (signature == SIG)


@fuzz
@given(doc=edited_document(to_json(OFFER)), data=st.none() | edited_bytes(GOOD))
def test_an_offer_that_somebody_has_signed_who_may(
    doc: object, data: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it says: what is no offer is refused, what is one names content that must be there."""
    offer = json.dumps(doc).encode() if data is None else data
    law(tmp_path, monkeypatch, Given(offer, signed(offer, key())))


@fuzz
@given(doc=edited_document(json.loads(V2.encode())), data=st.none() | edited_bytes(V2.encode()))
def test_a_payload_that_somebody_has_signed_who_may(
    doc: object, data: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no payload of this node is refused before anything is accepted."""
    made = json.dumps(doc).encode() if data is None else data
    offer = Offer(STORE, NOW, NOW + 86400, Part(digest_of(made), len(made)), OFFER.runtime).encode()
    law(tmp_path, monkeypatch, Given(offer, signed(offer, key()), made))


@fuzz
@given(tar=edited_bytes(TAR))
def test_an_engine_that_somebody_has_signed_who_may(
    tar: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no archive of plain files is not unpacked, and nothing of it is left."""
    offer = Offer(STORE, NOW, NOW + 86400, OFFER.payload, Part(digest_of(tar), max(1, len(tar)))).encode()
    law(tmp_path, monkeypatch, Given(offer, signed(offer, key()), tar))


def test_the_good_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the others are refused for what was changed."""
    assert law(tmp_path, monkeypatch, Given(GOOD, SIG))
    assert SIG.startswith(BEGIN)
    assert SIG.endswith(END)
