"""A Helm that remembers: it writes its revisions and the objects into the fake API, as the real one does."""

from __future__ import annotations

from typing import Any

from edgectl.node.charts.objects import as_helm
from edgectl.node.charts.release import HELM
from edgectl.node.io.programs import Ran
from edgectl.wire.payload import Release as Declared
from tests.unit.node.fake import FakeNode, merged, ran

DEPLOYMENTS = {"resources": [{"kind": "Deployment", "name": "deployments", "namespaced": True}]}


class Killed(BaseException):
    """The engine dies here."""


class FakeHelm:
    """Takes the place of /usr/local/bin/helm on a fake node. `dies`: after its pending record; `fails`: says no."""

    def __init__(self, node: FakeNode, *releases: Declared) -> None:
        self.node = node
        self.dies = False
        self.fails = ""
        self._manifests = {release.name: release.manifests for release in releases}
        node.on_change = self.run
        node.kube.objects["/apis/apps/v1"] = DEPLOYMENTS

    def run(self, *argv: str) -> Ran:
        """Upgrade or uninstall."""
        assert argv[0] == HELM
        namespace = argv[argv.index("--namespace") + 1]
        if argv[1] == "uninstall":
            for path in self._revisions(namespace, argv[2]):
                del self.node.kube.objects[path]
            return ran("release uninstalled", argv=argv)
        name, label = argv[2], argv[argv.index("--labels") + 1]
        if self._pending(namespace, name):
            return ran(code=1, err="Error: another operation (install/upgrade/rollback) is in progress", argv=argv)
        version = len(self._revisions(namespace, name)) + 1
        self._record(namespace, name, version, "pending-upgrade", label)
        if self.dies:
            raise Killed
        if self.fails:
            self._record(namespace, name, version, "failed", label)
            return ran(code=1, err=f"Error: UPGRADE FAILED: {self.fails}", argv=argv)
        for manifest in self._manifests[name]:
            place = f"/apis/apps/v1/namespaces/{namespace}/deployments/{manifest['metadata']['name']}"
            sent = as_helm(manifest, release=name, namespace=namespace)
            self.node.kube.objects[place] = merged(self.node.kube.objects.get(place, {}), sent)
        self._record(namespace, name, version, "deployed", label)
        return ran("Happy Helming!", argv=argv)

    def states(self, namespace: str, name: str) -> list[str]:
        """Return the status of each revision, oldest first."""
        return [
            self.node.kube.objects[path]["metadata"]["labels"]["status"] for path in self._revisions(namespace, name)
        ]

    def _revisions(self, namespace: str, name: str) -> list[str]:
        prefix = f"/api/v1/namespaces/{namespace}/secrets/sh.helm.release.v1.{name}.v"
        return sorted(path for path in self.node.kube.objects if path.startswith(prefix))

    def _pending(self, namespace: str, name: str) -> bool:
        return any(state.startswith("pending") for state in self.states(namespace, name))

    def _record(self, namespace: str, name: str, version: int, status: str, label: str) -> None:
        secret = f"sh.helm.release.v1.{name}.v{version}"
        key, value = label.split("=")
        labels = {"owner": "helm", "name": name, "version": str(version), "status": status, key: value}
        doc: dict[str, Any] = {"metadata": {"name": secret, "namespace": namespace, "labels": labels}}
        self.node.kube.objects[f"/api/v1/namespaces/{namespace}/secrets/{secret}"] = doc
