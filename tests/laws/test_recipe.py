"""The one order: every need is earlier, and nothing that needs the GPU comes before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from edgectl.node import recipe as real
from edgectl.node.converge.protocol import Gate, Step
from edgectl.sandbox.light import short_recipe
from edgectl.wire.chain import Chain, Endpoint
from edgectl.wire.envelope import Envelope, Sender
from edgectl.wire.host import ENABLED, Os, Package, Packages, Service, TimeSync
from edgectl.wire.payload import (
    Gpu,
    Guard,
    Helm,
    Host,
    Image,
    Inference,
    K3s,
    ManagedFile,
    ManagedFolder,
    Model,
    Models,
    Node,
    Payload,
    Release,
    StoreSecret,
)
from edgectl.wire.trust import Trust
from tests.laws.fake_store import mutant

BLOB = "sha256:" + "0" * 64
FILES = (ManagedFile("/etc/rancher/k3s/config.yaml", "a: 1\n"),)


def release(name: str, namespace: str, *needs: str) -> Release:
    """Return a release with one Deployment."""
    return Release(name, namespace, BLOB, {}, BLOB, ({"kind": "Deployment", "metadata": {"name": name}},), needs)


RELEASES = (
    release("vision-stack", "vision", "gpu"),  # first in the inventory: the order is ours all the same
    release("nvidia-device-plugin", "gpu-system"),
    release("bus", "vision"),
)


def payload(*, gpu: bool = True, releases: tuple[Release, ...] = RELEASES, inference: bool = True) -> Payload:
    """Return a store with or without GPUs."""
    node = Node(
        name="node-1",
        role="server",
        address="10.77.0.11",
        host=Host(1, FILES, {"vm.swappiness": "1"}),
        k3s=K3s("v1.36.3+k3s1", BLOB, "k3s.service", FILES, (Image(BLOB, ("a:1",)),)),
        helm=Helm("v4.3.1", BLOB),
        gpu=Gpu("nvidia.com/gpu", 1, 1) if gpu else None,
    )
    asked = Inference("vision", "inference", 8000, "tiny", {}, (0.5,)) if inference else None
    guard = Guard(("nvidia.com/gpu",), ("nvidia",), ("gpu-system",)) if gpu else None
    return Payload("store-042", "Berlin", (node,), releases, {BLOB: 1}, asked, guard=guard)


READS = {"kind": "Pod", "spec": {"volumes": [{"hostPath": {"path": "/var/lib/edgectl/models"}}]}}
READER = Release("reader", "vision", BLOB, {}, BLOB, (READS,))
KEEPS = {"kind": "Pod", "spec": {"volumes": [{"hostPath": {"path": "/srv/queue"}}]}}
KEEPER = Release("keeper", "vision", BLOB, {}, BLOB, (KEEPS,))
SECRET = StoreSecret("app", ("vision",), {"PASSWORD": "1"})


def keeping(desired: Payload) -> Payload:
    """Return a store with a folder of its node that a release keeps something in."""
    (node,) = desired.nodes
    host = replace(node.host, folders=(ManagedFolder("/srv/queue", 65532),))
    return replace(desired, nodes=(replace(node, host=host),), releases=(*RELEASES, KEEPER))


def installing(desired: Payload) -> Payload:
    """Return a store with packages of the system and of its GPUs."""
    (node,) = desired.nodes
    packages = Packages((Package("chrony", "1"),), (Package("nvidia-driver", "1", hold=True),))
    return replace(desired, nodes=(replace(node, host=replace(node.host, os=Os(packages))),))


def with_system(desired: Payload) -> Payload:
    """Return a store whose node says something of its system."""
    (node,) = desired.nodes
    return replace(desired, nodes=(replace(node, host=replace(node.host, os=Os(modules=("br_netfilter",)))),))


def order(module: Any, desired: Payload) -> tuple[Gate[Any], ...]:
    """Return the recipe's steps."""
    steps: tuple[Gate[Any], ...] = module.recipe(desired, desired.nodes[0])
    return steps


