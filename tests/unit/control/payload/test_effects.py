"""What two payloads tell of the way from one to the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgectl.control.inventory.changes import Change, changes
from edgectl.control.payload.compare import content
from edgectl.control.payload.effects import Effects, Pause, effects, k3s_pause, pauses
from edgectl.wire.k3s import starts_with
from edgectl.wire.payload import Gpu, Host, K3s, ManagedFile, Node, Payload, Release
from edgectl.wire.workload import pods_of


def node(name: str = "node-1", *, binary: str = "sha256:1", text: str = "a", motd: str = "b") -> Node:
    """Return a node; `text` is k3s's config, `motd` a file of the host."""
    return Node(
        name=name,
        role="server",
        address="10.0.0.1",
        host=Host(free_bytes=1, files=(ManagedFile("/etc/motd", motd),), sysctls={}),
        k3s=K3s("v1.36.3+k3s1", binary, "k3s.service", (ManagedFile("/etc/rancher/k3s/config.yaml", text),), ()),
        gpu=Gpu("nvidia.com/gpu", 1, 1, 3.0),
    )


def release(name: str = "vision", *, image: str = "i:1", gpu: bool = True, replicas: int = 1) -> Release:
    """Return a release of one Deployment."""
    container: dict[str, Any] = {"name": "c", "image": image}
    if gpu:
        container["resources"] = {"limits": {"nvidia.com/gpu": 1}}
    spec = {"replicas": replicas, "template": {"spec": {"containers": [container]}}}
    manifest = {"kind": "Deployment", "metadata": {"name": "inference"}, "spec": spec}
    return Release(name, "vision", "sha256:2", {}, f"sha256:{image}", (manifest,), (), 300.0)


def payload(*, nodes: tuple[Node, ...] = (node(),), releases: tuple[Release, ...] = (), **blobs: int) -> Payload:
    """Return a store's payload."""
    return Payload("store-042", "", nodes, releases, dict(blobs))


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (payload(), payload(), Effects()),
        (payload(), payload(nodes=(node(text="b"),)), Effects(restarts=("node-1",))),
        (payload(), payload(nodes=(node(binary="sha256:9"),)), Effects(restarts=("node-1",))),
        (payload(), payload(nodes=(node(motd="other"),)), Effects()),
        (payload(), payload(nodes=(node(), node("node-2", text="b"))), Effects()),
        (
            payload(releases=(release(),)),
            payload(releases=(release(image="i:2"),), new=7),
            Effects(replaced=("vision/Deployment/inference",), pauses=("vision/Deployment/inference",), new_bytes=7),
        ),
        (
            payload(releases=(release(gpu=False),)),
            payload(releases=(release(gpu=False, image="i:2"),)),
            Effects(replaced=("vision/Deployment/inference",)),
        ),
        (payload(releases=(release(),)), payload(releases=(release(replicas=2),)), Effects()),
        (payload(releases=(release(),)), payload(), Effects(removed=("vision",))),
        (payload(), payload(releases=(release(),)), Effects()),
        (None, payload(blob=5), Effects(new_bytes=5)),
    ],
)
def test_what_a_store_feels(before: Payload | None, after: Payload, wanted: Effects) -> None:
    """k3s restarts when what it is started with changes; inference pauses when a pod with GPUs gets another template.

    Seeded faults: files of the host counted as k3s's; replicas counted as the template; a new release as replaced.
    """
    assert effects(before, after) == wanted


def workload(kind: str = "Deployment", *, image: str = "i:1", gpu: bool = True, recreate: bool = False) -> Release:
    """Return a release of one workload."""
    (manifest,) = release(image=image, gpu=gpu).manifests
    strategy = {"strategy": {"type": "Recreate"}} if recreate else {}
    found = {**manifest, "kind": kind, "spec": {**manifest["spec"], **strategy}}
    return replace(release(), manifests=(found,))


