"""Who made a bundle, when, and from what: beside the index, which stays the same wherever it is made.

Owns `provenance.json`. Nothing is decided by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from edgectl.control.bundle.layout import Bundle
from edgectl.control.staging import staged
from edgectl.wire.envelope import Sender


def write_provenance(bundle: Bundle, fetched: Iterable[str], *, who: Sender, subject: str) -> None:
    """Write what the last build did."""
    document = {
        "built": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": f"{who.user}@{who.host}",
        "made": bundle.notes,
        "subject": subject,
        "index": bundle.digest,
        "fetched": sorted(fetched),
    }
    with staged(bundle.root / "provenance.json") as stream:
        stream.write(json.dumps(document, indent=1, sort_keys=True).encode() + b"\n")
