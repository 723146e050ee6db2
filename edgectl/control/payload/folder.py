"""A payload written out for people: to read, to compare with another, to review.

Owns the folder's form: payload.json, nodes/N/rootfs/..., releases/R/{values,manifests}.yaml. Nothing reads it back.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from edgectl.control.blockyaml import dump
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import Payload


def write(payload: Payload, folder: Path) -> None:
    """Write the folder; InvalidInput when it holds something else already, or cannot be written."""
    mark = folder / "payload.json"
    try:
        if folder.exists() and not mark.exists() and any(folder.iterdir()):
            raise InvalidInput(f"{folder} is not empty and holds no payload of before", hint="Name a new folder.")
        for old in ("nodes", "releases") if mark.exists() else ():
            shutil.rmtree(folder / old, ignore_errors=True)
        for path, data in _files(payload).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be written: {error}", hint="Name another folder.") from error


def _files(payload: Payload) -> dict[str, bytes]:
    files = {"payload.json": payload.encode() + b"\n"}
    for node in payload.nodes:
        for file in (*node.host.files, *node.k3s.files):
            files[f"nodes/{node.name}/rootfs{file.path}"] = file.text.encode()
    for release in payload.releases:
        manifests = "".join(f"---\n{dump(manifest, sort_keys=False)}" for manifest in release.manifests)
        files[f"releases/{release.name}/values.yaml"] = dump(release.values).encode()
        files[f"releases/{release.name}/manifests.yaml"] = manifests.encode()
    return files
