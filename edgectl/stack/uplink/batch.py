"""Events as they cross the line: JSON lines, packed by zlib, named by the digest of what is in them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from edgectl.wire.document import digest_of

_LEVEL = 6  # 9 costs twice the time for one more percent of events


def pack(bodies: Sequence[bytes]) -> tuple[bytes, str]:
    """Return what to send, and its Idempotency-Key."""
    lines = b"\n".join(bodies) + b"\n"
    return zlib.compress(lines, _LEVEL), digest_of(lines)
