"""What to do next, by the step that is wrong. Pure.

Owns the advice for every step of the recipe: the next command, or the line of the inventory to look at.
"""

from __future__ import annotations

# The beginning of a step's id -> what to do; {store} is filled in. The first that fits counts.
_BY_STEP = (
    ("host", "put right on the node what the reason names (edgectl ssh {store}), then deploy again"),
    ("blobs", "run `edgectl deploy {store}`; it sends what is missing"),
    ("sysctls", "correct host.sysctls in the inventory, or update the node's kernel"),
    ("k3s", "read k3s's own log: edgectl ssh {store} -- journalctl -u k3s -n 50"),
    ("image", "read containerd's words: edgectl ssh {store} -- journalctl -u k3s -n 50"),
    ("helm", "look at the node's disk and /usr/local/bin: edgectl ssh {store}"),
    ("gpu", "look at the card: edgectl ssh {store} -- nvidia-smi; with fewer GPUs, lower gpu.required"),
    ("release", "correct the chart or its values in the inventory, then deploy again"),
    ("workload", "look at the pods: edgectl kubectl {store} -- get events -A --sort-by=.lastTimestamp"),
    ("inference", "compare model and reference (inference in the inventory); its log: edgectl kubectl {store} -- logs"),
    ("dead", "look at the pods: edgectl kubectl {store} -- get pods -A"),
    ("retired", "look at the releases: edgectl ssh {store} -- helm list -A"),
)
_OTHERWISE = "read the evidence: edgectl journal {store}"


def for_step(store: str, step: str) -> str:
    """Return what to do about one step that is wrong."""
    return next((text for start, text in _BY_STEP if step.startswith(start)), _OTHERWISE).format(store=store)
