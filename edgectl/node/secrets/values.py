"""The newest values of the store's secrets: one file of root alone, old or new, never torn.

Owns: /var/lib/edgectl/secrets/values.json. Values come over the link beside a deploy and leave towards the Kubernetes
API only; they stand in no payload, journal or error. Must not know Kubernetes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.files import write_atomic
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical
from edgectl.wire.envelope import Envelope
from edgectl.wire.payload import Payload, decode

Values = dict[str, dict[str, str]]  # secret -> key -> value


def newest(look: Look) -> Values:
    """Return what is kept; what cannot be read counts as lost, and the next deploy sends it again."""
    return _values(_parsed(look.text(look.places.secret_values)))


def keep_values(places: Places, offer: Envelope, frame: dict[str, Any]) -> None:
    """Lay what came with a deploy over what is kept: newest only, and only what its payload declares.

    What is kept already stays: a store that goes back needs the values of what it goes back to. An agent keeps none.
    """
    given = _values(frame.get("values"))
    if not given or offer.lead:
        return
    try:
        payload = decode(places.blob(offer.payload).read_bytes())
    except (OSError, ValueError):  # its run says so
        return
    had = newest(Look(places))
    _write(places, had, {name: {**had.get(name, {}), **given.get(name, {})} for name in {**had, **given}}, [payload])


def forget_values(places: Places, payloads: Iterable[Payload]) -> None:
    """Forget what none of these payloads declares."""
    with suppress(LookFailed):  # the next promotion tries again
        had = newest(Look(places))
        _write(places, had, had, list(payloads), strict=True)


def _write(places: Places, had: Values, new: Values, payloads: list[Payload], *, strict: bool = False) -> None:
    """Keep, of what is new, what the payloads declare; unless `strict`, what was kept before, too."""
    declared = {(secret.name, key) for payload in payloads for secret in payload.secrets for key in secret.keys}
    kept: Values = {}
    for name, values in new.items():
        for key, value in values.items():
            if (name, key) in declared or (not strict and key in had.get(name, {})):
                kept.setdefault(name, {})[key] = value
    if kept == had:
        return
    folder = places.secret_values.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    write_atomic(places.secret_values, canonical(kept), mode=0o600)


def _parsed(text: str | None) -> object:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}


def _values(doc: object) -> Values:
    if not isinstance(doc, dict):
        return {}
    return {
        str(name): {str(key): value for key, value in values.items() if isinstance(value, str)}
        for name, values in doc.items()
        if isinstance(values, dict)
    }