def knowing(desired: Payload) -> Payload:
    """Return a store with declared facts of its nodes' systems."""
    (node,) = desired.nodes
    facts = Os(
        modules=("br_netfilter",), services=(Service("chrony.service", ENABLED, (FILES[0].path,)),), time=TimeSync()
    )
    return replace(desired, nodes=(replace(node, host=replace(node.host, os=facts)),))


PAYLOADS = {
    "whole": payload(),
    "without GPUs": payload(gpu=False, releases=RELEASES[1:]),
    "nothing on it": payload(gpu=False, releases=(), inference=False),
    "with trust": replace(payload(), trust=Trust(1, 1, ())),
    "with models": replace(payload(), releases=(*RELEASES, READER), models=Models((Model("detector", "1", {}),))),
    "with a chain": replace(payload(), chain=Chain("vision", {"camera": Endpoint("camera", 9100)})),
    "with folders": keeping(payload()),
    "with packages": installing(payload()),
    "with facts of the system": knowing(payload()),
    "with a system": with_system(payload()),
    "with secrets and facts": replace(payload(), secrets=(SECRET,), facts={"name": "store-042"}),
}


def needs_are_earlier(module: Any) -> None:
    """Every id in `needs` is one that was judged before."""
    for desired in PAYLOADS.values():
        known: set[str] = set()
        for step in order(module, desired):
            assert set(step.needs) <= known, f"{step.id} needs {set(step.needs) - known}, which comes later or never"
            known.add(step.id)


def ids_are_unique(module: Any) -> None:
    """Name each step once: journals, needs and reports go by ids."""
    for desired in PAYLOADS.values():
        ids = [step.id for step in order(module, desired)]
        assert len(ids) == len(set(ids))


def after_the_gpu(module: Any) -> None:
    """Put a release that needs the GPU, and its pods, after the proof, and let it name it."""
    steps = {step.id: (index, step) for index, step in enumerate(order(module, PAYLOADS["whole"]))}
    gpu = steps["gpu"][0]
    assert steps["release-nvidia-device-plugin"][0] < gpu
    assert steps["release-vision-stack"][0] > gpu
    assert steps["workload-vision-stack"][0] > gpu
    assert "gpu" in steps["release-vision-stack"][1].needs


def a_dead_gpu_holds_up_only_vision(module: Any) -> None:
    """Whatever does not need the GPU, directly or through others, goes on without it."""
    held = {"gpu"}
    for step in order(module, PAYLOADS["whole"]):
        if held & set(step.needs):
            held.add(step.id)
    assert held == {"gpu", "release-vision-stack", "workload-vision-stack", "inference", "retired"}


def the_guard_comes_first(module: Any) -> None:
    """Let no release in before the guard is there; what needs the GPU waits until it holds, the others do not."""
    desired = PAYLOADS["whole"]
    steps = {step.id: step for step in order(module, desired)}
    ids = list(steps)
    first = next(index for index, name in enumerate(ids) if name.startswith("release-"))
    assert ids.index("gpu-guard") < ids.index("gpu-guard-holds") < first
    assert {name for name, step in steps.items() if "gpu-guard-holds" in step.needs} == {"release-vision-stack"}
    assert {"gpu-guard", "gpu-guard-holds"} <= module.base_of(desired, desired.nodes[0])
    assert not {"gpu-guard", "gpu-guard-holds"} & {step.id for step in order(module, PAYLOADS["without GPUs"])}


def trust_comes_first(module: Any) -> None:
    """Tell a node of keys before anything can fail; it is the base's, so bad apps do not take it back."""
    desired = PAYLOADS["with trust"]
    steps = {step.id: step for step in order(module, desired)}
    ids = list(steps)
    assert "trust" in ids
    assert ids.index("trust") < ids.index("blobs")
    assert steps["trust"].needs == ()
    assert "trust" in module.base_of(desired, desired.nodes[0])


def the_dead_go_before_inference_is_asked(module: Any) -> None:
    """Pods that a reboot left dead are taken away before their workload is judged."""
    ids = [step.id for step in order(module, PAYLOADS["whole"])]
    assert ids.index("dead-pods") < ids.index("workload-vision-stack")


