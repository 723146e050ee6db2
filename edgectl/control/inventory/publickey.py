"""A public SSH key as a line of text, as inventories hold them.

Owns what is wrong with one (RFC 4253, 6.6: the blob begins with its own type). Must not know whose key it is.
"""

from __future__ import annotations

import base64
import struct

_KINDS = ("ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")
_EXAMPLE = "ssh-ed25519 AAAA..."


def key_error(text: str) -> str:
    """Say what is wrong with a public key line, "" for nothing."""
    words = text.split()
    if len(words) not in (2, 3):
        return f"a public key is needed: its type and its text, like {_EXAMPLE}"
    return _text_error(words[0], words[1])


def login_key_error(text: str) -> str:
    """Say what is wrong with the key of somebody who logs in: its comment may have several words."""
    words = text.split()
    if len(words) > 1 and words[0].startswith(_KINDS):
        return _text_error(words[0], words[1])
    return f"a public key is needed: its type and its text, like {_EXAMPLE}, without options before it"


def _text_error(kind: str, text: str) -> str:
    try:
        blob = base64.b64decode(text, validate=True)
        (length,) = struct.unpack(">I", blob[:4])
    except (ValueError, struct.error):  # letters that are not ASCII, no base64, too short
        return "the key's text is cut or damaged (no base64)"
    if blob[4 : 4 + length].decode("ascii", "replace") != kind:
        return f'the key\'s text is not of type "{kind}"'
    return ""
