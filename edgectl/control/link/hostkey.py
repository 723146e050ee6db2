"""A pinned host key: its line in the inventory, its fingerprint, and which algorithms may prove it.

Must not know sockets. There is no trust on first use here: a key is pinned or the link is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from edgectl.wire.errors import InvalidInput

# RFC 8332: one RSA key, signatures with SHA-2 only.
_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
_KNOWN = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key as it crosses the wire."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """Return `SHA256:...`, as `ssh-keygen -l` prints it."""
        return fingerprint(self.blob)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Return the host key algorithms to offer: only those that this very key can answer."""
        return _ALGORITHMS.get(self.kind, (self.kind,))


def fingerprint(blob: bytes) -> str:
    """Return the SHA-256 fingerprint of a public key's bytes."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def pinned(line: str, *, node: str) -> HostKey:
    """Read "ssh-ed25519 AAAA... [comment]"; InvalidInput when it is not a key that can be pinned."""
    kind, _, rest = line.strip().partition(" ")
    try:
        blob = base64.b64decode(rest.split()[0] if rest.split() else "", validate=True)
    except binascii.Error:
        blob = b""
    if kind not in _KNOWN or _name_in(blob) != kind:
        raise InvalidInput(
            f'{node}: the pinned host key is not a public key line: "{line.strip()[:60]}"',
            hint="copy the line from /etc/ssh/ssh_host_ed25519_key.pub on the node: ssh-ed25519 AAAA...",
        )
    return HostKey(kind, blob)


def _name_in(blob: bytes) -> str:
    """Return the algorithm's name that a public key blob begins with (RFC 4253, 6.6)."""
    if len(blob) <= 4:  # noqa: PLR2004 - the length field alone
        return ""
    (length,) = struct.unpack(">I", blob[:4])
    return blob[4 : 4 + length].decode("ascii", "replace")
