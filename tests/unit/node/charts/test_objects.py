"""What an upgrade would change, on live objects and dry runs of a real API server."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.node.charts import objects
from edgectl.node.charts.objects import Objects, added, as_helm, compare, is_hook
from edgectl.node.converge.protocol import LookFailed
from tests.unit.node.fake import FakeNode, case

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
APPS = {"resources": [{"kind": "Deployment", "name": "deployments", "namespaced": True}]}


def drift(name: str) -> dict[str, tuple[str, str]]:
    """Compare one captured pair of live object and dry apply."""
    pair = case(f"applied-{name}")
    return {
        path: (have, want) for path, have, want in compare(objects._owned(pair["live"]), objects._owned(pair["merged"]))
    }


@pytest.mark.parametrize("name", ["deployment-inference", "service-inference", "daemonset-nvidia-device-plugin"])
def test_what_was_just_installed_has_no_drift(name: str) -> None:
    """The API server's defaults, status and book-keeping are no drift."""
    assert drift(f"as-installed-{name}") == {}


def test_an_image_set_by_hand_is_named() -> None:
    """One leaf, with the container's name in its path."""
    found = drift("image-by-hand-deployment-inference")
    assert list(found) == ["spec.template.spec.containers[inference].image"]
    assert found["spec.template.spec.containers[inference].image"][0] == "edgectl.local/other:1"


def test_scaled_to_nothing_by_hand_is_named() -> None:
    """Replicas that the chart declares are the release's."""
    assert drift("scaled-to-0-deployment-inference")["spec.replicas"] == ("0", "1")


def test_a_gate_that_was_taken_away_is_named() -> None:
    """Without its init container, inference would start before the GPU is there."""
    assert drift("no-gate-deployment-inference")["spec.template.spec.initContainers"] == ("none", "[gpu-gate]")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("added-container", "spec.template.spec.containers[miner]"),
        ("added-env", "spec.template.spec.containers[inference].env[DEBUG]"),
    ],
)
def test_what_was_added_to_a_pod_is_named(name: str, path: str) -> None:
    """A dry apply leaves other managers' containers and variables alone, so they are looked for by themselves."""
    pair = case(f"applied-{name}-deployment-inference")
    assert path not in drift(f"{name}-deployment-inference")
    assert (path, "added", "none") in added(pair["manifest"], pair["live"])


@pytest.mark.parametrize("name", ["deployment-inference", "service-inference", "daemonset-nvidia-device-plugin"])
def test_nothing_was_added_to_what_was_just_installed(name: str) -> None:
    """The API server adds nothing to the lists of a pod template."""
    pair = case(f"applied-as-installed-{name}")
    assert added(pair["manifest"], pair["live"]) == []


@given(JSON, JSON)
def test_compare_finds_a_difference_exactly_when_there_is_one(left: Any, right: Any) -> None:
    """None of two equal values, at least one of two that differ (an absent key is as good as null)."""
    assert bool(compare(left, right)) == (_bare(left) != _bare(right))
    assert compare(left, copy.deepcopy(left)) == []


def _bare(value: Any) -> Any:
    """Return a value without its null keys, as Kubernetes stores it."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value


@given(JSON, JSON)
def test_differences_are_short_texts(left: Any, right: Any) -> None:
    """Whatever differs can be shown on a line."""
    for row in compare(left, right):
        assert all(isinstance(item, str) for item in row)
        assert len(row[1]) <= 160
        assert len(row[2]) <= 160


def test_a_manifest_is_sent_as_helm_sends_it() -> None:
    """Its label and annotations are added, others kept, and the manifest itself is not touched."""
    manifest: dict[str, Any] = {"kind": "Service", "metadata": {"name": "a", "labels": {"x": "y"}, "annotations": None}}
    before = copy.deepcopy(manifest)
    sent = as_helm(manifest, release="r", namespace="n")
    assert sent["metadata"]["labels"] == {"x": "y", "app.kubernetes.io/managed-by": "Helm"}
    assert sent["metadata"]["annotations"]["meta.helm.sh/release-name"] == "r"
    assert manifest == before


@pytest.mark.parametrize(
    ("annotations", "hook"), [({"helm.sh/hook": "pre-install"}, True), ({}, False), (None, False), ({"a": "b"}, False)]
)
def test_hooks_are_no_part_of_the_release(annotations: Any, hook: bool) -> None:  # noqa: FBT001 - a table's column
    """A hook's object is gone after it ran: it is not compared."""
    assert is_hook({"metadata": {"annotations": annotations}}) == hook


