"""Helm's record of releases, read from Secrets of a real Helm (4.3.1; killed and failed upgrades among them)."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.node.charts.history import Revision, newest, ours
from tests.unit.node.fake import FakeNode, case


@pytest.fixture
def helm(node: FakeNode) -> FakeNode:
    """Return a node with the releases `stuck` (killed in an upgrade) and `broken` (failed in one)."""
    for item in case("helm-secrets")["items"]:
        meta = item["metadata"]
        node.kube.objects[f"/api/v1/namespaces/{meta['namespace']}/secrets/{meta['name']}"] = item
    return node


@pytest.mark.parametrize(
    ("release", "version", "status", "pending"),
    [("stuck", 3, "pending-upgrade", True), ("broken", 2, "failed", False)],
)
def test_the_newest_revision_speaks(helm: FakeNode, release: str, version: int, status: str, pending: bool) -> None:  # noqa: FBT001 - a table's column
    """By number, not by the order in which the API lists them: revision 10 is newer than 9."""
    found = newest(helm, release=release, namespace="cases")
    assert found is not None
    assert (found.version, found.status, found.is_pending) == (version, status, pending)
    assert found.secret == f"sh.helm.release.v1.{release}.v{version}"
    add(helm, release, 10, "deployed")
    add(helm, release, 9, "superseded")
    again = newest(helm, release=release, namespace="cases")
    assert again is not None
    assert again.version == 10


def add(node: FakeNode, release: str, version: int, status: str, **labels: str) -> None:
    """Write one more revision's Secret."""
    name = f"sh.helm.release.v1.{release}.v{version}"
    meta: dict[str, Any] = {"name": name, "namespace": "cases"}
    meta["labels"] = {"owner": "helm", "name": release, "version": str(version), "status": status, **labels}
    node.kube.objects[f"/api/v1/namespaces/cases/secrets/{name}"] = {"metadata": meta, "type": "helm.sh/release.v1"}


@pytest.mark.parametrize("namespace", ["cases", "elsewhere"])
def test_a_release_that_is_not_there_is_none(helm: FakeNode, namespace: str) -> None:
    """Also when one of that name lives in another namespace."""
    name = "nothing" if namespace == "cases" else "stuck"
    assert newest(helm, release=name, namespace=namespace) is None


def test_ours_are_those_with_our_label(helm: FakeNode) -> None:
    """A release that somebody else installed is never ours, so it is never retired."""
    assert {key: revision.version for key, revision in ours(helm).items()} == {("cases", "stuck"): 3}


def test_the_releases_of_a_converged_store_are_ours(node: FakeNode) -> None:
    """As a real store has them, over all namespaces."""
    for item in case("helm-secrets-everywhere")["items"]:
        meta = item["metadata"]
        node.kube.objects[f"/api/v1/namespaces/{meta['namespace']}/secrets/{meta['name']}"] = item
    found = ours(node)
    assert {("gpu-system", "nvidia-device-plugin"), ("vision", "vision-stack")} <= set(found)
    assert all(revision.digest for revision in found.values())


@pytest.mark.parametrize("version", ["", "v1", "x"])
def test_a_record_without_a_number_is_none(node: FakeNode, version: str) -> None:
    """A Secret that only looks like Helm's is left out."""
    meta = {"name": "x", "namespace": "cases", "labels": {"owner": "helm", "name": "a", "version": version}}
    node.kube.objects["/api/v1/namespaces/cases/secrets/x"] = {"metadata": meta}
    assert newest(node, release="a", namespace="cases") is None


@pytest.mark.parametrize(
    ("status", "pending"),
    [
        ("deployed", False),
        ("failed", False),
        ("superseded", False),
        ("pending-install", True),
        ("pending-upgrade", True),
        ("pending-rollback", True),
        ("uninstalling", True),
    ],
)
def test_what_helm_never_leaves_by_itself(status: str, pending: bool) -> None:  # noqa: FBT001 - a table's column
    """A killed Helm leaves a pending state for ever."""
    assert Revision("a", "n", 1, status, "", "s").is_pending == pending
