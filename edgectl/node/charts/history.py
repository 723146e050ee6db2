"""Helm's own record of a release: Secrets of type helm.sh/release.v1, read by their labels.

Must not decode the release: the labels (name, version, status) and ours are enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgectl.node.io.api import selector
from edgectl.node.io.look import Look

# The digest is cut: a label value holds 63 characters, a sha256 in hex is 64.
LABEL = "edgectl.digest"
LABEL_LENGTH = 40


@dataclass(frozen=True)
class Revision:
    """One revision of one release."""

    release: str
    namespace: str
    version: int
    status: str  # deployed, superseded, failed, pending-install, pending-upgrade, pending-rollback, uninstalling
    digest: str  # our label; "" when somebody else made this revision
    secret: str

    @property
    def is_pending(self) -> bool:
        """Helm was killed in the middle: it stays so for ever, and Helm refuses to go on."""
        return self.status.startswith(("pending-", "uninstalling"))


def newest(read: Look, *, release: str, namespace: str) -> Revision | None:
    """Return the newest revision of a release; None when there is none."""
    labels = selector({"owner": "helm", "name": release})
    found = read.api.get(f"/api/v1/namespaces/{namespace}/secrets?labelSelector={labels}")
    return max(_revisions(found), key=lambda item: item.version, default=None)


def is_ours(read: Look, *, release: str, namespace: str) -> bool:
    """Tell whether any kept revision of a release bears our label: a hand may have made the newest."""
    labels = selector({"owner": "helm", "name": release})
    found = read.api.get(f"/api/v1/namespaces/{namespace}/secrets?labelSelector={labels}")
    return any(item.digest for item in _revisions(found))


def ours(read: Look) -> dict[tuple[str, str], Revision]:
    """Return the newest revision of every release that bears our label, by (namespace, release)."""
    return releases_of(labelled(read))


def labelled(read: Look) -> dict[str, Any]:
    """Return every Secret that bears our label: records of releases, and what edgectl itself keeps for pods."""
    return read.api.get(f"/api/v1/secrets?labelSelector={LABEL}") or {}


def releases_of(found: dict[str, Any]) -> dict[tuple[str, str], Revision]:
    """Return the newest revision of every release on a list, by (namespace, release)."""
    newest_of: dict[tuple[str, str], Revision] = {}
    for item in sorted(_revisions(found), key=lambda item: item.version):
        newest_of[item.namespace, item.release] = item
    return newest_of


def _revisions(found: dict[str, Any] | None) -> list[Revision]:
    items = (found or {}).get("items")
    revisions = []
    for item in items if isinstance(items, list) else []:
        meta = item.get("metadata", {})
        labels = meta.get("labels", {})
        if labels.get("owner") != "helm" or not str(labels.get("version", "")).isdigit():
            continue
        revisions.append(
            Revision(
                release=str(labels.get("name", "")),
                namespace=str(meta.get("namespace", "")),
                version=int(labels["version"]),
                status=str(labels.get("status", "")),
                digest=str(labels.get(LABEL, "")),
                secret=str(meta.get("name", "")),
            )
        )
    return revisions