def removals_come_last(module: Any) -> None:
    """Retire what is declared no more when what replaces it runs; behind that only the chain is looked at."""
    for desired in PAYLOADS.values():
        ids = [step.id for step in order(module, desired) if step.id != "chain"]
        assert ids[-1] == "retired"


def the_chain_is_looked_at_last(module: Any) -> None:
    """Look at the whole when each part has been; the lead alone does, and it is no part of the base."""
    desired = PAYLOADS["with a chain"]
    steps = order(module, desired)
    assert steps[-1].id == "chain"
    assert not isinstance(steps[-1], Step)
    assert {"k3s-serves", "workload-vision-stack", "inference"} <= set(steps[-1].needs)
    assert "chain" not in module.base_of(desired, desired.nodes[0])
    assert "chain" not in {step.id for step in order(module, PAYLOADS["whole"])}
    agent = replace(desired.nodes[0], name="node-2", role="agent", helm=None)
    pair = replace(desired, nodes=(desired.nodes[0], agent))
    assert "chain" not in {step.id for step in module.recipe(pair, agent)}
    settles = [module.recipe(desired, desired.nodes[0], runs=runs)[-1].settles for runs in (True, False)]
    assert settles == [True, False], "a boot's services find each other; a look takes no time"


def what_failed_goes_before_what_returns(module: Any) -> None:
    """Take away what a failed candidate has added before what is put back needs its room and its GPUs."""
    desired = PAYLOADS["whole"]
    ids = [step.id for step in module.recipe(desired, desired.nodes[0], returning=True)]
    assert ids.index("retired") < ids.index("release-nvidia-device-plugin")
    assert ids.count("retired") == 1


def only_the_lead_does_what_is_the_clusters(module: Any) -> None:
    """Let an agent do its host, k3s and GPUs; the lead waits for its neighbours, and holds nothing up for them."""
    single = PAYLOADS["whole"]
    lead = single.nodes[0]
    agent = replace(lead, name="node-2", role="agent", helm=None)
    pair = replace(single, nodes=(agent, lead))
    ids = [step.id for step in module.recipe(pair, agent)]
    assert ids[-2:] == ["gpu", "gpu-marker"]
    assert not [
        name for name in ids if name.startswith(("release", "workload", "dead", "inference", "retired", "helm"))
    ]
    assert ids.index("server-first") < ids.index("k3s-binary")
    alone, led = ([step.id for step in module.recipe(desired, lead)] for desired in (single, pair))
    neighbours = [name for name in led if name.endswith("-node-2")]
    assert [name for name in led if name not in {*neighbours, "cluster-dns"}] == alone
    assert "cluster-dns" in led
    assert "cluster-dns" not in {*alone, *ids}
    assert neighbours == ["turn-node-2", "stock-node-2", "node-node-2"]
    assert led.index("stock-node-2") < led.index("release-nvidia-device-plugin")
    assert not [step.id for step in module.recipe(pair, lead) if set(step.needs) & set(neighbours)]
    assert "node-node-2" in module.base_of(pair, lead)


def a_marker_is_withdrawn_after_the_wait(module: Any) -> None:
    """Give a restarting plugin its time before the marker goes, and let it go before pods wait for it."""
    ids = [step.id for step in order(module, PAYLOADS["whole"])]
    assert ids.index("gpu") < ids.index("gpu-marker") < ids.index("release-vision-stack")


