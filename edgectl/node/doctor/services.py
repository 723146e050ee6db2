"""What the look at the chain says, as symptoms: one a link. Pure.

Owns: the part and code of each link, and which workload stands behind a service. Who is broken is the chain's word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from edgectl.node.doctor.answered import answered
from edgectl.node.doctor.symptom import FINE, UNSEEN, WRONG, Symptom
from edgectl.wire.chain import DEGRADED, MODEL, READY, Chain
from edgectl.wire.chainlook import MISSING, NOT_ASKED, SILENT, ChainLook, Link
from edgectl.wire.payload import Release

_PARTS = {"gpu": "gpu", "model": "models"}
_STACK = ("inference", "camera", "bus", "uplink", "sink", "drift")
_OURS = frozenset({"gpu", "model", "inference", "camera", "bus", "uplink", "drift"})
_CODES = {
    "gpu": "E-GPU-08",
    "model": "E-MOD-02",
    "inference": "E-INF-01",
    "camera": "E-CAM-01",
    "bus": "E-BUS-01",
    "uplink": "E-UPL-01",
    "sink": "E-SNK-01",
    "drift": "E-DRF-01",
}
_SAYS = (
    ("sink", r"certificate|TLS|x509", "E-SNK-02"),
    ("uplink", r"full|no room|room for 0|space", "E-UPL-02"),
    ("inference", r"ms|slow", "E-INF-02"),
)
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
Json = dict[str, Any]


def symptoms(look: ChainLook) -> Iterator[Symptom]:
    """Yield what is to be said of each link; a reason that is doubted yet is believed: a person waits for it."""
    for link in look.links:
        yield _link(link)


def part_of(link: str) -> str:
    """Return the part that a link is."""
    if link.startswith("camera:"):
        return f"camera {link.partition(':')[2]}"
    return _PARTS.get(link, link if link in _STACK else f"dependency {link}")


def _link(link: Link) -> Symptom:
    part, name = part_of(link.name), link.name.partition(":")[0]
    if link.word == READY:
        return Symptom(part, FINE, says=link.reason)
    if link.word == NOT_ASKED:
        return Symptom(part, UNSEEN, says=link.reason, stops=False)
    code = "E-CAM-02" if ":" in link.name else _CODES.get(link.name, "E-DEP-01")
    code = next((of for at, words, of in _SAYS if at == name and re.search(words, link.reason)), code)
    since = f" (since {link.when})" if link.when else ""
    how = {MISSING: "its service or pod is missing", SILENT: "it does not answer"}.get(link.how, "")
    said = link.reason or how or link.word
    if " " in part and not said.startswith(part.partition(" ")[2]):  # one of several: which
        said = f"{part.partition(' ')[2]}: {said}"
    evidence = (f"asked {link.name}: {link.word}, {link.reason or how}{since}",)
    stops = link.required and link.word != DEGRADED
    own = (link.kind == MODEL and link.name == "model") or answered(said, far=name not in _OURS)
    return Symptom(part, WRONG, code, said, evidence, stops=stops, own=own)


def behind(chain: Chain, releases: Iterable[Release]) -> Mapping[str, frozenset[str]]:
    """Return part -> the pods behind it: those that its Service chooses by their labels."""
    objects = [item for release in releases for item in release.manifests]
    services = {str(item["metadata"]["name"]): item for item in objects if item.get("kind") == "Service"}
    found: dict[str, frozenset[str]] = {}
    for link, endpoint in chain.services.items():
        if (service := services.get(endpoint.service)) is not None:
            found[part_of(link)] = frozenset(f"pods {name}" for name in chosen(service, objects))
    if "sink" not in found and "sink" in services:  # a sink of the store's own, beside the chain's services
        found["sink"] = frozenset(f"pods {name}" for name in chosen(services["sink"], objects))
    return found


def rests(chain: Chain, releases: Iterable[Release]) -> dict[str, frozenset[str]]:
    """Return part -> what it rests on by the store's own words: pods behind it, and what a dependency comes after."""
    after = {part_of(one.name): frozenset({part_of(one.after)}) for one in chain.dependencies if one.after}
    return {**after, **behind(chain, releases)}


def chosen(service: Json, objects: Iterable[Json]) -> Iterator[str]:
    """Yield the names of workloads whose pods a Service chooses."""
    wanted = (service.get("spec") or {}).get("selector") or {}
    for item in objects:
        if item.get("kind") in _WORKLOADS and wanted:
            labels = ((item.get("spec") or {}).get("template") or {}).get("metadata", {}).get("labels") or {}
            if wanted.items() <= labels.items():
                yield str(item["metadata"]["name"])
