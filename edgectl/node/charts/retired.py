"""Step: releases, Secrets, facts and the GPU guard that bear our label and are declared no more are gone.

What Helm keeps stays: CRDs of crds/, volumes of volumeClaimTemplates, objects with resource-policy keep.
"""

from __future__ import annotations

from edgectl.node.charts.history import labelled, releases_of
from edgectl.node.charts.release import HELM
from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.guard.step import present
from edgectl.node.io.look import Hands, Look
from edgectl.node.secrets.objects import Name, is_managed, name_of, ours, path_of
from edgectl.wire.payload import Release, StoreSecret


class Retired:
    """Removals come last, when what replaces them runs."""

    id = "retired"
    title = "retired releases"

    def __init__(
        self,
        declared: tuple[Release, ...],
        secrets: tuple[StoreSecret, ...] = (),
        *,
        needs: tuple[str, ...],
        facts: bool = True,
        guard: bool = True,
    ) -> None:
        self._declared = {(release.namespace, release.name) for release in declared}
        self._facts = facts  # a step of their own looks after them; it is not there where none are declared
        self._guard = guard  # likewise
        self._secrets = {(namespace, secret.name) for secret in secrets for namespace in secret.namespaces}
        self.needs = needs
        self.wait = Wait(limit_seconds=15)

    def probe(self, read: Look) -> Observation:
        """Compare what is ours with the declaration; one list has releases and Secrets."""
        releases, objects = self._extra(read)
        guard = self._ungoverned(read)
        if releases or objects or guard:
            shown = ("gpu guard",) if guard else ()
            names = ", ".join((*(name for _, name in releases), *(name for _, (_, name) in objects), *shown))
            differences = tuple((f"{namespace}/{name}", "installed", "retired") for namespace, name in releases)
            differences += tuple((f"{plural} {'/'.join(item)}", "present", "gone") for plural, item in objects)
            differences += tuple((" ".join(path.rsplit("/", 2)[1:]), "present", "gone") for path in guard)
            return Observation(Status.DRIFTED, f"{names} is declared no more", differences=differences)
        return Observation(Status.CURRENT, "none")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Uninstall and delete them."""
        del seen
        releases, objects = self._extra(write)
        for namespace, name in releases:
            argv = (HELM, "uninstall", name, "--namespace", namespace, "--ignore-not-found", "--timeout", "60s")
            ran = write.change(*argv, limit_seconds=90)
            if not ran.ok:
                raise ApplyFailed(f"{name} could not be removed: {ran.last_words}", evidence=ran.evidence())
        for plural, item in objects:
            write.api.delete(path_of(plural, item))
        for path in self._ungoverned(write):
            write.api.delete(path)

    def _ungoverned(self, read: Look) -> tuple[str, ...]:
        return () if self._guard else present(read)

    def _extra(self, read: Look) -> tuple[list[Name], list[tuple[str, Name]]]:
        found = labelled(read)
        secrets = {name_of(item) for item in found.get("items", []) if is_managed(item)} - self._secrets
        facts = set() if self._facts else set(ours(read, "configmaps"))
        objects = [("secrets", name) for name in sorted(secrets)] + [("configmaps", name) for name in sorted(facts)]
        return sorted(set(releases_of(found)) - self._declared), objects