def what_is_mounted_comes_before_its_pods(module: Any) -> None:
    """Keep secrets before the releases of their namespaces, which alone they hold up; without any there is no step."""
    desired = PAYLOADS["with secrets and facts"]
    steps = {step.id: step for step in order(module, desired)}
    ids = list(steps)
    assert max(ids.index("facts"), ids.index("secrets")) < ids.index("release-nvidia-device-plugin")
    held = {name for name, step in steps.items() if "secrets" in step.needs}
    assert held == {"release-bus", "release-vision-stack"}
    assert {name for name, step in steps.items() if "facts" in step.needs} == {*held, "release-nvidia-device-plugin"}
    assert not {"secrets", "facts"} & {step.id for step in order(module, PAYLOADS["whole"])}
    assert not {"secrets", "facts"} & module.base_of(desired, desired.nodes[0])
    agent = replace(desired.nodes[0], name="node-2", role="agent", helm=None)
    pair = replace(desired, nodes=(agent, desired.nodes[0]))
    assert not {"secrets", "facts"} & {step.id for step in module.recipe(pair, agent)}


def models_come_before_what_reads_them(module: Any) -> None:
    """Bring models to every node, and let only releases that read them wait; without any there is no step."""
    desired = PAYLOADS["with models"]
    steps = {step.id: step for step in order(module, desired)}
    ids = list(steps)
    assert ids.index("models") < ids.index("release-nvidia-device-plugin")
    assert {name for name, step in steps.items() if "models" in step.needs} == {"release-reader"}
    assert "models" not in module.base_of(desired, desired.nodes[0])
    assert "models" not in {step.id for step in order(module, PAYLOADS["whole"])}
    agent = replace(desired.nodes[0], name="node-2", role="agent", helm=None)
    pair = replace(desired, nodes=(agent, desired.nodes[0]))
    assert "models" in {step.id for step in module.recipe(pair, agent)}


def the_system_is_as_declared_before_k3s(module: Any) -> None:
    """Load modules before settings that they bring, tell units of new files, and hold nothing up but what reads them.

    A heal does not wait for the time. Units are looked at where none is declared: some may be ours to put back.
    """
    desired = PAYLOADS["with facts of the system"]
    steps = {step.id: step for step in order(module, desired)}
    ids = list(steps)
    wanted = ["host-files", "modules", "sysctls", "services", "time"]
    assert [name for name in ids if name in wanted] == wanted
    assert ids.index("time") < ids.index("k3s-binary")
    assert {name for name, step in steps.items() if set(wanted[1:]) & set(step.needs)} == set()
    files: Any = steps["host-files"]
    assert files.readers == {FILES[0].path: ("chrony.service",)}
    assert set(wanted) <= module.base_of(desired, desired.nodes[0])
    offer = Envelope("store-042", "node-1", BLOB, BLOB, "", 1, "", Sender("ada", "laptop"))
    waits = [module.recipe(desired, desired.nodes[0], tried=tried) for tried in (None, offer)]
    assert [step.wait.limit_seconds for one in waits for step in one if step.id == "time"] == [0, 30]
    plain = {step.id for step in order(module, PAYLOADS["whole"])}
    assert {"modules", "services", "time"} & plain == {"services"}


def folders_come_before_what_keeps_something_there(module: Any) -> None:
    """Give folders to pods' users before their release, and let only that one wait; they are apps, and no base."""
    desired = PAYLOADS["with folders"]
    steps = {step.id: step for step in order(module, desired)}
    ids = list(steps)
    assert ids.index("host-folders") < ids.index("release-nvidia-device-plugin")
    assert {name for name, step in steps.items() if "host-folders" in step.needs} == {"release-keeper"}
    assert "host-folders" not in module.base_of(desired, desired.nodes[0])
    assert "host-folders" not in {step.id for step in order(module, PAYLOADS["whole"])}


def packages_come_before_what_uses_them(module: Any) -> None:
    """Install before files, services and k3s, on every node; hold up nothing that runs already where apt is broken."""
    desired = PAYLOADS["with packages"]
    steps = {step.id: step for step in order(module, desired)}
    ids = list(steps)
    assert ids.index("blobs") < ids.index("packages") < ids.index("host-files")
    assert ids.index("sysctls") < ids.index("gpu-packages") < ids.index("k3s-binary")
    assert {name for name, step in steps.items() if {"packages", "gpu-packages"} & set(step.needs)} == {"gpu-packages"}
    assert {"packages", "gpu-packages"} <= module.base_of(desired, desired.nodes[0])
    agent = replace(desired.nodes[0], name="node-2", role="agent", helm=None)
    pair = replace(desired, nodes=(agent, desired.nodes[0]))
    assert {"packages", "gpu-packages"} <= {step.id for step in module.recipe(pair, agent)}
    bare = {step.id for step in order(module, PAYLOADS["whole"])}
    assert ("packages" in bare, "gpu-packages" in bare) == (True, False), "what is declared no more goes"


