"""The one order in which a node becomes what it should be. All of it, on one screen.

A gate holds up only what names it in `needs`. Removals come last; behind them the gate that looks at
all of it together, the chain.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from edgectl.node.backup.gate import BackedUp
from edgectl.node.charts.release import Release
from edgectl.node.charts.retired import Retired
from edgectl.node.converge.protocol import Gate
from edgectl.node.gpu.driver import driver_of
from edgectl.node.gpu.proven import Proven, Withdrawn
from edgectl.node.guard.step import GuardHolds, GuardPolicy
from edgectl.node.host.blobs import Blobs
from edgectl.node.host.files import Files, Sysctls
from edgectl.node.host.folders import Folders
from edgectl.node.host.machine import TheMachine
from edgectl.node.host.modules import Modules
from edgectl.node.host.packages.step import GpuPackages, SystemPackages
from edgectl.node.host.preflight import Preflight
from edgectl.node.host.readers import readers_of
from edgectl.node.host.services import Services
from edgectl.node.host.timesync import Synchronised
from edgectl.node.host.users.step import Users
from edgectl.node.io.places import Places
from edgectl.node.k3s.binary import Binary
from edgectl.node.k3s.certificates import Certificates
from edgectl.node.k3s.dns import NamesStay
from edgectl.node.k3s.images import Archives, Loaded
from edgectl.node.k3s.joined import Joined
from edgectl.node.k3s.raised import K3sBinary
from edgectl.node.k3s.serverfirst import ServerFirst
from edgectl.node.k3s.serves import Serves
from edgectl.node.k3s.service import Service
from edgectl.node.k3s.stocked import Announced, Stocked
from edgectl.node.k3s.turn import Turn
from edgectl.node.k3s.unpacked import Unpacked
from edgectl.node.models.step import Registered
from edgectl.node.reboot.step import Reboot, Restarts
from edgectl.node.secrets.kept import Facts, Secrets
from edgectl.node.trust.step import Trusted
from edgectl.node.units.install import Units
from edgectl.node.vision.chain.declared import of as chain_of
from edgectl.node.vision.chain.gate import Delivers
from edgectl.node.vision.dead import Dead
from edgectl.node.vision.inference import Answers
from edgectl.node.vision.workload import PLURAL, Place, Workload
from edgectl.wire.envelope import Envelope
from edgectl.wire.host import Os
from edgectl.wire.payload import Node, Payload
from edgectl.wire.payload import Release as Declared

REGISTRIES = "/etc/rancher/k3s/registries.yaml"  # read by k3s at start when it is there


def recipe(
    payload: Payload,
    node: Node,
    *,
    tried: Envelope | None = None,
    returning: bool = False,
    planned: bool = False,
    runs: bool = False,
    restarts: Restarts | None = None,
) -> tuple[Gate[Any], ...]:
    """Return every step and gate of one node, in order; what concerns the cluster is the lead's alone.

    `tried`: the deploy that this is tried for. `returning`: it is put back after another one has failed; what that one
    has added must go before what is put back needs the room and the GPUs. `planned`: it is looked at before its deploy,
    which sends the values of secrets. `runs`: it is brought about, and not only looked at; then `restarts` restarts the
    machine, where that is declared.
    """
    k3s, host, of_system = node.k3s, node.host, node.host.os or Os()
    leads = node.name == payload.lead.name
    programs = ("kubectl", "crictl", "ctr")
    follows: tuple[str, ...] = () if leads else (ServerFirst.id,)
    steps: list[Gate[Any]] = [
        Preflight(host.free_bytes, must=tried is not None),
        *((TheMachine(host.os.machine),) if host.os and host.os.machine else ()),
        Units(),
        *((Trusted(payload.trust),) if payload.trust else ()),
        Blobs(payload.blobs_of(node)),
        SystemPackages(of_system.packages, take_over=tried is not None and tried.take_over),
        Files("host-files", "host files", host.files, needs=("host",), readers=readers_of(of_system.services)),
        *((Modules(of_system.modules),) if of_system.modules else ()),
        Sysctls(host.sysctls, needs=("host-files",)),
        Users(of_system.users),
        Services(of_system.services),
        *((Synchronised(of_system.time, waits=tried is not None),) if of_system.time else ()),
        *_gpu_packages(of_system, tried=tried, returning=returning),
        *((Reboot(host.os, may=tried is not None and tried.may_reboot, restarts=restarts),) if host.os else ()),
        *((Folders(host.folders),) if host.folders else ()),
        *(() if leads else (ServerFirst(node.name, k3s.version),)),
        K3sBinary("k3s-binary", "k3s binary", "k3s", k3s.version, k3s.binary, names=programs, needs=follows),
        Files("k3s-files", "k3s files", k3s.files, needs=("host",), absent=(REGISTRIES,)),
        Archives(k3s.images),
        Unpacked(k3s.images, k3s.unit),
        Service(k3s),
        Certificates(k3s.unit, of_system.reboots, may=tried is not None and tried.may_reboot),
        Serves(node.name, k3s.version),
        Loaded(k3s.images),
        *(() if leads else (Announced(node),)),
    ]
    if payload.models is not None:
        steps.append(Registered(payload.models, payload.blobs, tried=tried is not None))
    if node.helm is not None:
        steps.append(Binary("helm-binary", "helm", "helm", node.helm.version, node.helm.binary))
    gpus: list[Gate[Any]] = []
    if node.gpu is not None:
        gpus += [driver_of(node, node.gpu), Proven(node.gpu, node.name), Withdrawn(node.gpu, node.name)]
    if not leads:
        return (*steps, *gpus)
    mounted = _mounted(payload, planned=planned)
    cluster = _cluster(payload, node, gpus, mounted, tried=tried, returning=returning)
    kept = (BackedUp(payload.backup),) if payload.backup else ()
    return (*steps, *cluster, *kept, *_chain(payload, node, cluster, settles=runs))


def _gpu_packages(declared: Os, *, tried: Envelope | None, returning: bool) -> tuple[Gate[Any], ...]:
    """Return the step of the GPU's packages, where there are any; going back needs no other hours than going on."""
    if not declared.packages.gpu:
        return ()
    insists, takes = tried is not None and tried.may_reboot, tried is not None and tried.take_over
    return (GpuPackages(declared.packages, declared.reboots, may_reboot=insists or returning, take_over=takes),)


