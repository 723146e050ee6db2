"""Docker archives under another name: same layers, other tag."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path


def renamed(archive: Path, name: str) -> bytes:
    """Return a copy of a docker archive under another image name."""
    out = io.BytesIO()
    with tarfile.open(archive) as source, tarfile.open(fileobj=out, mode="w") as target:
        for member in source:
            data = source.extractfile(member)
            text = data.read() if data else b""
            if member.name == "manifest.json":
                doc = json.loads(text)
                doc[0]["RepoTags"] = [name]
                text = json.dumps(doc).encode()
            if member.name == "repositories":
                continue
            member.size = len(text)
            target.addfile(member, io.BytesIO(text) if member.isreg() else None)
    return out.getvalue()
