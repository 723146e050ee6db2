"""A signature's outer fields, read from what ssh-keygen made, and nothing that is not exactly of that form."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.wire import sshsig as real
from edgectl.wire.trust import blob_of
from tests.laws.fake_store import mutant

CASES = Path(__file__).parents[2] / "cases" / "signing"
KEYS = json.loads((CASES / "keys.json").read_text())
GOLDEN = (CASES / "ed25519.sig").read_bytes()
BLOB = base64.b64decode(b"".join(GOLDEN.splitlines()[1:-1]))


@pytest.mark.parametrize(
    ("file", "key", "namespace", "hashed"),
    [
        ("ed25519", "ed25519", "edgectl-offer", "sha512"),
        ("ecdsa", "ecdsa", "edgectl-offer", "sha512"),
        ("rsa", "rsa", "edgectl-offer", "sha512"),
        ("sha256", "ed25519", "edgectl-offer", "sha256"),
        ("git", "ed25519", "git", "sha512"),
    ],
)
def test_what_ssh_keygen_made(file: str, key: str, namespace: str, hashed: str) -> None:
    """Whose it is, by the name that `ssh-keygen -l` gives the key, and for what it was made."""
    found = real.read((CASES / f"{file}.sig").read_bytes())
    assert (found.namespace, found.hashed) == (namespace, hashed)
    assert found.key == blob_of(KEYS[key]["key"])
    assert real.fingerprint(found.key) == KEYS[key]["fingerprint"]


def string(data: bytes) -> bytes:
    """Return a string as SSH writes it."""
    return len(data).to_bytes(4, "big") + data


def blob(
    *, magic: bytes = b"SSHSIG", version: int = 1, namespace: bytes = b"n", hashed: bytes = b"sha512", end: bytes = b""
) -> bytes:
    """Return a signature's bytes."""
    parts = (string(b"key"), string(namespace), string(b""), string(hashed), string(b"signature"))
    return magic + version.to_bytes(4, "big") + b"".join(parts) + end


REFUSED = {
    "no armor": b"junk",
    "nothing": b"",
    "another armor": GOLDEN.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"),
    "no line end": GOLDEN[:-1],
    "words before": b"\n" + GOLDEN,
    "words behind": GOLDEN + b"\n",
    "CRLF": GOLDEN.replace(b"\n", b"\r\n"),
    "other lines": GOLDEN.replace(b"\n", b"\n\n", 2),
    "one line": b"".join((real.BEGIN, base64.b64encode(BLOB), b"\n", real.END)),
    "no base64": GOLDEN.replace(b"U1NI", b"U!NI"),
    "two in one": GOLDEN + GOLDEN,
    "cut in its last string": real.armored(blob()[:-1]),
    "another magic": real.armored(blob(magic=b"SSHSIX")),
    "another version": real.armored(blob(version=2)),
    "version 0": real.armored(blob(version=0)),
    "another hash": real.armored(blob(hashed=b"sha1")),
    "a name that moves the cursor": real.armored(blob(namespace=b"\x1b[2J")),
    "a name of other letters": real.armored(blob(namespace="ä".encode())),
    "more behind it": real.armored(blob(end=b"\0")),
    "the magic alone": real.armored(b"SSHSIG"),
    "a length beyond its end": real.armored(blob()[:12] + b"\xff\xff\xff\xff" + blob()[16:]),
}


def refuses(module: object) -> None:
    """Read none of them."""
    for name, data in REFUSED.items():
        try:
            module.read(data)  # type: ignore[attr-defined]
        except ValueError:
            continue
        pytest.fail(f"{name} was read")


def test_nothing_else_is_read() -> None:
    """Law: a signature has one text; all else is a ValueError, never another exception."""
    real.read(real.armored(blob()))
    refuses(real)


@given(st.integers(0, len(BLOB)))
def test_cut_anywhere(at: int) -> None:
    """A signature that ends early is none, wherever it ends."""
    if at < len(BLOB):
        with pytest.raises(ValueError, match="it"):
            real.read(real.armored(BLOB[:at]))


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """Whatever stands inside, or around it, ends in a value or a ValueError."""
    for text in (data, real.armored(data), real.armored(b"SSHSIG" + data), real.BEGIN + data + real.END):
        try:
            real.read(text)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if armored(blob) != data:", "if False:"),
        ("if version != _VERSION:", "if False:"),
        (" if at == len(blob) else ()", ""),
        ("if _text(hashed) not in _HASHES:", "if False:"),
        ("if not blob.startswith(_MAGIC):", "if False:"),
        ("or not data.decode().isprintable()", ""),
    ],
)
def test_the_laws_bite(old: str, new: str) -> None:
    """Seeded faults: each check that is left out lets one of them in, or crashes."""
    faulty = mutant(real, (old, new))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        refuses(faulty)
