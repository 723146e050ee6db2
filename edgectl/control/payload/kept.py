"""A store's payload that was rendered and judged, kept: one store of 10,000 is shown again at once.

Owns the cache and its form. A payload is kept together with all that it hangs on (inputs.py), looked at before and
after it was made; it is taken when every bit of that is as it was. Only what may be sent is kept, so no finding is
hidden. Imports nothing that takes time.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgectl.control.cache import cache
from edgectl.control.payload.inputs import Inputs, around, look, today
from edgectl.control.payload.rendered import Rendered
from edgectl.wire.document import canonical
from edgectl.wire.payload import decode

if TYPE_CHECKING:
    from edgectl.control.policy.verdict import Verdict

_HEAD = b"edgectl payload 1\n"


@dataclass(frozen=True, slots=True)
class Said:
    """What the rules said of a payload that may be sent: how many warnings, and how much an exception excuses."""

    warnings: int = 0
    excused: int = 0

    @classmethod
    def of(cls, found: tuple[Verdict, ...]) -> Said:
        """Count."""
        excused = sum(bool(one.excused) for one in found)
        return cls(len(found) - excused, excused)

    def __add__(self, other: Said) -> Said:
        return Said(self.warnings + other.warnings, self.excused + other.excused)


@dataclass(frozen=True, slots=True)
class Kept:
    """One payload, and what was said of it. The hooks of its releases are not kept: they have been judged."""

    rendered: Rendered
    said: Said


def find(name: str, inventory: Path) -> Kept | None:
    """Return the payload of a store, where it is kept and nothing has changed since; None in all other cases."""
    try:
        head, _, body = _place(name, inventory).read_bytes().partition(b"\n\n")
        if head + b"\n\n" != _head(body) or not inventory.is_file():
            return None
        doc: Any = json.loads(body)
        if doc["day"] not in ("", today()) or doc["around"] != around(name, inventory, inventory.read_bytes()):
            return None
        if any(look(fact[0], fact[1]) != fact for fact in doc["facts"]):
            return None
        payload, said = decode(doc["payload"].encode()), Said(**doc["said"])
        paths = {str(digest): Path(path) for digest, path in doc["paths"].items()}
        if payload.store != name or list(paths) != sorted(payload.blobs):
            return None
        if any(not path.is_file() or path.stat().st_size != payload.blobs[digest] for digest, path in paths.items()):
            return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError):
        return None
    return Kept(Rendered(payload, paths), said)


def keep(before: Inputs | None, after: Inputs | None, rendered: Rendered, said: Said) -> None:
    """Keep a payload that may be sent; a cache that cannot be written is done without.

    `before` and `after` are what it hangs on, looked at before it was made, and now: nothing has changed meanwhile.
    """
    if before is None or before != after or not before.whole:
        return
    from edgectl.control.staging import staged

    data = rendered.payload.encode()
    with suppress(OSError, ValueError):
        doc = {
            **asdict(before),
            "payload": data.decode(),
            "paths": {digest: str(path) for digest, path in rendered.blob_paths.items()},
            "said": asdict(said),
        }
        body = canonical(doc)
        if decode(data) == rendered.payload:
            with staged(_place(rendered.payload.store, Path(before.around[1]))) as stream:
                stream.write(_head(body) + body)


def _place(name: str, inventory: Path) -> Path:
    """Return one place for each store of an inventory: what is older is written over."""
    words = canonical([name, os.path.realpath(inventory)])
    return cache("payloads") / f"{hashlib.sha256(words).hexdigest()}.json"


def _head(body: bytes) -> bytes:
    return _HEAD + hashlib.sha256(body).hexdigest().encode() + b"\n\n"
