"""Amounts as people write them: `8GiB`.

Owns sizes. Must not know what is measured.
"""

from __future__ import annotations

import re

SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)? ?(B|[kKMGT]B|[KMGT]i?B?)$"
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
