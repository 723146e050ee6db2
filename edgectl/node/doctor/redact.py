"""Which secrets are known on this node, so that none of them leaves it in a log.

Owns: where they lie. How they are taken out of a text is wire/redaction.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.look import Look
from edgectl.node.secrets.values import newest

_TOKENS = ("server/token", "server/node-token", "server/agent-token", "agent/node-password", "agent-token")
_OWN = "etc/rancher/node/password"  # what this node shows the server beside the token
_USERS = "server/cred/passwd"  # PASSWORD,USER,UID,GROUP a line (k3s pkg/passwd)


def known(look: Look) -> Iterator[str]:
    """Yield the values of secrets that this node keeps: the store's own, and what k3s joins with."""
    with suppress(LookFailed, OSError):
        for values in newest(look).values():
            yield from values.values()
    places = look.places
    for path in (places.join_token, places.root / _OWN, *(places.k3s_data / name for name in _TOKENS)):
        with suppress(LookFailed, OSError):
            text = (look.text(path) or "").strip()
            if text:
                yield text
                yield text.rpartition(":")[2]
    with suppress(LookFailed, OSError):
        for line in (look.text(places.k3s_data / _USERS) or "").splitlines():
            yield line.partition(",")[0]
