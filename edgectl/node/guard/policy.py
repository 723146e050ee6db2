"""The guard as Kubernetes objects: a ValidatingAdmissionPolicy and its binding, and the pods that try it.

Owns what a pod that uses a GPU must have, in CEL, and the sentence that it is denied with. Pure: the same declaration
gives the same objects. Must not know how they reach the cluster. The lint rule gpu-gate asks the same of manifests.
"""

from __future__ import annotations

import json
from typing import Any

from edgectl.node.secrets.objects import MANAGED
from edgectl.wire.payload import Guard

Json = dict[str, Any]
NAME = "edgectl-gpu-guard"
GATE = "gpu-gate"
FOLDER = "/run/edgectl/gpu"
API = "/apis/admissionregistration.k8s.io/v1"
POLICIES = f"{API}/validatingadmissionpolicies"
BINDINGS = f"{API}/validatingadmissionpolicybindings"
# A policy that is bound to nothing denies nothing: it comes first, and its binding goes first.
COLLECTIONS = (POLICIES, BINDINGS)
HOW = (
    f". A pod that uses a GPU must wait for the GPU's proof of this boot: put {GATE} of docs/guard.md before all other "
    "init containers; an operator exempts a whole namespace with guard.exempt in the inventory"
)
_NAMESPACE = "kubernetes.io/metadata.name"
_ALWAYS_THERE = ("default", "kube-public", "kube-node-lease")  # Kubernetes makes them itself


def objects(guard: Guard) -> tuple[Json, Json]:
    """Return the policy and its binding, in the order of COLLECTIONS."""
    head = {"apiVersion": "admissionregistration.k8s.io/v1"}
    meta = {"name": NAME, "labels": dict(MANAGED)}
    exempt = {"key": _NAMESPACE, "operator": "NotIn", "values": sorted(guard.exempt)}
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchExpressions": [exempt]} if guard.exempt else {},
            "resourceRules": [pods],
        },
        "variables": [{"name": name, "expression": text} for name, text in variables(guard)],
        "validations": [
            {
                "expression": CHECK,
                "message": f"the init container {GATE} is missing or not as it must be{HOW}",
                "messageExpression": MESSAGE,
                "reason": "Forbidden",
            }
        ],
    }
    binding = {"policyName": NAME, "validationActions": ["Deny"]}
    return (
        {**head, "kind": "ValidatingAdmissionPolicy", "metadata": meta, "spec": policy},
        {**head, "kind": "ValidatingAdmissionPolicyBinding", "metadata": meta, "spec": binding},
    )


CHECK = "variables.lacks == ''"
MESSAGE = f"variables.lacks + {json.dumps(HOW)}"


def variables(guard: Guard) -> tuple[tuple[str, str], ...]:
    """Return the policy's variables in their order: later ones read earlier ones; `lacks` is what is wrong, or ''.

    A sidecar is no gate: nobody waits for its end. No init container may ask for a GPU, sidecars included: devices of
    init containers break when the kubelet restarts (kubernetes/kubernetes#138446).
    """
    classes = json.dumps(sorted(guard.runtime_classes))
    uses = (
        "variables.asking.size() > 0 || variables.askingFirst.size() > 0 "
        f"|| object.spec.?runtimeClassName.orValue('') in {classes}"
    )
    folders = f"object.spec.?volumes.orValue([]).filter(v, v.?hostPath.?path.orValue('') == '{FOLDER}').map(v, v.name)"
    mounts = (
        "variables.first.size() > 0 && variables.first[0].?volumeMounts.orValue([]).exists(m, "
        f"m.mountPath == '{FOLDER}' && m.?readOnly.orValue(false) && !has(m.subPath) && !has(m.subPathExpr) "
        "&& m.name in variables.folders)"
    )
    lacks = (
        "!variables.uses ? '' : "
        f"!variables.gate ? 'the first init container is not {GATE}' : "
        "variables.first[0].?restartPolicy.orValue('') == 'Always' "
        f"? '{GATE} is a sidecar (restartPolicy: Always), and nothing waits for the end of one' : "
        "variables.askingFirst.size() > 0 "
        "? 'the init container ' + variables.askingFirst[0] + ' asks for a GPU, and only containers may' : "
        f"!variables.mounts ? '{GATE} does not mount the hostPath {FOLDER} at {FOLDER} with readOnly: true' : ''"
    )
    return (
        ("first", "object.spec.?initContainers.orValue([])"),
        ("asking", f"object.spec.containers.filter(c, {_asks(guard)}).map(c, c.name)"),
        ("askingFirst", f"variables.first.filter(c, {_asks(guard)}).map(c, c.name)"),
        ("uses", uses),
        ("folders", folders),
        ("gate", f"variables.first.size() > 0 && variables.first[0].name == '{GATE}'"),
        ("mounts", mounts),
        ("lacks", lacks),
    )


def _asks(guard: Guard) -> str:
    """Return CEL that tells whether container `c` asks for a GPU; 0 of them is no wish."""
    names = json.dumps(sorted(guard.resources))
    return (
        "[c.?resources.?limits.orValue({}), c.?resources.?requests.orValue({})]"
        f".exists(m, m.exists(k, k in {names} && string(m[k]) != '0'))"
    )


def namespace_to_try(guard: Guard) -> str:
    """Return a namespace that is there on every cluster and is not exempt; "" when all of them are."""
    return next((name for name in _ALWAYS_THERE if name not in guard.exempt), "")


def pod(guard: Guard, *, gated: bool) -> Json:
    """Return a pod that asks for a GPU, as a dry run tries it; nothing of it ever runs."""
    spec: Json = {
        "automountServiceAccountToken": False,
        "containers": [
            {"name": "try", "image": "edgectl.invalid/try:1", "resources": {"limits": {guard.resources[0]: "1"}}}
        ],
    }
    if gated:
        mount = {"name": "gpu-proof", "mountPath": FOLDER, "readOnly": True}
        spec["initContainers"] = [{"name": GATE, "image": "edgectl.invalid/try:1", "volumeMounts": [mount]}]
        spec["volumes"] = [{"name": "gpu-proof", "hostPath": {"path": FOLDER, "type": "DirectoryOrCreate"}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": f"{NAME}-"}, "spec": spec}
