"""The store's secrets as the payload names them: keys with opaque versions, never a value.

Owns which namespaces a secret is for where the inventory does not say. Must not resolve a reference.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgectl.control.inventory.store import SecretSettings
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import StoreSecret


def secret(asked: SecretSettings, release_namespaces: Iterable[str]) -> StoreSecret:
    """Return one secret for the payload; InvalidInput when it is for no namespace, or its sops file is not there."""
    namespaces = asked.namespaces or tuple(release_namespaces)
    if not namespaces:
        raise InvalidInput(f"secret {asked.name} is for no namespace: the store has no release; name its namespaces")
    if not asked.keys:
        raise InvalidInput(f"secret {asked.name} has no keys")
    return StoreSecret(
        name=asked.name,
        namespaces=tuple(sorted(set(namespaces))),
        keys={key: reference.versioned() for key, reference in sorted(asked.keys.items())},
        type=asked.type,
    )