def test_the_path_of_an_object(node: FakeNode) -> None:
    """By discovery: namespaced or not, the manifest's own namespace before the release's."""
    node.kube.objects["/apis/apps/v1"] = APPS
    node.kube.objects["/api/v1"] = {
        "resources": [
            {"kind": "Namespace", "name": "namespaces", "namespaced": False},
            {"kind": "Pod", "name": "pods/status", "namespaced": True},
        ]
    }
    find = Objects(node).path
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}
    assert find(deployment, namespace="n") == "/apis/apps/v1/namespaces/n/deployments/a"
    deployment["metadata"] = {"name": "a", "namespace": "m"}
    assert find(deployment, namespace="n") == "/apis/apps/v1/namespaces/m/deployments/a"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}
    assert find(namespace, namespace="n") == "/api/v1/namespaces/a"
    assert find({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}, namespace="n") is None
    assert find({"apiVersion": "x.io/v1", "kind": "Camera", "metadata": {"name": "a"}}, namespace="n") is None


def test_a_missing_object_and_an_unknown_kind_are_drift(node: FakeNode) -> None:
    """Never "nothing to compare, so fine"."""
    node.kube.objects["/apis/apps/v1"] = APPS
    look = Objects(node)
    gone = look.differences(manifest("Deployment"), release="r", namespace="n")
    assert gone == (("Deployment/inference", "missing", "present"),)
    unknown = look.differences(manifest("Camera"), release="r", namespace="n")
    assert unknown == (("Camera/inference", "its kind is unknown to the API", "present"),)


def test_a_dry_run_that_is_refused_is_drift_with_the_apis_words(node: FakeNode) -> None:
    """An immutable field, a policy: the upgrade would fail, and the sentence says why."""
    node.kube.objects["/apis/apps/v1"] = APPS
    node.kube.objects["/apis/apps/v1/namespaces/n/deployments/inference"] = case("workload-inference-serving")
    node.kube.denies = "spec.selector: field is immutable"
    found = Objects(node).differences(manifest("Deployment"), release="r", namespace="n")
    assert found == (("Deployment/inference", "spec.selector: field is immutable", "accepted"),)


@pytest.mark.parametrize("writes", [1, 9])
def test_what_a_controller_writes_between_two_looks_is_no_drift(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """An object that changes between the look and the dry run is looked at again; one that never rests is drift."""
    path = "/api/v1/namespaces/vision/configmaps/one"
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}
    kinds = [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]
    sent = as_helm(manifest, release="a", namespace="vision")
    node.kube.objects = {
        "/api/v1": {"resources": kinds},
        path: {**sent, "metadata": {**sent["metadata"], "resourceVersion": "0"}},
    }
    calm, count = node.kube.dry_apply, 0

    def busy(wanted: dict[str, Any], where: str) -> dict[str, Any]:
        nonlocal count
        if count < writes:
            count += 1
            meta = node.kube.objects[path]["metadata"]
            meta["resourceVersion"] = str(count)
            meta["annotations"] = {**meta["annotations"], "deployment.kubernetes.io/revision": str(count)}
        return calm(wanted, where)

    monkeypatch.setattr(node.kube, "dry_apply", busy)
    found = Objects(node).differences(manifest, release="a", namespace="vision")
    assert bool(found) == (writes == 9), found


def test_a_secret_is_never_shown(node: FakeNode) -> None:
    """That it differs is said, with neither value, not even one that was set by hand."""
    node.kube.objects["/api/v1"] = {"resources": [{"kind": "Secret", "name": "secrets", "namespaced": True}]}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "ZGVjbGFyZWQ="}}
    by_hand = as_helm({**secret, "data": {"key": "YnkgaGFuZA=="}}, release="r", namespace="n")
    node.kube.objects["/api/v1/namespaces/n/secrets/s"] = by_hand
    (found,) = Objects(node).differences(secret, release="r", namespace="n")
    assert found == ("Secret/s data.key", "another value", "the declared one")


def test_an_answer_without_metadata_is_no_look(node: FakeNode) -> None:
    """What cannot be compared is not fine."""
    node.kube.objects["/apis/apps/v1"] = APPS
    node.kube.objects["/apis/apps/v1/namespaces/n/deployments/inference"] = {"metadata": None}
    with pytest.raises(LookFailed):
        Objects(node).differences(manifest("Deployment"), release="r", namespace="n")


def manifest(kind: str) -> dict[str, Any]:
    """Return the smallest manifest of a kind."""
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "inference"}, "spec": {}}
