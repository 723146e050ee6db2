"""How long inference pauses: measured by the node's engine, announced by it the next time, said beside each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgectl.cli import store as stores
from edgectl.node import engine, gaps, looks, saying
from edgectl.node.converge.protocol import Gate, Observation, Status, Wait
from edgectl.node.io.look import Hands, Look
from edgectl.wire.payload import Gpu, Inference, Node, Payload, Release
from tests.cli import node as machine
from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode
from tests.cli.test_limit import _release

WORKLOAD = "vision/Deployment/inference"


class Cluster:
    """What Helm and Kubernetes are here: images that are installed, and a clock that their starts take time on."""

    def __init__(self) -> None:
        self.now = 100.0
        self.seconds = 17.0
        self.image = ""
        self.serves = ""
        self.want = 1

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now


def _image(release: Release) -> str:
    return str(release.manifests[0]["spec"]["template"]["spec"]["containers"][0]["image"])


@dataclass(frozen=True)
class Installed:
    """Helm's step: the old pods have ended when it is done."""

    release: Release
    cluster: Cluster
    id: str = "release-vision"
    title: str = "vision"
    needs: tuple[str, ...] = ()
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Compare the image."""
        del read
        same = self.cluster.image == _image(self.release)
        return Observation(Status.CURRENT if same else Status.DRIFTED, "as declared" if same else "differs")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Take another one, which takes a while that is no pause."""
        del write, seen
        self.cluster.now += 3.0
        self.cluster.image = _image(self.release)


@dataclass(frozen=True)
class Running:
    """The gate that sees the new pods; they need their time."""

    cluster: Cluster
    id: str = "workload-vision"
    title: str = "vision pods"
    needs: tuple[str, ...] = ("release-vision",)
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Let the time pass, when they are others."""
        del read
        if self.cluster.serves != self.cluster.image:
            self.cluster.now += self.cluster.seconds
            self.cluster.serves = self.cluster.image
        return Observation(Status.CURRENT, "1 of 1 running")


@pytest.fixture
def cluster(node: StoreNode, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Return a cluster; the node's recipe has its release."""
    found, real = Cluster(), stores.render

    def recipe(payload: Payload, own: Node, **more: Any) -> tuple[Gate[Any], ...]:
        *steps, serves = machine.recipe(payload, own, **more)
        (release,) = payload.releases
        return *steps, Installed(release, found), Running(found), serves

    def render(store: Any) -> Any:
        rendered = real(store)
        (one,) = rendered.payload.nodes
        with_gpu = replace(one, gpu=Gpu("nvidia.com/gpu", 1, 1))
        releases = (_release(f"vision:{found.want}", 1),)
        return replace(rendered, payload=replace(rendered.payload, nodes=(with_gpu,), releases=releases))

    monkeypatch.setattr(stores, "render", render)
    monkeypatch.setattr(engine, "recipe", recipe)
    monkeypatch.setattr(looks, "recipe", recipe)
    monkeypatch.setattr(saying, "time", SimpleNamespace(monotonic=found.monotonic))
    del node  # it is there, and its recipe is this one
    return found


def test_a_pause_is_measured_announced_and_said(
    inventory: Path, node: StoreNode, edgectl: Edgectl, cluster: Cluster
) -> None:
    """Law: the first change is announced by a guess that says so, the second by what this node has measured.

    Seeded faults: the time of Helm itself counts; what goes back after a failure is kept.
    """
    del inventory
    first = edgectl("deploy", "store-042", "-o", "json")
    assert (first.code, first.document["pauses"], "gaps" in first.document["verdict"]) == (0, [], False), first
    cluster.want = 2
    said = edgectl("deploy", "store-042")
    assert said.code == 0, said
    assert f"  pauses    {WORKLOAD} about 30 s (a guess: not measured here yet): vision:1 becomes vision:2" in said.err
    assert f"  paused    {WORKLOAD} 17 s, announced 30" in said.out
    node.join()
    cluster.want, cluster.seconds = 3, 21.0
    assert f"  pauses    {WORKLOAD} about 17 s (as measured here)\n" in edgectl("plan", "store-042").out
    (pause,) = edgectl("plan", "store-042", "-o", "json").document["pauses"]
    assert (pause["seconds"], pause["measured"]) == (17.0, True)
    document = edgectl("deploy", "store-042", "-o", "json").document
    assert (document["pauses"], document["verdict"]["gaps"]) == ([pause], {WORKLOAD: 21.0})
    node.join()
    assert gaps.measured(node.places, [WORKLOAD, "other"]) == {WORKLOAD: 19.0}
    again = edgectl("deploy", "store-042")
    assert "paus" not in again.out + again.err


def test_what_is_turned_down_is_not_kept(inventory: Path, node: StoreNode, edgectl: Edgectl, cluster: Cluster) -> None:
    """Law: only what went well says how long it takes."""
    from tests.cli.conftest import declare

    edgectl("deploy", "store-042")
    cluster.want = 2
    declare(inventory, "bad")
    assert edgectl("deploy", "store-042").code == 5
    assert gaps.measured(node.places, [WORKLOAD]) == {}


def test_the_pause_of_inference_ends_when_it_answers() -> None:
    """Law: pods that are up and do not answer yet do not serve; releases without it end with their pods."""
    now = [0.0]
    seen = gaps.Gaps(lambda: now[0])
    service = {"kind": "Service", "metadata": {"name": "inference"}}
    old, new = (_release(f"vision:{number}", 1) for number in (1, 2))
    new = replace(new, manifests=(*new.manifests, service))
    for at, word, step in (
        (1.0, "ok", "workload-vision"),
        (5.0, "changing", "release-vision"),
        (8.0, "changed", "release-vision"),
        (20.0, "ok", "workload-vision"),
        (25.0, "ok", "inference"),
    ):
        now[0] = at
        seen.saw(word, step)
    before, after = (Payload("s", "", (), (release,), {}) for release in (old, new))
    assert seen.between(before, after) == {WORKLOAD: 12.0}
    asked = Inference("vision", "inference", 8000, "tiny", {}, (1.0,))
    assert seen.between(before, replace(after, inference=asked)) == {WORKLOAD: 17.0}
    assert seen.between(after, after) == {}
    assert gaps.Gaps(lambda: 0.0).between(before, after) == {}
