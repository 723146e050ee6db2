"""The host key that a node shows, seen without logging in.

Owns which kinds are asked for, the best first. What is shown is no proof of who shows it: somebody compares the
fingerprint with what the node says of itself, before it is pinned.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from edgectl.control.link.connect import exchanged, reached
from edgectl.control.link.hostkey import HostKey
from edgectl.control.link.target import Target
from edgectl.control.link.transport import Transport
from edgectl.wire.errors import Unreachable

_AT_ONCE = 16
_KINDS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_NAMES = {"ssh-ed25519": "ED25519", "ssh-rsa": "RSA"}


def shown(target: Target) -> HostKey:
    """Connect (through jump hosts: their keys are pinned), exchange keys, hang up; return the key.

    Unreachable says what went wrong.
    """
    sock, via = reached(target)
    transport = Transport(sock)
    try:
        hint = "the node has neither an Ed25519 nor an ECDSA nor an RSA host key: make one there, ssh-keygen -A"
        blob = exchanged(transport, target, _KINDS, hint=hint)
    finally:
        transport.close()
        sock.close()
        if via is not None:
            via.close()
    return HostKey(_words(blob)[0].decode("ascii", "replace"), blob)


def all_shown(targets: Sequence[Target]) -> list[HostKey | Unreachable]:
    """Ask several nodes at once; the answers come in the order of the targets."""
    if not targets:
        return []
    with ThreadPoolExecutor(min(_AT_ONCE, len(targets)), thread_name_prefix="host-key") as pool:
        return list(pool.map(_answer, targets))


def _answer(target: Target) -> HostKey | Unreachable:
    try:
        return shown(target)
    except Unreachable as error:
        return error


def line(key: HostKey) -> str:
    """Return the key as an inventory pins it."""
    return f"{key.kind} {base64.b64encode(key.blob).decode()}"


def summary(key: HostKey) -> str:
    """Return the key as `ssh-keygen -lf` prints it: `256 SHA256:... (ED25519)`."""
    return f"{_bits(key)} {key.fingerprint} ({_NAMES.get(key.kind, 'ECDSA')})"


def _bits(key: HostKey) -> int:
    if key.kind == "ssh-rsa":  # RFC 4253, 6.6: type, exponent, modulus
        return int.from_bytes(_words(key.blob)[2]).bit_length()
    return int(key.kind[-3:]) if key.kind.startswith("ecdsa") else 256


def _words(blob: bytes) -> list[bytes]:
    """Return the length-prefixed strings of a public key."""
    found = []
    while blob:
        (length,) = struct.unpack_from(">I", blob)
        found.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return found
