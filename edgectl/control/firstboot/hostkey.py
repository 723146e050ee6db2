"""The host key that a machine is given before it exists, so that it is pinned before the first connection.

Owns making the pair. The private half leaves through `Secret.reveal` alone, into the files that are written.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from edgectl.control.link.hostkey import fingerprint
from edgectl.control.link.secret import Secret


@dataclass(frozen=True, slots=True)
class HostKeyPair:
    """An Ed25519 key; `public` is its line as an inventory pins it, `private` a file of OpenSSH's."""

    public: str
    private: Secret

    @property
    def fingerprint(self) -> str:
        """Return `SHA256:...`, as `ssh-keygen -l` prints it."""
        return fingerprint(base64.b64decode(self.public.split()[1]))


def made() -> HostKeyPair:
    """Make a new pair."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return HostKeyPair(public, Secret(private if private.endswith("\n") else f"{private}\n"))
