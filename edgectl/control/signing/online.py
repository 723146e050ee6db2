"""What is signed for a session of a deploy user: the engine that his node is to start, and what it is to become.

Owns what these say and how long they count: a day, since nobody's clock is right. The node judges again. Must not know
links.
"""

from __future__ import annotations

import functools
import secrets
import time
from dataclasses import replace
from pathlib import Path

from edgectl.control.deploy.offer import SignedOffer
from edgectl.control.link.secret import Secret
from edgectl.control.link.target import Started
from edgectl.control.secrets.values import Values
from edgectl.control.signing.held import signed, signer_for
from edgectl.control.signing.trustfile import read
from edgectl.wire import launch
from edgectl.wire.envelope import short
from edgectl.wire.errors import InvalidInput
from edgectl.wire.offer import NAMESPACE, Offer, Part
from edgectl.wire.trust import Trust

_VALID_SECONDS = 86400  # clocks may be wrong by hours


@functools.cache
def started(store: str, trust: Path | None, digest: str, size: int) -> Started:
    """Return what lets a node of this store start this engine. Raises EdgectlError."""
    if trust is None:
        raise InvalidInput(f"{store} trusts no key: the engine {short(digest)} cannot be signed for", docs="users")
    now = time.time()
    signer, key = signer_for(read(trust).trust, store, now=now)
    serial = int(now)
    expires = min(serial + _VALID_SECONDS, signer.ends)
    statement = launch.Statement(store, serial, expires, Part(digest, size)).encode()
    return Started(signer.fingerprint, statement, signed(statement, signer, key, launch.NAMESPACE))


def offered(made: Offer, rendered: bytes, trust: Trust, values: Values) -> SignedOffer:
    """Return an offer, dated now and signed; `rendered` is its payload, b"" where the node holds that.

    Values of secrets are named in it by what nobody can guess them by.
    """
    now = time.time()
    signer, key = signer_for(trust, made.store, now=now)
    nonce = secrets.token_hex(32) if values else ""
    plain = {name: {key: value.reveal() for key, value in keys.items()} for name, keys in values.items()}
    serial = int(now)
    data = replace(
        made,
        serial=serial,
        expires=min(serial + _VALID_SECONDS, signer.ends),
        values=launch.commitment(nonce, plain) if values else "",
        summary="".join(sign for sign in made.summary[:200] if sign.isprintable()),
    ).encode()
    return SignedOffer(data, signed(data, signer, key, NAMESPACE), Secret(nonce), rendered)