def what_a_person_permits_is_permitted_for_that_deploy(module: Any) -> None:
    """Let a driver be replaced, and a stranger's package go, as the deploy at hand says; going back keeps no hours."""
    desired = PAYLOADS["with packages"]
    offer = Envelope("store-042", "node-1", BLOB, BLOB, "", 1, "", Sender("ada", "laptop"))

    def permits(**how: Any) -> tuple[bool, bool, bool]:
        steps = {step.id: step for step in module.recipe(desired, desired.nodes[0], **how)}
        gpu = steps["gpu-packages"]
        return gpu.may_reboot, gpu.take_over, steps["packages"].take_over

    assert permits() == permits(tried=offer) == (False, False, False)
    assert permits(tried=replace(offer, may_reboot=True)) == (True, False, False)
    assert permits(tried=replace(offer, take_over=True)) == (False, True, True)
    assert permits(returning=True) == (True, False, False)


def a_restart_comes_before_k3s(module: Any) -> None:
    """Restart the machine, where anything of its system is declared, before k3s is started; nothing waits for it."""
    desired = PAYLOADS["with a system"]
    steps = {step.id: step for step in order(module, desired)}
    ids = list(steps)
    assert ids.index("sysctls") < ids.index("reboot") < ids.index("k3s-binary")
    assert not [step.id for step in steps.values() if "reboot" in step.needs]
    assert "reboot" in module.base_of(desired, desired.nodes[0])
    assert "reboot" not in {step.id for step in order(module, PAYLOADS["whole"])}
    agent = replace(desired.nodes[0], name="node-2", role="agent", helm=None)
    assert "reboot" in {step.id for step in module.recipe(replace(desired, nodes=(desired.nodes[0], agent)), agent)}


LAWS: tuple[Callable[[Any], None], ...] = (
    needs_are_earlier,
    ids_are_unique,
    after_the_gpu,
    the_guard_comes_first,
    a_dead_gpu_holds_up_only_vision,
    the_dead_go_before_inference_is_asked,
    trust_comes_first,
    removals_come_last,
    the_chain_is_looked_at_last,
    what_failed_goes_before_what_returns,
    what_is_mounted_comes_before_its_pods,
    models_come_before_what_reads_them,
    folders_come_before_what_keeps_something_there,
    packages_come_before_what_uses_them,
    what_a_person_permits_is_permitted_for_that_deploy,
    a_restart_comes_before_k3s,
    only_the_lead_does_what_is_the_clusters,
    a_marker_is_withdrawn_after_the_wait,
    the_system_is_as_declared_before_k3s,
)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law: Callable[[Any], None]) -> None:
    """The recipe of stores keeps it."""
    law(real)


