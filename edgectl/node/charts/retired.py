"""Step: releases and Secrets that bear our label and are declared no more are gone.

What Helm keeps stays: CRDs of crds/, volumes of volumeClaimTemplates, objects with resource-policy keep.
"""

from __future__ import annotations

from edgectl.node.charts.history import labelled, releases_of
from edgectl.node.charts.release import HELM
from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.node.secrets.objects import is_managed, name_of
from edgectl.wire.payload import Release, StoreSecret


class Retired:
    """Removals come last, when what replaces them runs."""

    id = "retired"
    title = "retired releases"

    def __init__(
        self, declared: tuple[Release, ...], secrets: tuple[StoreSecret, ...] = (), *, needs: tuple[str, ...]
    ) -> None:
        self._declared = {(release.namespace, release.name) for release in declared}
        self._secrets = {(namespace, secret.name) for secret in secrets for namespace in secret.namespaces}
        self.needs = needs
        self.wait = Wait(limit_seconds=15)

    def probe(self, read: Look) -> Observation:
        """Compare what is ours with the declaration; one list has both."""
        releases, secrets = self._extra(read)
        if releases or secrets:
            names = ", ".join((*(name for _, name in releases), *(f"secret {name}" for _, name in secrets)))
            differences = tuple((f"{namespace}/{name}", "installed", "retired") for namespace, name in releases)
            differences += tuple((f"Secret {namespace}/{name}", "present", "gone") for namespace, name in secrets)
            return Observation(Status.DRIFTED, f"{names} is declared no more", differences=differences)
        return Observation(Status.CURRENT, "none")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Uninstall and delete them."""
        del seen
        releases, secrets = self._extra(write)
        for namespace, name in releases:
            argv = (HELM, "uninstall", name, "--namespace", namespace, "--ignore-not-found", "--timeout", "60s")
            ran = write.change(*argv, limit_seconds=90)
            if not ran.ok:
                raise ApplyFailed(f"{name} could not be removed: {ran.last_words}", evidence=ran.evidence())
        for namespace, name in secrets:
            write.api.delete(f"/api/v1/namespaces/{namespace}/secrets/{name}")

    def _extra(self, read: Look) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        found = labelled(read)
        secrets = {name_of(item) for item in found.get("items", []) if is_managed(item)}
        return sorted(set(releases_of(found)) - self._declared), sorted(secrets - self._secrets)
