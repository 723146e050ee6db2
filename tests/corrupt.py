"""Corrupt sticks, each by its name: how a good one is spoilt, and the words by which the node must name the cause.

A case is a change to a stick that is good otherwise. What is wrong and well signed: tests/corrupt_signed.py.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgectl.wire.document import digest_of
from tests.hostile import V2, SignedStick
from tests.stick import ENGINE, NOW, tar_of

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


def signed_by(who: str = "ada", **fields: Any) -> Change:
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
    "a key that nobody knows": Case(signed_by("mallory"), "does not know the key that signed this offer"),
    "a revoked key": Case(signed_by("rita"), "the key of rita@ops that signed this offer is revoked"),
    "a key that has ended": Case(signed_by("olga"), "the key of olga@ops .* has ended at 2027-01-15T08:00:30Z"),
    "a key that does not count yet": Case(signed_by("nora"), "the key of nora@ops .* counts from 2027-11-11"),
    "a key of another store": Case(signed_by("otto"), "otto@ops may not sign for store-042"),
    "signed for git": Case(signed_by(namespace="git"), "has signed this for 'git'"),
    "signed for files": Case(signed_by(namespace="file"), "has signed this for 'file'"),
    "signed for nearly this": Case(signed_by(namespace="edgectl-offer2"), "has signed this for 'edgectl-offer2'"),
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

UNSIGNED = _files() | _WHOLE | _KEYS
