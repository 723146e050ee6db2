"""When certificates of k3s end, read from their files. Pure but for what is handed in.

Owns: the few bytes of X.509 that say it (RFC 5280, 4.1.2.5), and which files k3s keeps leaves and authorities in. Must
not know what follows from it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime, timezone

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.look import Look

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _VERSION, _UTC, _GENERALIZED = 0x30, 0xA0, 0x17, 0x18
_LONG = 0x80
_CENTURY = 50  # RFC 5280: two digits of a year below it are of this century
# where k3s keeps them (k3s pkg/daemons/config/types.go, pkg/agent/config/config.go); authorities end with -ca.crt
_FOLDERS = ("server/tls", "server/tls/etcd", "server/tls/kube-controller-manager", "server/tls/kube-scheduler", "agent")
_AUTHORITY = "-ca.crt"
# the same authority once more as an agent has it, and bundles of it: not k3s's to renew here
_PASSED = ("server-ca.nochain.crt", "client-ca.nochain.crt", "request-header-ca.nochain.crt", "client-ca.pem")


@dataclass(frozen=True)
class Ending:
    """One certificate, by its path below k3s's data, and when it ends."""

    path: str
    ends: datetime

    @property
    def is_authority(self) -> bool:
        """Tell whether others are signed with it; k3s never renews those."""
        return self.path.endswith(_AUTHORITY)


def endings(read: Look) -> tuple[Ending, ...]:
    """Return all certificates of this node's k3s; LookFailed where one is none."""
    found = []
    for folder in _FOLDERS:
        place = read.places.k3s_data / folder
        for name in read.names(place):
            if name.endswith(".crt") and name not in _PASSED:
                text = read.text(place / name) or ""
                try:
                    found.append(Ending(f"{folder}/{name}", ends(text)))
                except ValueError as error:
                    raise LookFailed(f"{place / name} is no certificate: {error}") from error
    return tuple(found)


def leaves(read: Look) -> dict[str, float]:
    """Return when each of k3s's own certificates ends, in seconds, by its path; none of its authorities."""
    return {one.path: one.ends.timestamp() for one in endings(read) if not one.is_authority}


def ends(text: str) -> datetime:
    """Return when the first certificate of a PEM file ends; ValueError where it holds none."""
    found = _PEM.search(text)
    if found is None:
        raise ValueError("no PEM in it")
    try:
        certificate = _Der(base64.b64decode(found[1])).enter(_SEQUENCE)
        body = certificate.enter(_SEQUENCE)
        if body.tag == _VERSION:
            body.skip()
        for _ in ("serial", "signature", "issuer"):
            body.skip()
        validity = body.enter(_SEQUENCE)
        validity.skip()  # notBefore
        tag, value = validity.take()
    except IndexError:
        raise ValueError("it ends too early") from None
    return _time(tag, value.decode("ascii"))


def _time(tag: int, text: str) -> datetime:
    if tag == _UTC:
        text = f"{19 if int(text[:2]) >= _CENTURY else 20}{text}"
    elif tag != _GENERALIZED:
        raise ValueError("it says no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


class _Der:
    """Values of DER one behind the other: tag, length, bytes. IndexError where they end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def tag(self) -> int:
        """Say what comes next."""
        return self._data[self._at]

    def take(self) -> tuple[int, bytes]:
        """Read one value."""
        tag, length = self._data[self._at], self._data[self._at + 1]
        begins = self._at + 2
        if length & _LONG:
            begins, count = begins + (length & ~_LONG), length & ~_LONG
            length = int.from_bytes(self._data[begins - count : begins], "big")
        if begins + length > len(self._data):
            raise IndexError
        self._at = begins + length
        return tag, self._data[begins : self._at]

    def skip(self) -> None:
        """Pass one value over."""
        self.take()

    def enter(self, tag: int) -> _Der:
        """Go into the next value, which must be this."""
        found, data = self.take()
        if found != tag:
            raise ValueError(f"tag {found:#x} where {tag:#x} is needed")
        return _Der(data)
