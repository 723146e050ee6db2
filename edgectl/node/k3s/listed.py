"""Which image containerd has under a name: the digest of its config, which is the image's own on every machine.

Owns: how a name is followed to it. The digest of a manifest tells nothing: containerd writes one when it imports an
archive, and names packed layers in it where a registry has brought them before (core/images/archive, `resolveLayers`).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.look import Look
from edgectl.wire.tar import Seeking, TarError, members

_MOST_MEMBERS = 10_000
_MOST_MANIFESTS = 64
_CTR = ("/usr/local/bin/k3s", "ctr")
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, TarError)


def listed(read: Look) -> dict[str, str]:
    """Return what containerd lists: name -> digest of its manifest or index."""
    ran = read.run(*_CTR, "images", "ls")
    if not ran.ok:
        raise LookFailed(f"containerd does not list its images: {ran.last_words}", evidence=ran.evidence())
    rows = [line.split() for line in ran.out.splitlines()[1:]]
    return {row[0]: next((word for word in row[1:] if word.startswith("sha256:")), "") for row in rows if row}


def held(read: Look, target: str) -> frozenset[str]:
    """Return the digests of the configs behind a digest that containerd lists; none where its content is gone."""
    pending, configs, left = [target], set[str](), _MOST_MANIFESTS
    while pending and left:
        left -= 1
        doc = _content(read, pending.pop())
        if isinstance(doc.get("config"), dict):
            configs.add(str(doc["config"].get("digest")))
        children = doc.get("manifests")
        pending += [str(child["digest"]) for child in children or () if isinstance(child, dict) and "digest" in child]
    return frozenset(configs)


def brought(archive: Path) -> frozenset[str]:
    """Return the digests of the configs of an archive's images; LookFailed when it cannot be read."""
    try:
        with archive.open("rb") as file:
            size = archive.stat().st_size
            places = {one.name: (one.offset, one.size) for one in members(Seeking(file, 0, size), most=_MOST_MEMBERS)}

            def data(name: str) -> bytes:
                offset, count = places[name]
                file.seek(offset)
                return file.read(count)

            if "oci-layout" in places:
                return frozenset(_followed(data, places))
            entries = json.loads(data("manifest.json"))
            return frozenset("sha256:" + hashlib.sha256(data(entry["Config"])).hexdigest() for entry in entries)
    except _UNREADABLE as error:
        raise LookFailed(f"the image archive {archive.name[:12]} cannot be read: {error}") from error


def _followed(data: Any, places: dict[str, tuple[int, int]]) -> set[str]:
    pending, configs, left = ["index.json"], set[str](), _MOST_MANIFESTS
    while pending and left:
        left -= 1
        doc = json.loads(data(pending.pop()))
        if "config" in doc:
            configs.add(str(doc["config"]["digest"]))
        names = ["blobs/" + str(child["digest"]).replace(":", "/") for child in doc.get("manifests") or ()]
        pending += [name for name in names if name in places]
    return configs


def _content(read: Look, digest: str) -> dict[str, Any]:
    """Return a small document of containerd's; an empty one where it is gone. Files first: that starts no program."""
    name = digest.removeprefix("sha256:")
    if not name.isalnum():
        return {}
    text = read.text(read.places.k3s_content / name)
    if text is None:  # a containerd that keeps its content elsewhere
        ran = read.run(*_CTR, "content", "get", digest)
        text = ran.out if ran.ok else ""
    try:
        doc = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return doc if isinstance(doc, dict) else {}
