"""Step: a Helm release has the declared chart and values, and its objects the rendered fields.

Helm runs only when something differs, and without --wait: our own workload gate judges, so a late GPU never
rolls back a good release.
"""

from __future__ import annotations

from edgectl.node.charts.history import LABEL, LABEL_LENGTH, is_ours, newest
from edgectl.node.charts.objects import Objects, is_hook
from edgectl.node.converge.protocol import ApplyFailed, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.wire.document import canonical
from edgectl.wire.payload import Release as Declared

HELM = "/usr/local/bin/helm"


class Release:
    """One release. Its recipe neighbours: `workload` judges what it runs."""

    def __init__(self, declared: Declared, *, needs: tuple[str, ...], adopts: bool = True) -> None:
        self.declared = declared
        self._adopts = adopts  # a release of this name that somebody else has installed
        self.id = f"release-{declared.name}"
        self.title = declared.name
        self.needs = needs
        self.wait = Wait(limit_seconds=60)
        self._label = declared.digest.removeprefix("sha256:")[:LABEL_LENGTH]

    def probe(self, read: Look) -> Observation:
        """Compare Helm's record, then every object."""
        release = self.declared
        found = newest(read, release=release.name, namespace=release.namespace)
        if found is None:
            return Observation(Status.DRIFTED, "not installed")
        revision = f"revision {found.version}"
        if (
            not self._adopts
            and not found.digest
            and not is_ours(read, release=release.name, namespace=release.namespace)
        ):
            reason = f"a Helm release {release.name} of somebody else is in {release.namespace}"
            hint = "take it over with --take-over, or give yours another name"
            return Observation(Status.FAILED, f"{reason}: {hint}", evidence=(f"{revision} is {found.status}",))
        if found.is_pending:
            return Observation(Status.DRIFTED, f"{revision} was left in the middle ({found.status})")
        if found.status != "deployed":
            return Observation(Status.DRIFTED, f"{revision} is {found.status}")
        if found.digest != self._label:
            differences = (("chart and values", found.digest[:12] or "not ours", self._label[:12]),)
            return Observation(Status.DRIFTED, "chart or values differ", differences=differences)
        objects = Objects(read)
        seen = [
            difference
            for manifest in release.manifests
            if not is_hook(manifest)
            for difference in objects.differences(manifest, release=release.name, namespace=release.namespace)
        ]
        if seen:
            fields = ", ".join(field for field, _, _ in seen[:3]) + (" ..." if len(seen) > 3 else "")  # noqa: PLR2004
            return Observation(Status.DRIFTED, f"changed by hand: {fields}", differences=tuple(seen))
        return Observation(Status.CURRENT, f"{revision}, {len(release.manifests)} objects")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Take a pending revision's record away (we hold the lock: no Helm of ours lives), then upgrade."""
        del seen
        release = self.declared
        found = newest(write, release=release.name, namespace=release.namespace)
        if found is not None and found.is_pending:
            write.api.delete(f"/api/v1/namespaces/{release.namespace}/secrets/{found.secret}")
        objects = Objects(write)
        for manifest in release.manifests:
            path = None if is_hook(manifest) else objects.outgrown(manifest, namespace=release.namespace)
            if path is not None:  # Helm's own apply would leave what somebody else has added
                write.api.delete(path)
        ran = write.change(
            HELM,
            *("upgrade", release.name, str(write.places.blob(release.chart))),
            *("--install", "--namespace", release.namespace, "--create-namespace"),
            *("--values", "-", "--labels", f"{LABEL}={self._label}", "--history-max", "5"),
            *("--server-side=true", "--force-conflicts", "--timeout", f"{release.timeout_seconds:.0f}s"),
            limit_seconds=release.timeout_seconds + 30,
            stdin=canonical(release.values),
        )
        if not ran.ok:
            raise ApplyFailed(f"Helm could not install {release.name}: {ran.last_words}", evidence=ran.evidence())