def _mounted(payload: Payload, *, planned: bool) -> list[Gate[Any]]:
    """Return what pods find to mount when they start: nothing where nothing is declared."""
    steps: list[Gate[Any]] = []
    if payload.facts:
        namespaces = tuple(release.namespace for release in payload.releases)
        steps.append(Facts(payload.facts, namespaces, needs=("k3s-serves",)))
    if payload.secrets:
        steps.append(Secrets(payload.secrets, needs=("k3s-serves",), planned=planned))
    return steps


def _cluster(
    payload: Payload,
    node: Node,
    gpus: list[Gate[Any]],
    mounted: list[Gate[Any]],
    *,
    tried: Envelope | None,
    returning: bool,
) -> list[Gate[Any]]:
    """Return what runs on the nodes, and what proves it; neighbours are asked, and hold nothing up for long."""
    neighbours = [other for other in payload.nodes if other.name != node.name]
    steps: list[Gate[Any]] = [step for other in neighbours for step in (Turn(other, tried), Stocked(other, tried))]
    if neighbours:
        steps.append(NamesStay(node.name, needs=("k3s-serves",)))
    if returning:
        steps.append(_retired(payload, needs=("k3s-serves",)))
    steps += mounted
    guarded: tuple[str, ...] = ()
    if payload.guard is not None:  # before any release: what it would let in without the gate starts without the proof
        steps += [GuardPolicy(payload.guard, needs=("k3s-serves",)), GuardHolds(payload.guard)]
        guarded = (GuardHolds.id,)
    cluster = ("k3s-serves", "images", "helm-binary")
    place = Place(node.name, tuple(other.name for other in neighbours))
    adopts = tried is None or tried.take_over  # what runs is put back over anything; new is tried beside others' only
    needs_gpu = [release for release in payload.releases if "gpu" in release.needs]
    for release in payload.releases:
        if release not in needs_gpu:
            steps += _release(release, place, adopts=adopts, needs=(*cluster, *_mounts(payload, node, release)))
    steps += gpus
    steps.append(Dead(tuple(release.namespace for release in payload.releases), needs=("k3s-serves",)))
    for release in needs_gpu:
        needs = (*cluster, *_mounts(payload, node, release), *guarded, "gpu")
        steps += _release(release, place, adopts=adopts, needs=needs)
    workloads = tuple(step.id for step in steps if isinstance(step, Workload))
    if payload.inference is not None:
        steps.append(Answers(payload.inference, needs=workloads))
    steps += [Joined(other, tried) for other in neighbours]
    if not returning:
        steps.append(_retired(payload, needs=("k3s-serves", *workloads)))
    return steps


def _chain(payload: Payload, node: Node, cluster: list[Gate[Any]], *, settles: bool) -> list[Gate[Any]]:
    """Return the gate of the whole chain, where there is one: what it stands on is judged before."""
    declared = chain_of(payload, node)
    needs = ("k3s-serves", *(step.id for step in cluster if isinstance(step, (Workload, Answers))))
    return [Delivers(declared, needs=needs, settles=settles)] if declared else []


def base_of(payload: Payload, node: Node) -> frozenset[str]:
    """Return the ids of what carries the apps: host, k3s, Helm, GPUs."""
    bare = replace(node, host=replace(node.host, folders=()))
    without = replace(payload, releases=(), inference=None, secrets=(), facts={}, models=None, chain=None, backup=None)
    steps = recipe(without, bare)
    return frozenset(step.id for step in steps if not isinstance(step, (Dead, Retired)))


def _retired(payload: Payload, *, needs: tuple[str, ...]) -> Retired:
    facts, guard = bool(payload.facts), payload.guard is not None
    return Retired(payload.releases, payload.secrets, facts=facts, guard=guard, needs=needs)


def _mounts(payload: Payload, node: Node, release: Declared) -> tuple[str, ...]:
    """Return what holds a release up: secrets in its namespaces, the facts, models and folders where it has them."""
    given = {namespace for secret in payload.secrets for namespace in secret.namespaces}
    facts = (Facts.id,) if payload.facts else ()
    secrets = (Secrets.id,) if release.namespace in given else ()
    models = (Registered.id,) if payload.models and _names(release, f'"{Places().models}') else ()
    folders = (Folders.id,) if any(_names(release, f'"{folder.path}"') for folder in node.host.folders) else ()
    return (*facts, *secrets, *models, *folders)


def _names(release: Declared, text: str) -> bool:
    return text in json.dumps(release.manifests)


def _release(release: Declared, place: Place, *, adopts: bool, needs: tuple[str, ...]) -> list[Gate[Any]]:
    """Return a release's step, and the gate of what it runs, if it runs anything."""
    steps: list[Gate[Any]] = [Release(release, needs=needs, adopts=adopts)]
    if any(manifest.get("kind") in PLURAL for manifest in release.manifests):
        steps.append(Workload(release, place, needs=(steps[0].id,)))
    return steps
