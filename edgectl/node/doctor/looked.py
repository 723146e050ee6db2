"""One look at everything that can be known on this node, and what it comes to. Changes nothing.

Owns: what is asked beside what, under which deadline, and that a part which could not be asked is named, not fine. It
works when k3s is down, the disk is full, the engine never ran, or nothing was ever deployed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from edgectl.node.converge.loop import Clock, plan
from edgectl.node.converge.protocol import Gate, LookFailed
from edgectl.node.desired import deployed
from edgectl.node.doctor import cards, cordon, dns, ground, pods, scaled, services, standing, steps, surveyed
from edgectl.node.doctor.causes import diagnose
from edgectl.node.doctor.k3sdeep import deepened
from edgectl.node.doctor.parts import Graph
from edgectl.node.doctor.symptom import UNSEEN, WRONG, Symptom
from edgectl.node.gpu.looked import looked as gpus_looked
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.recipe import recipe
from edgectl.node.rest import rest
from edgectl.node.survey import looked as survey
from edgectl.node.vision.chain import looked as chains
from edgectl.node.vision.chain.declared import of as chain_of
from edgectl.node.vision.chain.gate import Delivers
from edgectl.node.vision.inference import Answers
from edgectl.node.vision.workload import Workload
from edgectl.wire.diagnosis import Diagnosis
from edgectl.wire.errors import EdgectlError, NotReady
from edgectl.wire.payload import Node, Payload
from edgectl.wire.verdict import StepResult

LIMIT_SECONDS = 90.0
_SERVES = "k3s-serves"
Found = tuple[Symptom, ...]


@dataclass(frozen=True)
class Means:
    """How a look is made; a test has its own."""

    look: Callable[[], Look]
    limit_seconds: float = LIMIT_SECONDS
    monotonic: Callable[[], float] = time.monotonic


def looked(places: Places, means: Means | None = None) -> Diagnosis:
    """Look at this node, and say what is wrong with it."""
    means = means or Means(lambda: Look(places))
    began = means.monotonic()
    if (resting := rest(places)) and resting.removes:  # what is gone is no fault, and what is there will go
        said = f"{resting.sentence.removeprefix('being removed ')}; {resting.hint}"
        going = Symptom("deployed", WRONG, "E-RUN-07", said, (str(places.removing),), own=True)
        return diagnose("this node", [going], Graph(frozenset({going.part}), {}))
    below = ground.read(means.look())
    wanted, unread = _wanted(places)
    jobs: dict[str, Callable[[], Found]] = {
        "system": lambda: _surveyed(means.look(), is_deployed=wanted is not None),
        "units": lambda: tuple(standing.symptoms(means.look(), deployed=wanted is not None)),
    }
    more: dict[str, frozenset[str]] = {}
    plugin: dict[str, frozenset[str]] = {}
    if wanted is not None:
        payload, node = wanted
        rests, links = pods.rests(payload, node, str(places.models)), _links(payload, node)
        more, plugin = {**rests, **links}, {"gpu-plugin": rests["gpu-plugin"]}
        jobs["deployed"] = lambda: recipe_looked(means.look(), payload, node)
        if node.gpu is not None:
            gpu = node.gpu
            jobs["gpu"] = lambda: tuple(cards.symptoms(gpus_looked(means.look(), gpu, node.name)))
    came = beside(jobs, means.limit_seconds)
    found = [*ground.symptoms(below), *unread]
    for name in ("gpu", "deployed", "system", "units"):  # of one part, the first that speaks: who knows it best
        found += came.get(name, ())
    settled = standing.settled(means.look(), below.up_seconds)
    if (boots := ground.booting(below, settled=settled)) is not None:
        found.append(boots)
    found = list(standing.once(found))
    graph = Graph(frozenset(one.part for one in found), more)
    name = wanted[1].name if wanted else "this node"
    return replace(scaled.called(diagnose(name, found, graph), plugin), seconds=round(means.monotonic() - began, 1))


def beside(jobs: dict[str, Callable[[], Found]], limit_seconds: float) -> dict[str, Found]:
    """Do all at once; what hangs, on a driver or a disk, is not waited for beyond the limit, and is not known."""
    done: dict[str, Found] = {}

    def work(name: str, job: Callable[[], Found]) -> None:
        try:
            done[name] = job()
        except (EdgectlError, LookFailed, OSError, ValueError, LookupError, TypeError) as error:
            why = error.reason if isinstance(error, LookFailed) else f"{type(error).__name__}: {error}"
            done[name] = (Symptom(_PART_OF_JOB[name], UNSEEN, says=why),)

    threads = [threading.Thread(target=work, args=item, daemon=True) for item in jobs.items()]
    for thread in threads:
        thread.start()
    until = time.monotonic() + limit_seconds
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0.0))
    late = f"no answer in {limit_seconds:.0f} s: a program hangs, most often a disk's or a GPU's"
    return {name: done.get(name, (Symptom(_PART_OF_JOB[name], UNSEEN, says=late),)) for name in jobs}


_PART_OF_JOB = {"system": "system", "units": "units", "deployed": "deployed", "gpu": "gpu-driver"}


def _wanted(places: Places) -> tuple[tuple[Payload, Node] | None, Found]:
    """Return what this node should be, and what stands against knowing it."""
    try:
        return deployed(places), (Symptom("deployed"),)
    except NotReady as no:
        if "nothing has been deployed" in no.message:
            return None, ()  # the slots say it
        return None, (Symptom("deployed", WRONG, "E-RUN-05", no.message, (no.message,)),)
    except OSError as error:
        return None, (Symptom("deployed", WRONG, "E-RUN-05", str(error.strerror or error), (str(error),)),)


def _surveyed(look: Look, *, is_deployed: bool) -> Found:
    declared = survey.here(look.places)
    found = survey.looked(look, declared, asked=None, now=time.time())
    return tuple(surveyed.symptoms(found, deployed=is_deployed))


def recipe_looked(look: Look, payload: Payload, node: Node) -> Found:
    """Ask the recipe; then, where the cluster answers, each workload and the chain."""
    declared, spare = chain_of(payload, node), _spare(payload, node)
    asked = [
        _Alone(step)
        for step in recipe(payload, node)
        if not isinstance(step, (Workload, Delivers)) and not (declared is not None and isinstance(step, Answers))
    ]
    verdict = plan(asked, look, lambda *_: None, Clock(time.monotonic, time.sleep))
    found = steps.made_of_content(steps.symptoms(verdict.steps), payload.models)
    leads = node.name == payload.lead.name
    if not leads:
        return deepened(look, node.k3s.unit, found)
    serves = next((one for one in verdict.steps if one.id == _SERVES), None)
    if serves is not None and serves.status != "current":
        return (*deepened(look, node.k3s.unit, found), *_unasked(payload, node, serves))
    found += (*dns.symptoms(look, node), *cordon.symptoms(look, payload))
    found += tuple(pods.symptoms(look, payload, node, spare=spare))
    if declared is not None:
        found += _chain(look, declared)
    return scaled.placed(found, _links(payload, node))


class _Alone:
    """A step that is asked whatever stands below it: which is why, the causes say. Only a dead API is not asked."""

    def __init__(self, step: Gate[Any]) -> None:
        self.id, self.title, self.wait = step.id, step.title, step.wait
        self.needs = tuple(name for name in step.needs if name == _SERVES)
        self.probe = step.probe


def _chain(look: Look, declared: Any) -> Found:
    try:
        seen, _ = chains.looked(look, declared, chains.remembered(look))
    except LookFailed as failure:
        return (Symptom("inference", UNSEEN, says=failure.reason),)
    return tuple(services.symptoms(seen))


def _unasked(payload: Payload, node: Node, serves: StepResult) -> Iterator[Symptom]:
    """Yield what nobody could ask, since Kubernetes does not serve."""
    parts: list[str] = [pods.part_of(manifest) for _, manifest in pods.workloads(payload)]
    if payload.chain is not None:
        parts += [services.part_of(name) for name in payload.chain.services]
    if payload.inference is not None:
        parts.append("inference")
    del node
    for part in dict.fromkeys(parts):
        yield Symptom(part, UNSEEN, says=f"kubernetes: {serves.reason}", stops=False)


def _links(payload: Payload, node: Node) -> dict[str, frozenset[str]]:
    """Return what each link of the chain rests on: the pods behind its service."""
    del node
    if payload.chain is not None:
        return services.rests(payload.chain, payload.releases)
    if payload.inference is None:
        return {}
    wanted = payload.inference.service
    objects = [item for release in payload.releases for item in release.manifests]
    chosen: Iterable[str] = ()
    for item in objects:
        if item.get("kind") == "Service" and item["metadata"]["name"] == wanted:
            chosen = services.chosen(item, objects)
    return {"inference": frozenset(f"pods {name}" for name in chosen)}


def _spare(payload: Payload, node: Node) -> frozenset[str]:
    """Return the pods that the store sells without: those behind links that are not required."""
    if payload.chain is None:
        return frozenset()
    behind = _links(payload, node)
    required = {services.part_of(name) for name in payload.chain.required}
    must = {pod for part, chosen in behind.items() if part in required for pod in chosen}
    return frozenset(
        pod for part, chosen in behind.items() if part not in required for pod in chosen if pod not in must
    )
