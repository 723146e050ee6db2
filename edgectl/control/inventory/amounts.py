"""Amounts as people write them: `8GiB`, `500kbit`.

Owns sizes and rates. Must not know what is measured.
"""

from __future__ import annotations

import re

SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)? ?(B|[kKMGT]B|[KMGT]i?B?)$"
RATE_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,6})? ?([kKmMgG]?bit|[kKMG]?B)(/s)?$"
SLOWEST = 1000.0  # bytes a second: below it, not even the silence of a dead link could be told from the limit
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kKMGT]?)(i?)B?")


def size_bytes(text: str) -> int:
    """Read `512MiB`, `8 GB` or `1.5G`: with `i`, or without B, powers of 1024; else of 1000. ValueError otherwise."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'a size is needed, like 8GiB or 512MiB, not "{text}"')
    number, unit, binary = match.groups()
    base = 1024 if binary or not text.strip().endswith("B") else 1000
    return int(float(number) * base ** _UNITS[unit.upper()])


_RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([kKmMgG]?bit|[kKMG]?B)(?:/s)?")
_BOTH = re.compile(r"([0-9.]+) ?([kKmMgG]?)(?:b|bps|b/s|ps)")


def rate_bytes(text: str) -> float:
    """Read `500kbit`, `2 Mbit/s` (bits) or `250kB`, `1.5MB/s` (bytes) as bytes a second; ValueError otherwise."""
    match = _RATE.fullmatch(text.strip())
    if match is None:
        sentence = f'a rate is needed, in bits (500kbit, 2mbit) or bytes (250kB, 1MB) a second, not "{text[:40]}"'
        if both := _BOTH.fullmatch(text.strip()):
            bits, size = (f"{both[1]}{both[2]}{unit}" for unit in ("bit", "B"))
            sentence += f": write {bits} if bits are meant, {size} if bytes"
        raise ValueError(sentence)
    number, unit = float(match[1]), match[2]
    is_bits = unit.endswith("bit")
    scale = unit.removesuffix("bit" if is_bits else "B").upper()
    found = number * float(1000 ** _UNITS[scale]) / (8 if is_bits else 1)
    if found < SLOWEST:
        raise ValueError(f'a rate of 8kbit (1kB) a second is needed at least, not "{text}"')
    return found
