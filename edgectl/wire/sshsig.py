"""OpenSSH's file signatures (PROTOCOL.sshsig), read as far as needed to know whose and for what one is.

Owns: the armor and the outer fields, and that one signature has one text only. Must not know whether it is a good one:
that is `ssh-keygen -Y verify`'s to say.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

BEGIN = b"-----BEGIN SSH SIGNATURE-----\n"
END = b"-----END SSH SIGNATURE-----\n"
_MAGIC = b"SSHSIG"
_VERSION = 1
_HASHES = ("sha256", "sha512")
_PARTS = 5  # key, namespace, reserved, hash, the signature itself
_COLUMNS = 70  # as ssh-keygen writes them


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature says of itself; nothing of it is proven."""

    key: bytes  # the public key, as SSH writes it
    namespace: str
    hashed: str  # sha256 | sha512


def fingerprint(key: bytes) -> str:
    """Return a public key's name as `ssh-keygen -l` prints it: SHA256:..."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def read(data: bytes) -> Signed:
    """Read an armored signature; ValueError says what is wrong with it."""
    if not (data.startswith(BEGIN) and data.endswith(END)):
        raise ValueError("it is no SSH signature")
    try:
        blob = base64.b64decode(data[len(BEGIN) : -len(END)].replace(b"\n", b""), validate=True)
    except binascii.Error as error:
        raise ValueError("its base64 is damaged") from error
    if armored(blob) != data:
        raise ValueError("it is not written as ssh-keygen writes it")
    return _read(blob)


def armored(blob: bytes) -> bytes:
    """Return a signature's one text."""
    text = base64.b64encode(blob)
    lines = [text[at : at + _COLUMNS] + b"\n" for at in range(0, len(text), _COLUMNS)]
    return b"".join((BEGIN, *lines, END))


def _read(blob: bytes) -> Signed:
    if not blob.startswith(_MAGIC):
        raise ValueError("it is no SSH signature inside")
    at = len(_MAGIC) + 4
    version = int.from_bytes(blob[len(_MAGIC) : at], "big")
    if version != _VERSION:
        raise ValueError(f"its version {version} is not known here")
    parts = strings(blob[at:])
    if len(parts) != _PARTS:
        raise ValueError("it ends too early, or something stands behind its end")
    key, namespace, _, hashed, _ = parts
    if _text(hashed) not in _HASHES:
        raise ValueError("its hash is neither sha256 nor sha512")
    return Signed(key, _text(namespace), _text(hashed))


def strings(blob: bytes) -> tuple[bytes, ...]:
    """Return the strings of which bytes are made (RFC 4251, 5), none where they are not."""
    found, at = [], 0
    while at < len(blob):
        begin = at + 4
        at = begin + int.from_bytes(blob[at:begin], "big")
        found.append(blob[begin:at])
    return tuple(found) if at == len(blob) else ()


def _text(data: bytes) -> str:
    if not data.isascii() or not data.decode().isprintable():
        raise ValueError("a name in it is not plain text")
    return data.decode()
