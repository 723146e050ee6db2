"""Workloads of a payload: which objects have pods, and by what one tells that their pods become others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from edgectl.wire.document import canonical, digest_of
from edgectl.wire.payload import Release

KINDS = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job", "CronJob")
_NAMED = 16  # characters of a digest: it is compared, nothing hangs on it


def key_of(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Return kind and name."""
    return str(manifest.get("kind")), str((manifest.get("metadata") or {}).get("name"))


def template_of(manifest: Mapping[str, Any]) -> Any:
    """Return what the pods of an object are made from, None for an object without pods."""
    if manifest.get("kind") not in KINDS:
        return None
    spec = manifest.get("spec") or {}
    return ((spec.get("jobTemplate") or {}).get("spec") or spec).get("template")


def images_of(template: Any) -> list[str]:
    """Return the images of a template's containers, in their order, and those of its init containers."""
    spec = (template or {}).get("spec") or {}
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    return [str(container.get("image", "")) for container in containers]


def pods_of(releases: Iterable[Release]) -> dict[str, dict[str, Any]]:
    """Return what runs, by release/kind/name: a name for the template, and its images; a few bytes each."""
    return {
        "/".join((release.name, *key_of(manifest))): {
            "template": digest_of(canonical(template))[7 : 7 + _NAMED],
            "images": images_of(template),
        }
        for release in releases
        for manifest in release.manifests
        if (template := template_of(manifest)) is not None
    }
