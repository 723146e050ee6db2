"""k3s's versions, read and compared; and by what one tells that k3s must start anew. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from edgectl.wire.document import canonical, digest_of
from edgectl.wire.payload import K3s, Payload

_FORM = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?\+k3s(\d+)")
_NAMED = 16  # characters of a digest: it is compared, nothing hangs on it

Version = tuple[int, int, int, bool, str, int]


@dataclass(frozen=True, slots=True)
class Versions:
    """Which k3s each node of a store is to run: small enough to be said before anything is sent."""

    lead: str
    of: dict[str, str] = field(default_factory=dict)  # by node


def versions_of(payload: Payload) -> Versions:
    """Return those of a payload."""
    return Versions(payload.lead.name, {node.name: node.k3s.version for node in payload.nodes})


def parse(text: str) -> Version | None:
    """Return what versions are ordered by; None for what is no version of k3s (like v1.36.3+k3s1)."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    major, minor, patch, early, build = found.groups()
    return int(major), int(minor), int(patch), not early, early or "", int(build)


def starts_with(k3s: K3s) -> str:
    """Return the name of all that k3s reads when it starts: another one, and it is started anew."""
    files = sorted((file.path, file.text) for file in k3s.files if not file.path.startswith("/etc/systemd/"))
    return digest_of(canonical([k3s.binary, files]))[7 : 7 + _NAMED]
