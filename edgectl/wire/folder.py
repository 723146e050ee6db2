"""Which folders of a node may be given to the user of a pod.

Owns that rule, for whoever declares one and for the node that makes it. Must not look at any folder.
"""

from __future__ import annotations

from pathlib import PurePosixPath

ROOTS = ("/var/lib", "/srv", "/mnt")
# Others live there, and would lose what they own.
TAKEN = ("/var/lib/edgectl", "/var/lib/rancher", "/var/lib/kubelet", "/var/lib/cni", "/var/lib/containerd")


def refused_folder(path: str, owner: int) -> str:
    """Return why a folder is given to nobody; "" when it may be."""
    pure = PurePosixPath(path)
    if str(pure) != path or ".." in pure.parts or not path.startswith("/"):
        return f"{path!r} is no plain path from /"
    roots = [PurePosixPath(root) for root in ROOTS]
    if not any(root in pure.parents for root in roots):
        return f"{path} lies outside of {', '.join(ROOTS)}, where folders may be given to a pod's user"
    if found := next((taken for taken in TAKEN if PurePosixPath(taken) in (pure, *pure.parents)), ""):
        return f"{path} lies in {found}, which belongs to somebody else"
    if not 0 < owner < 2**31:
        return f"{path}: user {owner} is not one that a pod may run as here (1 to 2147483647; root owns folders anyway)"
    return ""
