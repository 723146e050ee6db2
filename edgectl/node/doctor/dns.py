"""The cluster's own name server: without it no pod finds another one, though every pod may run.

Owns: the look at CoreDNS as k3s brings it, and its judgement. A store whose k3s is told not to bring it has none.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.doctor.answered import UNRESOLVED
from edgectl.node.doctor.symptom import FINE, UNSEEN, WRONG, Symptom
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look
from edgectl.node.vision.workload import story
from edgectl.wire.payload import Node

_AT = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
_PODS = "/api/v1/namespaces/kube-system/pods"
_CONFIG = "/etc/rancher/k3s/config.yaml"
_DISABLED = re.compile(r"disable\"?:[^\n]*(?:\n\s*-[^\n]*)*\bcoredns\b")
_EXPLAINS = rf"{UNRESOLVED}|does not reach|a canary frame does not get through"
Json = dict[str, Any]


def symptoms(look: Look, node: Node) -> tuple[Symptom, ...]:
    """Ask for it where k3s brings it."""
    if any(file.path == _CONFIG and _DISABLED.search(file.text) for file in node.k3s.files):
        return ()
    try:
        live = look.api.get(_AT)
        seen = judged(live)
        if not seen.wrong or live is None:
            return (seen,)
        pods = (look.api.get(f"{_PODS}?{urlencode({'labelSelector': 'k8s-app=kube-dns'})}") or {}).get("items", [])
        return (replace(seen, evidence=(*seen.evidence, *story(pods)[:2])),)
    except LookFailed as failure:
        return (Symptom("dns", UNSEEN, says=failure.reason, stops=False),)
    except Denied as answer:
        return (Symptom("dns", UNSEEN, says=f"the API refuses to tell: {answer.message}", stops=False),)


def judged(live: Json | None) -> Symptom:
    """Judge its Deployment; None where there is none. Pure."""
    if live is None:
        return _down("there is no Deployment kube-system/coredns", own=True)
    want, ready = live.get("spec", {}).get("replicas", 1), live.get("status", {}).get("readyReplicas") or 0
    if want == 0:
        return _down("its Deployment was scaled to 0 (spec.replicas is 0)", own=True)
    if ready < 1:
        return _down(f"0 of {want} pods of kube-system/coredns are ready", own=False)
    return Symptom("dns", FINE, says=f"{ready} of {want} ready")


def _down(said: str, *, own: bool) -> Symptom:
    evidence = (f"deployment kube-system/coredns: {said}",)
    return Symptom(
        "dns",
        WRONG,
        "E-DNS-01",
        said,
        evidence,
        stops=False,
        own=own,
        reaches=True,
        covers=frozenset(),  # it explains those who say so, and nobody else
        explains=_EXPLAINS,
    )
