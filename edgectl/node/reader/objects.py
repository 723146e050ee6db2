"""A reader as Kubernetes objects: an account, what it may read, and that it may.

Owns: the rules. They name each resource: a wildcard would be secrets, and `get` on pods/exec is a shell.
Must not know the API.
"""

from __future__ import annotations

import re
from typing import Any

from edgectl.node.secrets.objects import MANAGED

Json = dict[str, Any]

NAMESPACE = "kube-system"
LABEL = {"edgectl.local/reader": "tunnel"}
UNTIL = "edgectl.local/until"  # an annotation: seconds since the epoch, the node's clock
WHO = "edgectl.local/who"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
ACCOUNTS = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
_RBAC = "rbac.authorization.k8s.io"
_NAME = re.compile(r"edgectl-reader-[0-9a-f]{16}")
_VERBS = ("get", "list", "watch")
_READS = {
    "": (
        "configmaps", "endpoints", "events", "limitranges", "namespaces", "nodes", "persistentvolumeclaims",
        "persistentvolumes", "pods", "pods/log", "pods/status", "replicationcontrollers", "resourcequotas",
        "serviceaccounts", "services",
    ),
    "admissionregistration.k8s.io": ("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
    "apiextensions.k8s.io": ("customresourcedefinitions",),
    "apiregistration.k8s.io": ("apiservices",),
    "apps": ("controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"),
    "autoscaling": ("horizontalpodautoscalers",),
    "batch": ("cronjobs", "jobs"),
    "coordination.k8s.io": ("leases",),
    "discovery.k8s.io": ("endpointslices",),
    "events.k8s.io": ("events",),
    "metrics.k8s.io": ("nodes", "pods"),
    "networking.k8s.io": ("ingressclasses", "ingresses", "networkpolicies"),
    "node.k8s.io": ("runtimeclasses",),
    "policy": ("poddisruptionbudgets",),
    "scheduling.k8s.io": ("priorityclasses",),
    "storage.k8s.io": ("csidrivers", "csinodes", "storageclasses", "volumeattachments"),
}  # fmt: skip


def is_name(text: str) -> bool:
    """Tell whether a text can be a reader's name: it goes into paths."""
    return _NAME.fullmatch(text) is not None


def role(name: str, *, who: str, until: float) -> Json:
    """Return what a reader may read; it is the first of the three and the last."""
    rules = [{"apiGroups": [group], "resources": list(kinds), "verbs": list(_VERBS)} for group, kinds in _READS.items()]
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {
            "name": name,
            "labels": {**MANAGED, **LABEL},
            "annotations": {UNTIL: f"{until:.0f}", WHO: who},
        },
        "rules": rules,
    }


def account(name: str, owner: Json) -> Json:
    """Return who reads; no pod that would run as it is given its token."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {**_metadata(name, owner), "namespace": NAMESPACE},
        "automountServiceAccountToken": False,
    }


def binding(name: str, owner: Json) -> Json:
    """Return that it may."""
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(name, owner),
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
    }


def paths(name: str) -> tuple[str, ...]:
    """Return where the three are, in the order in which they go: the token first."""
    return f"{ACCOUNTS}/{name}", f"{BINDINGS}/{name}", f"{ROLES}/{name}"


def _metadata(name: str, owner: Json) -> Json:
    """Return metadata of what goes with the role, whoever deletes that."""
    return {
        "name": name,
        "labels": {**MANAGED, **LABEL},
        "ownerReferences": [
            {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "name": name, "uid": owner["metadata"]["uid"]}
        ],
    }
