"""What a store's guard must agree with: its releases, and its Kubernetes.

Owns the findings on `guard`. Must not know how the guard is put in place (node/guard).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgectl.control.inventory import schema
from edgectl.control.inventory.check import Where

_FIRST = (1, 30)  # the Kubernetes that has ValidatingAdmissionPolicy
_MINOR = re.compile(r"v(\d+)\.(\d+)\.")
_TRIED_IN = ("default", "kube-public", "kube-node-lease")


def guard_findings(
    name: str, store: schema.Store, nodes: dict[str, schema.Node], *, doubtful: bool
) -> Iterator[tuple[Where, str]]:
    """Yield what does not agree: where, and a sentence. `doubtful`: the guard's own keys have findings already."""
    guard = schema.Guard() if store.guard is None or doubtful else store.guard
    for release, said in (store.releases or {}).items():
        if said is not None and "gpu" in said.needs and said.namespace in guard.exempt:
            sentence = (
                f"release {release} needs gpu and lies in {said.namespace}, which guard.exempt names: nothing there "
                "makes its pods wait for the GPU's proof. Give it another namespace, or take that one off guard.exempt"
            )
            yield ("releases", release, "namespace"), sentence
    if not any(node.gpu is not None and node.gpu.count for node in nodes.values()):
        return
    if set(_TRIED_IN) <= set(guard.exempt):
        sentence = (
            f"guard.exempt: one of {', '.join(_TRIED_IN)} must be guarded: there it is tried that the guard holds"
        )
        yield ("guard", "exempt"), sentence
    for node in nodes.values():
        found = _MINOR.match((node.k3s.version if node.k3s else None) or "")
        if found and (int(found[1]), int(found[2])) < _FIRST:
            yield ("k3s", "version"), f"{name} has GPUs, and their guard needs k3s v1.30 or newer (docs/guard.md)"
            return
