"""An offer's text: one that is well formed is read, all else is half a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.wire import offer as real
from edgectl.wire.offer import MOST_BYTES, Offer, Part
from tests.laws.fake_store import mutant

GOLDEN = (Path(__file__).parents[2] / "cases" / "signing" / "offer.json").read_bytes()
DOC = json.loads(GOLDEN)


def changed(**fields: Any) -> bytes:
    """Return the offer with other fields."""
    return json.dumps({**DOC, **fields}).encode()


def without(name: str) -> bytes:
    """Return the offer without one field."""
    return json.dumps({key: value for key, value in DOC.items() if key != name}).encode()


def part(**fields: Any) -> dict[str, Any]:
    """Return a part with other fields."""
    return {**DOC["payload"], **fields}


REFUSED = {
    "nothing": b"",
    "no JSON": b"offer",
    "a list": b"[]",
    "null": b"null",
    "too long": b" " * MOST_BYTES + GOLDEN,
    "UTF-16": GOLDEN.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOLDEN,
    "no UTF-8": GOLDEN.replace(b"Two", b"T\xffo"),
    "a name twice": GOLDEN.replace(b'"format":1', b'"format":1,"format":1'),
    "a name twice inside": GOLDEN.replace(b'"size":12345', b'"size":12345,"size":1'),
    "NaN": GOLDEN.replace(b"1792592000", b"NaN"),
    "infinity": GOLDEN.replace(b"1792592000", b"Infinity"),
    "a float": GOLDEN.replace(b"1792592000", b"1e10"),
    "a huge number": GOLDEN.replace(b"1792592000", b"9" * 5000),
    "a large number": GOLDEN.replace(b"1792592000", b"9" * 30),
    "a nesting bomb": b"[" * 60000,
    "a nesting bomb inside": GOLDEN.replace(b"12345", b'{"a":' * 9000, 1),
    "two documents": GOLDEN + GOLDEN,
    "a newer format": changed(format=2),
    "a huge format": changed(format=10**30),
    "format true": changed(format=True),
    "format as text": changed(format="1"),
    "no format": without("format"),
    "an unknown key": changed(run="rm"),
    "no store": without("store"),
    "no payload": without("payload"),
    "a store that leads out": changed(store="../etc"),
    "a store that moves the cursor": changed(store="store\u001b[2J"),
    "an empty store": changed(store=""),
    "serial 0": changed(serial=0),
    "a negative serial": changed(serial=-5),
    "serial true": changed(serial=True),
    "it ends before it begins": changed(expires=DOC["serial"] - 1),
    "a digest that leads out": changed(payload=part(digest="sha256:../../etc")),
    "a short digest": changed(payload=part(digest="sha256:" + "a" * 63)),
    "a digest with a line end": changed(payload=part(digest="sha256:" + "a" * 64 + "\n")),
    "another hash": changed(payload=part(digest="md5:" + "a" * 64)),
    "a negative size": changed(payload=part(size=-1)),
    "no size": changed(payload=part(size=0)),
    "an endless size": changed(payload=part(size=1 << 60)),
    "half a character": changed(summary="\ud800"),
    "a summary of two lines": changed(summary="a\nb"),
}


def refuses(module: Any) -> None:
    """Read none of them."""
    for name, data in REFUSED.items():
        try:
            module.decode(data)
        except ValueError as error:
            str(error).encode()
            continue
        pytest.fail(f"{name} was read")


def test_what_was_signed() -> None:
    """The bytes that are signed are read as what was meant, and written as they were."""
    found = real.decode(GOLDEN)
    parts = Part("sha256:" + "a1" * 32, 12345), Part("sha256:" + "b2" * 32, 2345678)
    assert found == Offer("store-042", 1790000000, 1792592000, *parts, "0123456789abcdef", "Two cameras more")
    assert found.encode() == GOLDEN


def test_nothing_else_is_read() -> None:
    """Law: malformed, hostile and newer offers are ValueErrors, never another exception."""
    refuses(real)


@given(st.binary(max_size=200), st.integers(0, len(GOLDEN)))
def test_any_bytes(data: bytes, at: int) -> None:
    """Whatever stands in it ends in an offer or a ValueError."""
    for text in (data, GOLDEN[:at] + data + GOLDEN[at:], GOLDEN[:at] + data):
        try:
            real.decode(text)
        except ValueError:
            continue


FAULTS: tuple[tuple[str, str | Callable[[], str]], ...] = (
    ("if len(data) > MOST_BYTES:", "if False:"),
    (", object_pairs_hook=_object", ""),
    ("except RecursionError as error:", "except ZeroDivisionError as error:"),
    ("    if found != FORMAT:\n", "    if found is None:\n"),
    ("if not _NAME.fullmatch(offer.store):", "if False:"),
    ("if not 0 < offer.serial <= offer.expires <= LATEST:", "if False:"),
    ("not is_digest(part.digest) or ", ""),
    (" or not 0 < part.size < 1 << 53", ""),
    ("if not (offer.commit.isprintable() and offer.summary.isprintable()):", "if False:"),
)


@pytest.mark.parametrize(("old", "new"), FAULTS, ids=[old for old, _ in FAULTS])
def test_the_laws_bite(old: str, new: str) -> None:
    """Seeded faults: each check that is left out lets one of them in, or crashes."""
    with pytest.raises((pytest.fail.Exception, RecursionError, AttributeError)):
        refuses(mutant(real, (old, new)))
