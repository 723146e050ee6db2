"""What a store's uplink must agree with: the rule for addresses, and the store's secrets.

Owns the findings on `uplink`. Must not know what is told there.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgectl.control.inventory import schema
from edgectl.control.inventory.check import Where
from edgectl.control.inventory.place import nearest
from edgectl.control.inventory.plaintext import looks
from edgectl.wire.upward import refused


def uplink_findings(store: schema.Store, *, doubtful: bool) -> Iterator[tuple[Where, str]]:
    """Yield what does not agree: where, and a sentence. `doubtful`: the uplink's own keys have findings already."""
    asked = store.uplink
    if asked is None or doubtful:
        return
    if asked.url is None:
        yield ("uplink",), "uplink needs an address: url: https://upward.example.com/edgectl"
    elif not looks(asked.url) and (why := refused(asked.url)):  # a password in it has a finding, and is not shown
        yield ("uplink", "url"), f"uplink.url: {why}"
    if asked.secret is None:
        return
    name, _, key = asked.secret.partition("/")
    secret = (store.secrets or {}).get(name)
    if secret is None:
        sentence = f'uplink.secret names a secret that is not there: "{name}".{nearest(name, store.secrets or {})}'
        yield ("uplink", "secret"), sentence
    elif key not in secret.keys:
        yield ("uplink", "secret"), f'uplink.secret: secret {name} has no key "{key}".{nearest(key, secret.keys)}'
