"""Corrupt sticks, each by its name: how a good one is spoilt, and the words by which the node must name the cause.

A case is a change to a stick that is good otherwise. Where somebody with a key that counts has signed what is wrong,
the case signs it anew: a signature says whose it is, not that it is sane.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgectl.wire.document import digest_of, to_json
from edgectl.wire.offer import Part
from edgectl.wire.payload import Payload
from tests.hostile import DAY, V2, SignedStick
from tests.stick import ENGINE, NOW, STORE, tar_of
from tests.unit.node.load.test_engine import BAD

LONG = bytes(range(256)) * 5000  # more than what is read at once
OTHER = LONG[::-1]
GOOD = replace(V2, blobs={**V2.blobs, digest_of(LONG): len(LONG), digest_of(OTHER): len(OTHER)})
REFUSED, NOT_THERE = 11, 2
Change = Callable[[SignedStick], object]


@dataclass(frozen=True)
class Case:
    """One way to spoil a stick."""

    spoil: Change
    says: str  # a pattern of the sentence
    code: int = REFUSED


def good(root: Path, keys: Mapping[str, Path]) -> SignedStick:
    """Make the good stick."""
    stick = SignedStick(root, tar_of(ENGINE), keys)
    stick.put(LONG)
    stick.put(OTHER)
    stick.give(GOOD)
    (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (root / "index.json").write_text('{"schemaVersion": 2, "manifests": []}')
    return stick


def files(stick: SignedStick) -> dict[str, Path]:
    """Return one file of every kind."""
    blobs = {"engine": digest_of(stick.engine), "payload": GOOD.digest, "blob": digest_of(LONG)}
    return {"offer": stick.offered, "signature": stick.signature} | {kind: stick.blob(at) for kind, at in blobs.items()}


def _on(kind: str, change: Callable[[bytes], bytes]) -> Change:
    def spoil(stick: SignedStick) -> None:
        path = files(stick)[kind]
        path.write_bytes(change(path.read_bytes()))

    return spoil


def _flip(at: float) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        place = min(int(len(data) * at), len(data) - 2)  # a signature's last byte is a line's end
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    return change


def _cut(share: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: min(int(len(data) * share), len(data) - 1)]


def _instead(kind: str, make: Callable[[Path], object]) -> Change:
    def spoil(stick: SignedStick) -> None:
        path = files(stick)[kind]
        path.rename(path.with_name("elsewhere"))
        make(path)

    return spoil


_OTHER_BYTES = {
    "offer": "was changed",
    "signature": "signature cannot be read|was changed|does not know the key|has signed this for|is revoked",
    **dict.fromkeys(("engine", "payload", "blob"), "other bytes than its digest says"),
}
_OTHER_SIZE = _OTHER_BYTES | dict.fromkeys(("engine", "payload", "blob"), r"has \d+ bytes, not \d+")
_MISSING = {
    "offer": "has nothing for store-042",
    "signature": "nobody has signed",
    **dict.fromkeys(("engine", "payload", "blob"), "does not hold all: .* is missing"),
}
_STRANGE: dict[str, Callable[[Path], object]] = {
    "a link to the very bytes": lambda path: path.symlink_to("elsewhere"),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link into the node": lambda path: path.symlink_to("/etc/shadow"),
    "a pipe": os.mkfifo,
    "a device": lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5)),
    "a folder": Path.mkdir,
}


def _files() -> dict[str, Case]:
    found = {}
    for kind, bytes_say in _OTHER_BYTES.items():
        for name, at in {"first": 0.0, "middle": 0.5, "last": 1.0}.items():
            found[f"{kind}: the {name} byte flipped"] = Case(_on(kind, _flip(at)), bytes_say)
        for name, share in {"empty": 0.0, "cut in half": 0.5, "a byte short": 1.0}.items():
            found[f"{kind}: {name}"] = Case(_on(kind, _cut(share)), _OTHER_SIZE[kind])
        found[f"{kind}: a byte more"] = Case(_on(kind, lambda data: data + b"\n"), _OTHER_SIZE[kind])
        more = "longer than 65536 bytes" if kind in {"offer", "signature"} else _OTHER_SIZE[kind]
        found[f"{kind}: a megabyte more"] = Case(_on(kind, lambda data: data + bytes(1 << 20)), more)
        found[f"{kind}: all zeros"] = Case(_on(kind, lambda data: bytes(len(data))), bytes_say)
        found[f"{kind}: missing"] = Case(_instead(kind, lambda _: None), _MISSING[kind])
        for name, make in _STRANGE.items():
            found[f"{kind}: {name}"] = Case(_instead(kind, make), "is no plain file")
    return found


def _swapped(data: bytes) -> bytes:
    third = len(data) // 3
    return data[third : 2 * third] + data[:third] + data[2 * third :]


def _two_blobs(stick: SignedStick) -> None:
    one, other = stick.blob(digest_of(LONG)), stick.blob(digest_of(OTHER))
    one.write_bytes(OTHER)
    other.write_bytes(LONG)


def _is_a_link(name: str) -> Change:
    def spoil(stick: SignedStick) -> None:
        (stick.root / name).rename(stick.root / "elsewhere")
        (stick.root / name).symlink_to(stick.root / "elsewhere")

    return spoil


def _moved(name: str) -> Change:
    return lambda stick: (stick.root / name).rename(stick.root.with_name(f"gone-{name.replace('/', '-')}"))


def _file_for_folder(stick: SignedStick) -> None:
    _moved("offers")(stick)
    (stick.root / "offers").write_text("")


_WHOLE = {
    "parts of a blob swapped": Case(_on("blob", _swapped), "other bytes"),
    "two blobs swapped": Case(_two_blobs, "other bytes"),
    "offers are a link": Case(_is_a_link("offers"), "is no plain file"),
    "blobs are a link": Case(_is_a_link("blobs"), "is no plain file"),
    "offers are a file": Case(_file_for_folder, "is no plain file"),
    "no offers": Case(_moved("offers"), "has nothing for store-042"),
    "no blobs": Case(_moved("blobs"), "is missing"),
    "no folder at all": Case(lambda stick: stick.root.rename(stick.root.with_name("gone")), "no folder", NOT_THERE),
}


def _signed(who: str = "ada", **fields: Any) -> Change:
    return lambda stick: stick.give(GOOD, who=who, **fields)


def _signature_of(change: Callable[[SignedStick], bytes]) -> Change:
    """Put a signature there that ada has made of something else."""

    def spoil(stick: SignedStick) -> None:
        offer = stick.offered.read_bytes()
        stick.sign(change(stick))
        stick.offered.write_bytes(offer)

    return spoil


def _text(change: Callable[[bytes], bytes]) -> Change:
    return _on("signature", change)


def _joined(data: bytes) -> bytes:
    lines = data.split(b"\n")
    return b"\n".join((lines[0], b"".join(lines[1:-2]), *lines[-2:]))


_KEYS = {
    "a key that nobody knows": Case(_signed("mallory"), "does not know the key that signed this offer"),
    "a revoked key": Case(_signed("rita"), "the key of rita@ops that signed this offer is revoked"),
    "a key that has ended": Case(_signed("olga"), "the key of olga@ops .* has ended at 2027-01-15T08:00:30Z"),
    "a key that does not count yet": Case(_signed("nora"), "the key of nora@ops .* counts from 2027-11-11"),
    "a key of another store": Case(_signed("otto"), "otto@ops may not sign for store-042"),
    "signed for git": Case(_signed(namespace="git"), "has signed this for 'git'"),
    "signed for files": Case(_signed(namespace="file"), "has signed this for 'file'"),
    "signed for nearly this": Case(_signed(namespace="edgectl-offer2"), "has signed this for 'edgectl-offer2'"),
    "signature of the payload": Case(_signature_of(lambda _: GOOD.encode()), "was changed"),
    "signature of an older offer": Case(
        _signature_of(lambda stick: stick.offered.read_bytes().replace(str(NOW).encode(), str(NOW - 9).encode())),
        "was changed",
    ),
    "signature of the same words, spaced": Case(
        _signature_of(lambda stick: stick.offered.read_bytes().replace(b":", b": ")), "was changed"
    ),
    "two signatures": Case(_text(lambda data: data + data), "signature cannot be read"),
    "a signature with other line ends": Case(
        _text(lambda data: data.replace(b"\n", b"\r\n")), "signature cannot be read"
    ),
    "a signature in one line": Case(_text(_joined), "signature cannot be read"),
    "a signature in small letters": Case(_text(bytes.lower), "signature cannot be read"),
    "a public key for a signature": Case(_text(lambda _: b"ssh-ed25519 AAAA\n"), "signature cannot be read"),
    "a page of a portal": Case(_text(lambda _: b"<html>log in</html>"), "signature cannot be read"),
}


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
_OFFERS = {
    "another store's offer under this name": Case(_other_store, "belongs to store-042, and the offer is for store-043"),
    "an offer of last year": Case(_signed(serial=NOW - 365 * DAY, expires=NOW + DAY), "is old: version 1 of the trust"),
    "an offer older than the trust": Case(_signed(serial=NOW - 1001), "is old: version 1 of the trust"),
    "an offer that has expired": Case(
        _signed(serial=NOW - 900, expires=NOW - 800), "has expired at .*; this node's clock says 2027-01-15T08:01:00Z"
    ),
    "an offer that expires before it is signed": Case(_signed(expires=NOW - 1), _NONE),
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


_ENGINES = {
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
_PAYLOADS = {
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

CASES = _files() | _WHOLE | _KEYS | _OFFERS | _ENGINES | _PAYLOADS
