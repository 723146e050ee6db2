"""What to do next, by the step that is wrong or by the kind of error. Pure.

Owns the advice for every step of the recipe: the next command, or the line of the inventory to look at.
"""

from __future__ import annotations

from edgectl.wire.errors import EdgectlError, Exit

# The beginning of a step's id -> what to do; {store} is filled in. The first that fits counts.
_BY_STEP = (
    ("reboot", "see to what its reason names, then restart by hand: edgectl ssh {store} -- systemctl reboot"),
    ("host", "put right on the node what the reason names (edgectl ssh {store}), then deploy again"),
    ("machine", "see which machine it is: edgectl preflight {store}; a new board or card: correct `identity`"),
    ("packages", "put right what the reason names, then deploy again; docs/packages.md says more"),
    ("modules", "correct host.modules in the inventory, or install what brings the module (host.packages)"),
    ("services", "see what systemd says: edgectl ssh {store} -- systemctl status UNIT; or correct host.services"),
    ("time", "correct host.time.servers, or let the store's network reach them (UDP 123)"),
    ("units", "see what systemd says: edgectl ssh {store} -- systemctl status edgectl-converge"),
    ("blobs", "run `edgectl deploy {store}`; it sends what is missing"),
    ("sysctls", "correct host.sysctls in the inventory, or update the node's kernel"),
    ("users", "put right what the reason names, on the node or in host.users; docs/users.md says who may what"),
    ("certificates", "wait for windows.reboot, or deploy with --reboot-now; an authority: docs/upgrade.md"),
    ("backup", "take one now: edgectl backup {store}"),
    ("k3s", "read k3s's own log: edgectl ssh {store} -- journalctl -u k3s -n 50"),
    ("image", "read containerd's words: edgectl ssh {store} -- journalctl -u k3s -n 50"),
    ("helm", "look at the node's disk and /usr/local/bin: edgectl ssh {store}"),
    ("gpu-packages", "put right what the reason names, then deploy again; docs/packages.md says more"),
    ("gpu-driver", "do on the node what the reason names (docs/gpu.md says more), then deploy again"),
    ("gpu", "see which card, and why: edgectl gpu {store}; with fewer GPUs, lower gpu.required"),
    (
        "secrets",
        "run `edgectl deploy {store}`, which sends the values; one of somebody else: rename yours, docs/secrets.md",
    ),
    ("models", "see what is kept: edgectl models {store}; raise model_budget where it is too small"),
    ("facts", "look at it: edgectl kubectl {store} -- get configmap edgectl-store -A --show-labels"),
    ("release", "correct the chart or its values in the inventory, then deploy again"),
    ("workload", "look at the pods: edgectl kubectl {store} -- get events -A --sort-by=.lastTimestamp"),
    (
        "inference",
        "compare model and reference under `inference` in the inventory; edgectl kubectl {store} -- get pods -A",
    ),
    ("server", "bring the store's server to that k3s version first: edgectl status {store}"),
    ("node", "look at that node: edgectl status {store}, edgectl journal {store} --node NAME"),
    ("chain", "see which link, and since when: edgectl chain {store}"),
    ("dead", "look at the pods: edgectl kubectl {store} -- get pods -A"),
    ("retired", "look at the releases: edgectl ssh {store} -- helm list -A"),
)
_OTHERWISE = "read the evidence: edgectl journal {store}"


# What to do about an error that does not say it itself, by exit code.
_BY_EXIT = {
    Exit.BUG: "report it, with the lines above",
    Exit.USAGE: "edgectl --help shows every command with examples",
    Exit.INVALID: "correct what it names and run the same command again; nothing was sent",
    Exit.UNREACHABLE: "see to what it names, then run the same command again; the node goes on by itself",
    Exit.NOT_READY: "see to what it names, then run the same command again",
    Exit.FAILED: "read the evidence, see to its cause, then run the same command again",
    Exit.LOCKED: "wait until it has ended, then run the same command again",
    Exit.REFUSED: "check that the inventory means this node, and use the same edgectl everywhere",
    Exit.INTERRUPTED: "run the same command again; what the node has begun it finishes by itself",
}


def for_error(error: EdgectlError) -> str:
    """Return what to do next about an error: its own hint, or what is right for all of its kind."""
    return error.hint or _BY_EXIT.get(error.exit, _BY_EXIT[Exit.BUG])


def for_step(store: str, step: str) -> str:
    """Return what to do about one step that is wrong."""
    return next((text for start, text in _BY_STEP if step.startswith(start)), _OTHERWISE).format(store=store)
