"""What is declared in a store's cluster, as one digest: every object's own words, without those of the API server.

Left out are Kubernetes' own namespaces and what nobody declares (status, who wrote which field, the object's revision).
"""

from __future__ import annotations

import json
from typing import Any

from edgectl.wire.document import canonical, digest_of
from tests.e2e.node import Node

_KINDS = (
    "namespaces,deployments,daemonsets,statefulsets,services,configmaps,secrets,serviceaccounts,roles,rolebindings,"
    "networkpolicies,persistentvolumeclaims,runtimeclasses,validatingadmissionpolicies,"
    "validatingadmissionpolicybindings"
)


def declared(node: Node) -> dict[str, str]:
    """Return kind/namespace/name -> digest of all of them; their ids and their creation count."""
    items: list[dict[str, Any]] = json.loads(node.kubectl("get", _KINDS, "-A", "-o", "json"))["items"]
    found = {}
    for item in items:
        about = item["metadata"]
        namespace = about.get("namespace", "")
        if namespace.startswith("kube-"):
            continue
        kept = {key: value for key, value in about.items() if key not in {"managedFields", "resourceVersion"}}
        whole = {key: value for key, value in item.items() if key != "status"} | {"metadata": kept}
        found[f"{item['kind']}/{namespace}/{about['name']}"] = digest_of(canonical(whole))
    assert len(found) > 20, found
    return found


def containers(node: Node) -> dict[str, str]:
    """Return container id by pod and container: the same id is the same process, never started anew."""
    return {
        f"{pod['metadata']['name']}/{one['name']}": one["containerID"]
        for pod in node.objects("pods", "-A")
        for one in pod["status"].get("containerStatuses", [])
        if one.get("containerID")
    }