@pytest.mark.parametrize(
    ("law", "old", "new"),
    [
        (
            needs_are_earlier,
            '*_mounts(payload, node, release), *guarded, "gpu")',
            '*_mounts(payload, node, release), *guarded, "gpus")',
        ),
        (ids_are_unique, "if release not in needs_gpu:", "if True:"),
        (the_guard_comes_first, "release), *guarded, ", "release), "),
        (the_guard_comes_first, "    if payload.guard is not None:", "    if False:"),
        (after_the_gpu, 'if "gpu" in release.needs]', 'if "gpus" in release.needs]'),
        (
            a_dead_gpu_holds_up_only_vision,
            'steps.append(Dead(tuple(release.namespace for release in payload.releases), needs=("k3s-serves",)))',
            'steps.append(Dead((), needs=("gpu",)))',
        ),
        (
            the_dead_go_before_inference_is_asked,
            "steps.append(Dead(",
            "steps.insert(99, Retired((), needs=()))\n    (lambda _: None)(Dead(",
        ),
        (
            removals_come_last,
            "    if not returning:\n        steps.append(",
            "    if not returning:\n        steps.insert(3, ",
        ),
        (what_is_mounted_comes_before_its_pods, "if release.namespace in given else ()", "if given else ()"),
        (what_is_mounted_comes_before_its_pods, "inference=None, secrets=(), facts={}", "inference=None"),
        (
            trust_comes_first,
            "        *((Trusted(payload.trust),) if payload.trust else ()),\n        Blobs(",
            "        Blobs(",
        ),
        (models_come_before_what_reads_them, "facts={}, models=None", "facts={}"),
        (
            models_come_before_what_reads_them,
            "payload.models and _names(release, f'\"{Places().models}')",
            "payload.models",
        ),
        (folders_come_before_what_keeps_something_there, "host=replace(node.host, folders=())", "host=node.host"),
        (folders_come_before_what_keeps_something_there, "if any(_names(release, ", "if any(bool("),
        (packages_come_before_what_uses_them, "    if not declared.packages.gpu:\n", "    if True:\n"),
        (what_a_person_permits_is_permitted_for_that_deploy, "may_reboot=insists or returning", "may_reboot=insists"),
        (
            what_a_person_permits_is_permitted_for_that_deploy,
            "insists, takes = tried is not None and tried.may_reboot",
            "insists, takes = True",
        ),
        (a_restart_comes_before_k3s, " if host.os else ()),", " if host.os and leads else ()),"),
        (what_failed_goes_before_what_returns, "    if returning:\n", "    if False:\n"),
        (only_the_lead_does_what_is_the_clusters, "leads = node.name == payload.lead.name", "leads = True"),
        (only_the_lead_does_what_is_the_clusters, "(Turn(other, tried), Stocked(", "(Stocked(other, tried), Stocked("),
        (only_the_lead_does_what_is_the_clusters, "    steps += [Joined(other, tried) for other in neighbours]\n", ""),
        (
            a_marker_is_withdrawn_after_the_wait,
            "Proven(node.gpu, node.name), Withdrawn(node.gpu, node.name)",
            "Withdrawn(node.gpu, node.name), Proven(node.gpu, node.name)",
        ),
        (the_system_is_as_declared_before_k3s, "waits=tried is not None", "waits=True"),
        (the_system_is_as_declared_before_k3s, ", readers=readers_of(of_system.services)", ""),
        (
            the_system_is_as_declared_before_k3s,
            "        Services(of_system.services),\n",
            "        *((Services(of_system.services),) if of_system.services else ()),\n",
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_law_bites(law: Callable[[Any], None], old: str, new: str) -> None:
    """Seeded fault: a recipe in another order, or with another need, is found."""
    faulty = mutant(real, (old, new))
    with pytest.raises((AssertionError, ValueError)):
        law(faulty)


@pytest.mark.parametrize("name", PAYLOADS)
def test_every_step_speaks_the_protocol(name: str) -> None:
    """Each has id, title, wait and probe; only what has an apply is a step; a title is for people."""
    for step in order(real, PAYLOADS[name]):
        assert isinstance(step, Gate)
        assert isinstance(step, Step) == hasattr(step, "apply")
        assert step.title
        assert step.wait.limit_seconds >= 0
        assert step.wait.every_seconds > 0


def test_a_light_store_runs_what_needs_the_machine_alone() -> None:
    """Law: what is cut for the sandbox's light stores leaves no need open, and no step that asks the cluster."""
    whole = order(real, PAYLOADS["whole"])
    found = short_recipe.kept(whole)
    ids = [step.id for step in found]
    assert {"host", "units", "blobs", "host-files", "users"} <= set(ids)
    assert [need for step in found for need in step.needs if need not in ids] == []
    cluster = [step.id for step in whole if "k3s-serves" in step.needs or step.id.startswith(("k3s", "gpu", "image"))]
    assert cluster
    assert not set(cluster) & set(ids)
