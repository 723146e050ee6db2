"""From when until when a certificate is valid, read out of its DER bytes (RFC 5280, 4.1).

Owns: just enough of DER for that. Python's ssl tells it of certificates that it trusts; this is asked of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_CENTURY = 50  # UTCTime: 50 to 99 are of the last century


@dataclass(frozen=True, slots=True)
class Validity:
    """Seconds since 1970."""

    start: float
    end: float


def validity(der: bytes) -> Validity | None:
    """Return it; None for what is no certificate."""
    try:
        certificate, _ = _read(der, _SEQUENCE)
        fields, _ = _read(certificate, _SEQUENCE)
        if fields[0] == _VERSION:
            _, fields = _read(fields, _VERSION)
        for _ in range(3):  # serial number, signature algorithm, issuer
            _, fields = _read(fields)
        times, _ = _read(fields, _SEQUENCE)
        start, rest = _time(times)
        end, _ = _time(rest)
    except (ValueError, IndexError):
        return None
    return Validity(start, end)


def _read(data: bytes, tag: int | None = None) -> tuple[bytes, bytes]:
    """Return the content of the first element, and what follows it."""
    if tag is not None and data[0] != tag:
        raise ValueError(f"tag {data[0]:#x} where {tag:#x} belongs")
    length, begin = data[1], 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[2:begin], "big")
    if begin + length > len(data):
        raise ValueError("cut off")
    return data[begin : begin + length], data[begin + length :]


def _time(data: bytes) -> tuple[float, bytes]:
    content, rest = _read(data)
    text = content.decode("ascii")
    if data[0] == _UTC_TIME:
        text = ("19" if int(text[:2]) >= _CENTURY else "20") + text
    elif data[0] != _GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp(), rest
