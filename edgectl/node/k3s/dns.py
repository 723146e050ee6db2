"""Step of the lead, in a store of several nodes: the cluster's DNS runs where the cluster's API does.

CoreDNS is one pod, which k3s lets run anywhere. On an agent that dies it is gone until Kubernetes gives that node's
pods up, five minutes later; on the server it is gone when the API is, too. Where k3s applies its manifest again, what
it does not name stays as it is. The server is named where nothing keeps the pod off it, and let go where something
does that does not pass by itself, once the pod has lost its place there.
"""

from __future__ import annotations

from typing import Any

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status, Wait
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Hands, Look
from edgectl.node.k3s.joined import path_of

DEPLOYMENT = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
HOSTNAME = "kubernetes.io/hostname"
_MANIFEST = "server/manifests/coredns.yaml"  # k3s writes it at each start, and takes it away where it is told `disable`
_REPELS = frozenset({"NoSchedule", "NoExecute"})
_TOLERATED = frozenset(  # by k3s's own manifest
    {"CriticalAddonsOnly", "node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
)
_PASSES = frozenset({"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"})  # by themselves
_ANY = "any node"  # no name of a node
Json = dict[str, Any]


class NamesStay:
    """CoreDNS is kept on the lead."""

    id = "cluster-dns"
    title = "cluster dns"
    wait = Wait(limit_seconds=60)  # k3s applies its manifests in the first seconds that its API answers

    def __init__(self, lead: str, *, needs: tuple[str, ...]) -> None:
        self.lead = lead
        self.needs = needs

    def probe(self, read: Look) -> Observation:
        """Ask for its Deployment, and for the node that it is to run on."""
        live = read.api.get(DEPLOYMENT)
        if live is None:
            path = read.places.k3s_data / _MANIFEST
            if read.text(path) is None or read.entry(path.with_name(f"{path.name}.skip")) is not None:
                return Observation(Status.CURRENT, "k3s is told to bring none")
            return Observation(Status.IN_PROGRESS, "k3s has not made kube-system/coredns yet")
        return judge(live, read.api.get(path_of(self.lead)), self.lead)

    def apply(self, write: Hands, seen: Observation) -> None:
        """Name the node, or none; Kubernetes moves the pod."""
        ((_, have, want),) = seen.differences
        place, told = (None, f"let go from {have}") if want == _ANY else (want, f"kept on {want}")
        try:
            write.api.merge(DEPLOYMENT, {"spec": {"template": {"spec": {"nodeSelector": {HOSTNAME: place}}}}})
        except Denied as answer:
            raise ApplyFailed(f"kube-system/coredns could not be {told}: {answer.message}") from answer
        except LookFailed as failure:
            raise ApplyFailed(f"kube-system/coredns could not be {told}: {failure.reason}") from failure


def judge(live: Json, node: Json | None, lead: str) -> Observation:
    """Judge its Deployment. Pure. A server that takes no such pods is left without: a DNS that waits is worse."""
    have = str((_template(live).get("nodeSelector") or {}).get(HOSTNAME, ""))
    runs = bool((live.get("status") or {}).get("availableReplicas"))
    if have and not runs and (keeps_off := _repels(node, but=_PASSES)):
        who = "which" if have == lead else f"and {lead}"
        return Observation(
            Status.DRIFTED,
            f"waits for {have}, {who} takes no such pods ({keeps_off})",
            differences=((HOSTNAME, have, _ANY),),
        )
    if have == lead:
        return Observation(Status.CURRENT, f"on {lead}")
    if keeps_off := _repels(node):
        return Observation(Status.CURRENT, f"runs on {have or _ANY}: {lead} takes no such pods ({keeps_off})")
    return Observation(
        Status.DRIFTED,
        f"may run on {have or _ANY}: names would go with it",
        differences=((HOSTNAME, have or _ANY, lead),),
    )


def _template(live: Json) -> Json:
    return dict(((live.get("spec") or {}).get("template") or {}).get("spec") or {})


def _repels(node: Json | None, *, but: frozenset[str] = frozenset()) -> str:
    """Return the taint that would keep its pod off a node; "" where there is none."""
    taints = ((node or {}).get("spec") or {}).get("taints") or []
    found = (str(one.get("key")) for one in taints if one.get("effect") in _REPELS)
    return next((key for key in found if key not in _TOLERATED | but), "")
