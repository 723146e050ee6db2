"""Folders of the nodes that a release's pods keep something in, as their templates say it.

Owns the annotation `edgectl.dev/own-folders`: names of volumes (hostPath), with commas between them, that the node's
engine gives to the user whom the pod runs as. Must not know how a folder is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from edgectl.wire.errors import InvalidInput
from edgectl.wire.folder import refused_folder
from edgectl.wire.payload import ManagedFolder
from edgectl.wire.workload import key_of, template_of

OWN = "edgectl.dev/own-folders"
_SERVERS = "node-role.kubernetes.io/control-plane"


def folders(manifests: Iterable[Mapping[str, Any]], role: str) -> tuple[ManagedFolder, ...]:
    """Return the folders for one node of this role, by their paths; InvalidInput says which object asks wrongly.

    A template that is bound to servers has none on agents.
    """
    found: dict[str, ManagedFolder] = {}
    for manifest in manifests:
        template = template_of(manifest) or {}
        asked = (((template.get("metadata") or {}).get("annotations") or {}).get(OWN) or "").split(",")
        spec = template.get("spec") or {}
        if role != "server" and _SERVERS in (spec.get("nodeSelector") or {}):
            continue
        for name in filter(None, map(str.strip, asked)):
            folder = _folder(spec, name, "/".join(key_of(manifest)))
            if found.setdefault(folder.path, folder) != folder:
                raise InvalidInput(f"{OWN}: {folder.path} is to belong to user {folder.owner} and to another one")
    return tuple(found[path] for path in sorted(found))


def _folder(spec: Mapping[str, Any], name: str, what: str) -> ManagedFolder:
    paths = {one.get("name"): (one.get("hostPath") or {}).get("path") for one in spec.get("volumes") or []}
    path = paths.get(name)
    owner = (spec.get("securityContext") or {}).get("runAsUser")
    if not isinstance(path, str):
        raise InvalidInput(f"{what}: {OWN} names {name!r}, which is no hostPath volume of its pods")
    if not isinstance(owner, int):
        raise InvalidInput(f"{what}: {OWN} needs the pods' securityContext.runAsUser: whose folder {path} is to be")
    if why := refused_folder(path, owner):
        raise InvalidInput(f"{what}: {OWN}: {why}")
    return ManagedFolder(path, owner)
