"""Pinned host keys: what is a key, its fingerprint, and what the server may prove itself with."""

from __future__ import annotations

import base64
import struct

import pytest

from edgectl.control.link.hostkey import pinned
from edgectl.wire.errors import InvalidInput

# Made for this test; its fingerprint is as `ssh-keygen -lf` prints it.
_LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def _blob(kind: str) -> str:
    return base64.b64encode(struct.pack(">I", len(kind)) + kind.encode() + bytes(36)).decode()


@pytest.mark.parametrize("line", [_LINE, f"{_LINE} root@node-1", f"  {_LINE}\n"])
def test_a_public_key_line_is_pinned(line: str) -> None:
    """Type and key count; a comment does not."""
    key = pinned(line, node="node-1")
    assert key.kind == "ssh-ed25519"
    assert key.fingerprint == "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"
    assert key.algorithms == ("ssh-ed25519",)


def test_an_rsa_key_proves_itself_with_sha2_only() -> None:
    """SHA-1 signatures are never asked for."""
    assert pinned(f"ssh-rsa {_blob('ssh-rsa')}", node="node-1").algorithms == ("rsa-sha2-512", "rsa-sha2-256")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 not-base64!",
        "ssh-ed25519 AAAA",
        f"ssh-ed25519 {_blob('ssh-rsa')}",
        f"ssh-dss {_blob('ssh-dss')}",
        "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA",
    ],
)
def test_anything_else_is_refused_with_an_example(line: str) -> None:
    """There is no half pinned key, and the sentence shows what one looks like."""
    with pytest.raises(InvalidInput, match="node-1: the pinned host key is not a public key line") as caught:
        pinned(line, node="node-1")
    assert "ssh-ed25519 AAAA" in caught.value.hint
