"""The values of one store's secrets, resolved together: what a deploy sends beside the payload.

Owns the one error that lists every secret without a value, each with its line of the inventory.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgectl.control.inventory.place import Finding, invalid
from edgectl.control.inventory.store import Store
from edgectl.control.link.secret import Secret
from edgectl.control.secrets.resolve import MOST_BYTES, Missing, resolve
from edgectl.wire.document import canonical

Values = Mapping[str, Mapping[str, Secret]]  # secret -> key -> value
_MOST_IN_ALL = 2 * MOST_BYTES  # they travel in one frame


def values_of(store: Store) -> Values:
    """Return the values of all secrets of a store; InvalidInput names all that have none, before a node is asked."""
    found = resolve(reference for secret in store.secrets for reference in secret.keys.values())
    findings: list[Finding] = []
    evidence: list[str] = []
    values: dict[str, dict[str, Secret]] = {}
    total = 0
    for secret in store.secrets:
        size = 0
        for key, reference in secret.keys.items():
            value = found[reference]
            if isinstance(value, Missing):
                place = store.place("secrets", secret.name, "keys", key)
                findings.append(Finding(place, f"secret {secret.name}, {key}: {value.reason}"))
                evidence += [f"  {line}" for line in value.evidence]
            else:
                values.setdefault(secret.name, {})[key] = value
                size += len(value.reveal().encode())
                total += len(canonical(value.reveal()))
        if size > MOST_BYTES:
            sentence = f"secret {secret.name} has {size} bytes; a Kubernetes Secret holds {MOST_BYTES} at most"
            findings.append(Finding(store.place("secrets", secret.name), sentence))
    if total > _MOST_IN_ALL and not findings:
        sentence = f"all secrets together take {total} bytes on the way; {_MOST_IN_ALL} are carried at most"
        findings.append(Finding(store.place("secrets"), sentence))
    if findings:
        raise invalid(store.source, findings, *dict.fromkeys(evidence))
    return values