_GPU = "it holds a GPU, which is free only when its old pod has stopped"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (workload(), workload(), ""),
        (workload(gpu=False), workload(gpu=False, image="i:2"), ""),
        (workload(), workload(image="i:2"), f"i:1 becomes i:2; {_GPU}"),
        (workload(recreate=True), workload(image="i:2", recreate=True), f"i:1 becomes i:2; {_GPU} (Recreate)"),
        (workload("DaemonSet"), workload("DaemonSet", image="i:2"), f"i:1 becomes i:2; {_GPU}"),
        (workload(gpu=False), workload(), f"its settings change; {_GPU}"),
        (
            workload(gpu=False, recreate=True),
            workload(gpu=False, recreate=True, image="i:2"),
            "i:1 becomes i:2; its old pod stops first (Recreate)",
        ),
    ],
)
def test_which_pods_pause_and_why(before: Release, after: Release, why: str) -> None:
    """Told from what a node says of its pods: those whose old pod must stop first. New workloads pause nothing."""
    kind = after.manifests[0]["kind"]
    wanted = (Pause(f"vision/{kind}/inference", why),) if why else ()
    assert pauses(pods_of((before,)), payload(releases=(after,))) == wanted
    assert pauses({}, payload(releases=(after,))) == ()
    assert pauses(pods_of((before,)), payload()) == ()


def test_the_sentences_name_what_happens() -> None:
    """Silence where nobody notices anything."""
    assert Effects(new_bytes=5).sentences() == ()
    said = Effects(("node-1",), ("a/Deployment/x", "b/DaemonSet/y"), ("a/Deployment/x",), ("old",)).sentences()
    assert said == (
        "k3s restarts on node-1",
        "inference pauses: a/Deployment/x is replaced",
        "new pods: b/DaemonSet/y",
        "goes: old",
    )


def test_content_is_compared_by_name() -> None:
    """A file, a node, a release and an object are the same ones when they bear the same name, in whatever order."""
    before = payload(nodes=(node(), node("node-2")), releases=(release(),))
    after = payload(nodes=(node("node-2"), node(motd="new")), releases=(release(image="i:2"),))
    assert [change.path for change in content(before, after)] == [
        "nodes.node-1.host.files./etc/motd.text",
        "releases.vision.digest",
        "releases.vision.manifests.Deployment/inference.spec.template.spec.containers",
    ]


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, [Change("a", 1, 1.0)]),
        ({"a": True}, {"a": 1}, [Change("a", True, 1)]),
        ({"a": [1]}, {"a": [1, 2]}, [Change("a", [1], [1, 2])]),
        ({}, {"a": {"b": None}}, [Change("a.b", None, None, added=True)]),
        ({"a": {"b": {}}}, {}, [Change("a.b", {}, None, gone=True)]),
        ({"a": {"b": 1}}, {"a": 1}, [Change("a", {"b": 1}, 1)]),
    ],
)
def test_values_are_compared_one_by_one(before: Any, after: Any, wanted: list[Change]) -> None:
    """Types count, lists are one value, and null is not absence. Seeded fault: == alone (True == 1)."""
    assert list(changes(before, after)) == wanted


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (node(), ""),
        (node(motd="other"), ""),
        (node("node-9", text="b"), ""),  # the node has another name: nothing that runs is started anew there
        (node(text="b"), "it starts anew with its new settings"),
        (
            replace(node(), k3s=replace(node().k3s, version="v1.36.4+k3s1", binary="sha256:9")),
            "v1.36.3+k3s1 becomes v1.36.4+k3s1",
        ),
    ],
)
def test_k3s_is_away_where_it_starts_with_something_else(after: Node, says: str) -> None:
    """Told from what the node says that its k3s was given; a guess, until that node has measured one."""
    runs = {"node": "node-1", "version": "v1.36.3+k3s1", "starts": starts_with(node().k3s)}
    seen = k3s_pause(runs, payload(nodes=(after,)), {})
    known = k3s_pause(runs, payload(nodes=(after,)), {"k3s": 7.5})
    if not says:
        assert (seen, known) == (None, None)
        return
    assert seen is not None
    assert seen.why == f"{says}; the Kubernetes API is away so long, pods and inference run on"
    assert (seen.workload, seen.seconds, seen.measured) == ("k3s", 30.0, False)
    assert known is not None
    assert (known.seconds, known.measured) == (7.5, True)


def test_a_node_that_says_nothing_of_its_k3s_announces_nothing() -> None:
    """An older engine: no word is no restart."""
    assert k3s_pause({}, payload(), {}) is None
