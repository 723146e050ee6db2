"""What the packages of a bundle say of themselves, read once for each digest and kept in the user's cache.

Owns the form of what is kept; what cannot be read there is read from the package again.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from edgectl.control.bundle.layout import Artifact
from edgectl.control.cache import cache
from edgectl.control.debian.control import Control
from edgectl.control.debian.file import control
from edgectl.control.staging import staged
from edgectl.wire.document import canonical, from_json
from edgectl.wire.errors import InvalidInput

_FORM = "debs-1"


def control_of(artifact: Artifact, path: Path) -> Control:
    """Return the fields of a bundle's package whose blob lies at `path`; InvalidInput when it is another one."""
    kept = cache(_FORM) / f"{artifact.digest.removeprefix('sha256:')}.json"
    found: Control | None = None
    with suppress(OSError, ValueError, RecursionError):
        found = from_json(Control, json.loads(kept.read_bytes()))
    if found is None:
        found = control(path)
        with suppress(OSError), staged(kept) as stream:
            stream.write(canonical(asdict(found)))
    if (found.name, found.version, found.bundle_arch) != (artifact.name, artifact.version, artifact.arch):
        raise InvalidInput(
            f"{path} is {found.name} {found.version} {found.arch}, and the bundle says "
            f"{artifact.name} {artifact.version} {artifact.arch}",
            hint="edgectl bundle verify says all that is wrong with a bundle.",
        )
    return found
