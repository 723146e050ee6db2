"""The cluster's own guard: what uses a GPU and does not wait for its proof is denied, by a real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from edgectl.sandbox.machine.command import Completed
from tests.e2e.conftest import Shop
from tests.e2e.node import Node

pytestmark = pytest.mark.e2e

ELSEWHERE = "brought-along"
POLICY = "validatingadmissionpolicy/edgectl-gpu-guard"
BINDING = "validatingadmissionpolicybinding/edgectl-gpu-guard"
SELECTOR = "/spec/matchConstraints/namespaceSelector"
DENIED = "ValidatingAdmissionPolicy 'edgectl-gpu-guard' with binding 'edgectl-gpu-guard' denied request"


@pytest.fixture(autouse=True)
def _nobody_is_there(settled: Shop) -> Iterator[None]:
    """Cut the line: no operator can have helped; a namespace that nobody has declared is there, and stays."""
    settled.sandbox.link.cut()
    settled.node.sh(f"k3s kubectl create namespace {ELSEWHERE} 2>/dev/null || true")
    yield
    settled.sandbox.link.heal()


def _pod(node: Node, *, gpus: str = "1", gated: bool = False, classed: str = "", **init: Any) -> dict[str, Any]:
    """Return a pod of the images that the node has."""
    like = node.inference()["spec"]["template"]["spec"]
    container: dict[str, Any] = {"name": "app", "image": like["containers"][0]["image"]}
    if gpus:
        container["resources"] = {"limits": {"nvidia.com/gpu": gpus}}
    spec: dict[str, Any] = {"containers": [container]}
    if classed:
        spec["runtimeClassName"] = classed
    if gated:
        spec["initContainers"] = [{**like["initContainers"][0], **init}]
        spec["volumes"] = like["volumes"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "brought-along"}, "spec": spec}


def _create(node: Node, pod: dict[str, Any], namespace: str) -> Completed:
    """Create it by hand, without leaving it there."""
    words = ("create", "-n", namespace, "--dry-run=server", "-f", "-")
    return node.run("/usr/local/bin/k3s", "kubectl", *words, check=False, stdin=json.dumps(pod))


@pytest.mark.parametrize("namespace", ["default", ELSEWHERE])
def test_a_pod_without_the_gate_is_denied_everywhere(shop: Shop, namespace: str) -> None:
    """Law: nobody needs to have declared the namespace. Seeded faults: a GPU, and NVIDIA's runtime without one."""
    for pod in (_pod(shop.node), _pod(shop.node, gpus="", classed="nvidia")):
        said = _create(shop.node, pod, namespace)
        assert said.code, said.out
        assert DENIED in said.err
        assert "the first init container is not gpu-gate" in said.err
        assert "docs/guard.md" in said.err
    assert _create(shop.node, _pod(shop.node, gpus=""), namespace).code == 0


def test_what_is_no_gate_is_denied_with_the_reason(shop: Shop) -> None:
    """Law: the sentence says what is missing. Seeded faults: a sidecar, a gate with a GPU, a mount to write."""
    mount = {"name": "gpu-proof", "mountPath": "/run/edgectl/gpu"}
    for init, part in (
        ({"restartPolicy": "Always"}, "is a sidecar"),
        ({"resources": {"limits": {"nvidia.com/gpu": "1"}}}, "the init container gpu-gate asks for a GPU"),
        ({"volumeMounts": [mount]}, "with readOnly: true"),
    ):
        said = _create(shop.node, _pod(shop.node, gated=True, **init), ELSEWHERE)
        assert DENIED in said.err
        assert part in said.err


def test_a_gated_pod_passes_and_an_exempt_namespace_is_not_asked(shop: Shop) -> None:
    """Law: the guard is in nobody's way who waits, nor in the device plugin's."""
    assert _create(shop.node, _pod(shop.node, gated=True, classed="nvidia"), ELSEWHERE).code == 0
    assert _create(shop.node, _pod(shop.node), "gpu-system").code == 0


def test_a_denied_deployment_says_so(shop: Shop) -> None:
    """Law: who brings a chart without the gate finds the sentence where Kubernetes' people look."""
    labels = {"app": "brought-along"}
    template = {"metadata": {"labels": labels}, "spec": _pod(shop.node)["spec"]}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    item = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": spec}
    words = ("create", "-n", ELSEWHERE, "-f", "-")
    shop.node.run("/usr/local/bin/k3s", "kubectl", *words, stdin=json.dumps(item))

    def told() -> bool:
        (found,) = shop.node.objects("deployments", "-n", ELSEWHERE)
        conditions = found.get("status", {}).get("conditions", [])
        return any(one["type"] == "ReplicaFailure" and DENIED in one["message"] for one in conditions)

    shop.node.wait("the Deployment says why it has no pods", told, seconds=30)
    shop.node.kubectl("delete", "deployment", "x", "-n", ELSEWHERE)


@pytest.mark.parametrize("what", [POLICY, BINDING])
def test_a_deleted_part_is_healed(shop: Shop, what: str) -> None:
    shop.node.kubectl("delete", what)
    _heals(shop.node)


@pytest.mark.parametrize(
    ("what", "patch"),
    [
        (POLICY, [{"op": "add", "path": "/spec/matchConditions", "value": [{"name": "no", "expression": "false"}]}]),
        (POLICY, [{"op": "replace", "path": "/spec/failurePolicy", "value": "Ignore"}]),
        (
            POLICY,
            [
                {
                    "op": "add",
                    "path": f"{SELECTOR}/matchExpressions/0/values/-",
                    "value": "x",
                }
            ],
        ),
        (BINDING, [{"op": "replace", "path": "/spec/validationActions", "value": ["Audit"]}]),
    ],
)
def test_a_weakened_guard_is_healed(shop: Shop, what: str, patch: list[dict[str, Any]]) -> None:
    """Law: what somebody has added is drift as well as what somebody has changed."""
    shop.node.kubectl("patch", what, "--type=json", f"--patch={json.dumps(patch)}")
    _heals(shop.node)


def _heals(node: Node) -> None:
    """Let the timer's run heal: the guard alone is changed, nothing restarts, and it denies again."""
    before = node.steady()
    verdict = node.heal()
    assert (verdict["word"], verdict["changed"]) == ("ready", ["gpu-guard"])
    assert node.steady() == before
    assert DENIED in _create(node, _pod(node), ELSEWHERE).err
    assert node.heal()["changed"] == []
