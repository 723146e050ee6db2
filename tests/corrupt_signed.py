"""Sticks on which somebody with a key that counts has signed what is wrong: offers, engines, payloads.

A signature says whose something is, not that it is sane.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from edgectl.wire.document import digest_of, to_json
from edgectl.wire.offer import Part
from edgectl.wire.payload import Payload
from tests.corrupt import GOOD, LONG, Case, Change, files, signed_by
from tests.hostile import DAY, SignedStick
from tests.stick import NOW, STORE
from tests.unit.node.load.test_engine import BAD


def _words(change: Callable[[dict[str, Any]], object]) -> Change:
    """Sign an offer whose document is another one."""

    def spoil(stick: SignedStick) -> None:
        doc = json.loads(stick.offered.read_bytes())
        change(doc)
        stick.sign(json.dumps(doc).encode())

    return spoil


def _raw(data: bytes) -> Change:
    return lambda stick: stick.sign(data)


def _other_store(stick: SignedStick) -> None:
    stick.give(GOOD, store="store-043")
    for end in ("", ".sig"):
        (stick.root / f"offers/store-043.json{end}").replace(stick.root / f"offers/{STORE}.json{end}")


_NONE = "cannot be understood"
OFFERS = {
    "another store's offer under this name": Case(_other_store, "belongs to store-042, and the offer is for store-043"),
    "an offer of last year": Case(
        signed_by(serial=NOW - 365 * DAY, expires=NOW + DAY), "is old: version 1 of the trust"
    ),
    "an offer older than the trust": Case(signed_by(serial=NOW - 1001), "is old: version 1 of the trust"),
    "an offer that has expired": Case(
        signed_by(serial=NOW - 900, expires=NOW - 800), "has expired at .*; this node's clock says 2027-01-15T08:01:00Z"
    ),
    "an offer that expires before it is signed": Case(signed_by(expires=NOW - 1), _NONE),
    "another format": Case(_words(lambda doc: doc.update(format=2)), r"format \(2\) is not known"),
    "no format": Case(_words(lambda doc: doc.update(format=None)), "format .* is not known"),
    "a key that nobody knows of": Case(_words(lambda doc: doc.update(run="rm -rf /")), "unknown key 'run'"),
    "no payload": Case(_words(lambda doc: doc.pop("payload")), "'payload' is missing"),
    "a serial in words": Case(_words(lambda doc: doc.update(serial="9")), _NONE),
    "a serial with a fraction": Case(_words(lambda doc: doc.update(serial=NOW + 0.5)), _NONE),
    "a serial that is true": Case(_words(lambda doc: doc.update(serial=True)), _NONE),
    "a serial below nothing": Case(_words(lambda doc: doc.update(serial=-1)), _NONE),
    "a serial past all years": Case(_words(lambda doc: doc.update(serial=1 << 60, expires=1 << 61)), _NONE),
    "a digest that leads out": Case(
        _words(lambda doc: doc["payload"].update(digest="sha256:../../../etc/shadow")), _NONE
    ),
    "a digest in capitals": Case(
        _words(lambda doc: doc["payload"].update(digest=doc["payload"]["digest"].upper())), _NONE
    ),
    "a size of nothing": Case(_words(lambda doc: doc["payload"].update(size=0)), _NONE),
    "a size below nothing": Case(_words(lambda doc: doc["runtime"].update(size=-5)), _NONE),
    "a size without end": Case(_words(lambda doc: doc["runtime"].update(size=1 << 62)), _NONE),
    "a payload's size that lies": Case(_words(lambda doc: doc["payload"].update(size=7)), r"has \d+ bytes, not 7"),
    "an engine's size that lies": Case(_words(lambda doc: doc["runtime"].update(size=7)), r"has \d+ bytes, not 7"),
    "a payload of a terabyte": Case(_words(lambda doc: doc["payload"].update(size=1 << 40)), "larger than a payload"),
    "an engine of a terabyte": Case(_words(lambda doc: doc["runtime"].update(size=1 << 40)), "larger than an engine"),
    "a store's name that leads out": Case(_words(lambda doc: doc.update(store="../x")), "store's name is none"),
    "words that clear the screen": Case(_words(lambda doc: doc.update(summary="\x1b[2J")), "not printable"),
    "half a character": Case(_words(lambda doc: doc.update(summary="\ud800")), "not printable"),
    "no JSON": Case(_raw(b"store: store-042\n"), _NONE),
    "no text": Case(_raw(b"\xff\xfe{}"), _NONE),
    "a list": Case(_raw(b"[]"), _NONE),
    "nothing": Case(_raw(b"null"), _NONE),
    "a number without end": Case(_raw(b'{"format": ' + b"9" * 5000 + b"}"), _NONE),
    "no number": Case(_raw(b'{"format": NaN}'), _NONE),
    "nested without end": Case(_raw(b"[" * 60000), _NONE),
    "a name twice": Case(_raw(b'{"format": 1, "format": 1}'), "a name stands in it twice"),
    "signed and too long": Case(_raw(b" " * 70000), "longer than 65536 bytes"),
}


def _engine(tar: bytes) -> Change:
    def spoil(stick: SignedStick) -> None:
        stick.engine = tar
        stick.give(GOOD)

    return spoil


def _names(*, payload: str = "", engine: str = "") -> Change:
    """Sign an offer that names one kind of content for another."""

    def spoil(stick: SignedStick) -> None:
        doc = json.loads(stick.offered.read_bytes())
        for field, kind in (("payload", payload), ("runtime", engine)):
            if kind:
                data = files(stick)[kind].read_bytes()
                doc[field] = to_json(Part(digest_of(data), len(data)))
        stick.sign(json.dumps(doc).encode())

    return spoil


ENGINES = {
    f"an engine: {name}": Case(_engine(make()), "no archive that may be unpacked")
    for name, make in BAD.items()
    if make()
} | {
    "an engine that is the payload": Case(_names(engine="payload"), "no archive that may be unpacked"),
    "an engine that is a blob": Case(_names(engine="blob"), "no archive that may be unpacked"),
    "a payload that is the engine": Case(_names(payload="engine"), "payload cannot be read here"),
    "a payload that is a blob": Case(_names(payload="blob"), "payload cannot be read here"),
}


def _payload(made: Payload) -> Change:
    return lambda stick: stick.give(made, store=STORE)


def _bytes(data: bytes) -> Change:
    def spoil(stick: SignedStick) -> None:
        part, doc = stick.put(data), json.loads(stick.offered.read_bytes())
        doc["payload"] = to_json(part)
        stick.sign(json.dumps(doc).encode())

    return spoil


def _doc(change: Callable[[dict[str, Any]], object]) -> Change:
    def spoil(stick: SignedStick) -> None:
        doc = json.loads(GOOD.encode())
        change(doc)
        _bytes(json.dumps(doc).encode())(stick)

    return spoil


_SERVER = GOOD.nodes[0]
PAYLOADS = {
    "another store's payload": Case(_payload(replace(GOOD, store="store-043")), "payload is for store-043"),
    "a payload without this node": Case(
        _payload(replace(GOOD, nodes=(replace(_SERVER, name="node-9"),))), "has no node node-1"
    ),
    "a payload without nodes": Case(_payload(replace(GOOD, nodes=())), "has no node node-1"),
    "a payload in which this node follows": Case(
        _payload(replace(GOOD, nodes=(replace(_SERVER, name="node-9"), replace(_SERVER, role="agent")))),
        "is led by node-9",
    ),
    "a payload that names what is not there": Case(
        _payload(replace(GOOD, blobs={**GOOD.blobs, digest_of(b"gone"): 4})), "is missing"
    ),
    "a payload that lies about a size": Case(
        _payload(replace(GOOD, blobs={**GOOD.blobs, digest_of(LONG): 7})), r"has \d+ bytes, not 7"
    ),
    "a payload that lies about what is here": Case(
        _payload(replace(GOOD, blobs={**GOOD.blobs, digest_of(b"v1"): 7})), "is missing"
    ),
    "a payload that leads out": Case(_payload(replace(GOOD, blobs={"sha256:../../etc/passwd": 1})), "no digest"),
    "a payload with a size below nothing": Case(
        _payload(replace(GOOD, blobs={digest_of(LONG): -1})), "no digest and size"
    ),
    "a payload of another format": Case(_doc(lambda doc: doc.update(format=999)), "format 999 is not known"),
    "a payload with a key that nobody knows of": Case(_doc(lambda doc: doc.update(run="x")), "unknown key 'run'"),
    "a payload with half a node": Case(_doc(lambda doc: doc["nodes"][0].pop("k3s")), "'k3s' is missing"),
    "a payload that is no JSON": Case(_bytes(b"PK\x03\x04"), "payload cannot be read here"),
    "a payload that is no text": Case(_bytes(b"\xff\xfe\x00"), "payload cannot be read here"),
    "a payload that is a list": Case(_bytes(b"[]"), "payload cannot be read here"),
    "a payload that is nested without end": Case(_bytes(b"[" * 200_000), "payload cannot be read here"),
    "a payload with a number without end": Case(_bytes(b'{"format":' + b"9" * 9000 + b"}"), "cannot be read here"),
}

SIGNED = OFFERS | ENGINES | PAYLOADS
