"""A release is installed when something differs, only then, and from every state that a killed Helm leaves."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from edgectl.node.charts.history import LABEL, LABEL_LENGTH
from edgectl.node.charts.release import Release
from edgectl.node.charts.retired import Retired
from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Status
from edgectl.wire.payload import Release as Declared
from tests.unit.node.charts.helm import FakeHelm, Killed
from tests.unit.node.fake import FakeNode

MANIFEST: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "inference"},
    "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "inference", "image": "a:1"}]}}},
}
HOOK = {"apiVersion": "x/v1", "kind": "Job", "metadata": {"name": "h", "annotations": {"helm.sh/hook": "pre-install"}}}
DECLARED = Declared(
    name="vision-stack",
    namespace="vision",
    chart="sha256:" + "c" * 64,
    values={"replicas": 1},
    digest="sha256:" + "d" * 64,
    manifests=(MANIFEST,),
)
OBJECT = "/apis/apps/v1/namespaces/vision/deployments/inference"


@pytest.fixture
def helm(node: FakeNode) -> FakeHelm:
    """Return a node with Helm."""
    return FakeHelm(node, DECLARED)


def test_installed_once_and_left_alone(node: FakeNode, helm: FakeHelm) -> None:
    """Drifted, applied, current; a second look finds nothing to do, so there is one revision."""
    step = Release(DECLARED, needs=())
    seen = step.probe(node)
    assert (seen.status, seen.reason) == (Status.DRIFTED, "not installed")
    step.apply(node, seen)
    assert step.probe(node).status is Status.CURRENT
    assert helm.states("vision", "vision-stack") == ["deployed"]


def test_helm_is_told_what_is_declared(node: FakeNode, helm: FakeHelm) -> None:
    """Chart by digest, values on standard input (never in argv), our label, and no waiting."""
    step = Release(DECLARED, needs=())
    step.apply(node, step.probe(node))
    (argv,) = node.changes
    assert argv[3] == str(node.places.blob(DECLARED.chart))
    assert json.loads(node.stdin) == {"replicas": 1}
    assert f"{LABEL}={'d' * LABEL_LENGTH}" in argv
    assert not [word for word in argv if word.startswith(("--wait", "--atomic", "--rollback", "--set"))]
    assert helm.states("vision", "vision-stack")


def test_our_label_fits_a_label_value() -> None:
    """Kubernetes allows 63 characters."""
    assert LABEL_LENGTH <= 63


@pytest.mark.parametrize("again", [1, 2])
def test_a_killed_helm_is_recovered(node: FakeNode, helm: FakeHelm, again: int) -> None:
    """Killed between its records, Helm refuses for ever; the same step takes that record away and goes on."""
    step = Release(DECLARED, needs=())
    helm.dies = True
    for _ in range(again):
        with pytest.raises(Killed):
            step.apply(node, step.probe(node))
    assert helm.states("vision", "vision-stack") == ["pending-upgrade"]
    seen = step.probe(node)
    assert (seen.status, "left in the middle (pending-upgrade)" in seen.reason) == (Status.DRIFTED, True)
    helm.dies = False
    step.apply(node, seen)
    assert step.probe(node).status is Status.CURRENT
    assert helm.states("vision", "vision-stack") == ["deployed"]


def test_a_killed_upgrade_keeps_what_was_deployed(node: FakeNode, helm: FakeHelm) -> None:
    """Only the pending record goes: the history of what ran stays."""
    step = Release(DECLARED, needs=())
    step.apply(node, step.probe(node))
    newer = Release(dataclasses.replace(DECLARED, digest="sha256:" + "e" * 64), needs=())
    helm.dies = True
    with pytest.raises(Killed):
        newer.apply(node, newer.probe(node))
    helm.dies = False
    newer.apply(node, newer.probe(node))
    assert helm.states("vision", "vision-stack") == ["deployed", "deployed"]
    assert node.kube.deleted == ["/api/v1/namespaces/vision/secrets/sh.helm.release.v1.vision-stack.v2"]


def test_a_failed_release_says_why_and_is_tried_again(node: FakeNode, helm: FakeHelm) -> None:
    """Helm's own last words, with the command as evidence; the next run finds `failed` and upgrades."""
    step = Release(DECLARED, needs=())
    helm.fails = "pre-upgrade hooks failed"
    with pytest.raises(ApplyFailed, match=r"Helm could not install vision-stack: .*pre-upgrade hooks failed") as caught:
        step.apply(node, step.probe(node))
    assert caught.value.evidence
    assert step.probe(node).reason == "revision 1 is failed"
    helm.fails = ""
    step.apply(node, step.probe(node))
    assert step.probe(node).status is Status.CURRENT


def test_another_digest_is_drift(node: FakeNode, helm: FakeHelm) -> None:
    """Changed chart or values; and a revision that somebody made without us is not ours."""
    step = Release(DECLARED, needs=())
    step.apply(node, step.probe(node))
    newer = Release(dataclasses.replace(DECLARED, digest="sha256:" + "e" * 64), needs=())
    seen = newer.probe(node)
    assert (seen.status, seen.differences) == (Status.DRIFTED, (("chart and values", "d" * 12, "e" * 12),))
    del node.kube.objects["/api/v1/namespaces/vision/secrets/sh.helm.release.v1.vision-stack.v1"]["metadata"]["labels"][
        LABEL
    ]
    assert step.probe(node).differences[0][1] == "not ours"
    assert helm.states("vision", "vision-stack") == ["deployed"]


def test_somebody_elses_release_of_our_name_is_refused_by_name(node: FakeNode, helm: FakeHelm) -> None:
    """Something new is not put over it unasked; what runs is put back, and what was ours once still is."""
    step = Release(DECLARED, needs=(), adopts=False)
    step.apply(node, step.probe(node))
    assert step.probe(node).status is Status.CURRENT
    step.apply(node, step.probe(node))  # a second revision, by hand
    first, second = sorted(place for place in node.kube.objects if "sh.helm.release" in place)
    del node.kube.objects[second]["metadata"]["labels"][LABEL]
    assert step.probe(node).status is Status.DRIFTED
    del node.kube.objects[first]["metadata"]["labels"][LABEL]
    seen = step.probe(node)
    assert (seen.status, "a Helm release vision-stack of somebody else is in vision" in seen.reason) == (
        Status.FAILED,
        True,
    )
    assert "--take-over" in seen.reason
    assert Release(DECLARED, needs=()).probe(node).status is Status.DRIFTED
    assert helm.states("vision", "vision-stack")


@pytest.mark.parametrize("harm", ["delete", "scale", "image", "add"])
def test_a_hand_edit_comes_back_with_one_revision(node: FakeNode, helm: FakeHelm, harm: str) -> None:
    """Deleted, scaled, changed or added to by hand: seen field by field, and repaired by one upgrade."""
    step = Release(DECLARED, needs=())
    step.apply(node, step.probe(node))
    if harm == "delete":
        del node.kube.objects[OBJECT]
    elif harm == "scale":
        node.kube.objects[OBJECT]["spec"]["replicas"] = 0
    elif harm == "image":
        node.kube.objects[OBJECT]["spec"]["template"]["spec"]["containers"][0]["image"] = "b:1"
    else:
        node.kube.objects[OBJECT]["spec"]["template"]["spec"]["containers"].append({"name": "miner"})
    seen = step.probe(node)
    assert (seen.status, "changed by hand: Deployment/inference" in seen.reason) == (Status.DRIFTED, True)
    step.apply(node, seen)
    assert step.probe(node).status is Status.CURRENT
    assert helm.states("vision", "vision-stack") == ["deployed", "deployed"]


def test_what_others_own_is_no_drift(node: FakeNode, helm: FakeHelm) -> None:
    """Fields that the chart does not name, a defaulting webhook's or an autoscaler's, are left alone."""
    step = Release(DECLARED, needs=())
    step.apply(node, step.probe(node))
    node.kube.objects[OBJECT]["spec"]["progressDeadlineSeconds"] = 600
    node.kube.objects[OBJECT]["status"] = {"readyReplicas": 1}
    assert step.probe(node).status is Status.CURRENT
    assert helm.states("vision", "vision-stack") == ["deployed"]


def test_hooks_are_not_compared(node: FakeNode, helm: FakeHelm) -> None:
    """Their objects are gone after they ran."""
    declared = dataclasses.replace(DECLARED, manifests=(MANIFEST, HOOK))
    step = Release(declared, needs=())
    helm.run(
        *("/usr/local/bin/helm", "upgrade", "vision-stack", "c", "--namespace", "vision"),
        "--labels",
        f"{LABEL}={'d' * 40}",
    )
    assert step.probe(node).status is Status.CURRENT


def test_an_api_that_does_not_answer_is_no_look(node: FakeNode) -> None:
    """Never "not installed": that would install it anew."""
    node.kube.down = True
    with pytest.raises(LookFailed):
        Release(DECLARED, needs=()).probe(node)


def test_retired_takes_away_only_ours(node: FakeNode, helm: FakeHelm) -> None:
    """What bears our label and is declared no more goes; other people's releases stay."""
    Release(DECLARED, needs=()).apply(node, Release(DECLARED, needs=()).probe(node))
    labels = {"owner": "helm", "name": "theirs", "version": "1", "status": "deployed"}
    theirs = {"metadata": {"name": "t", "namespace": "theirs", "labels": labels}}
    node.kube.objects["/api/v1/namespaces/theirs/secrets/t"] = theirs
    assert Retired((DECLARED,), needs=()).probe(node).status is Status.CURRENT
    step = Retired((), needs=())
    seen = step.probe(node)
    assert (seen.status, seen.differences) == (Status.DRIFTED, (("vision/vision-stack", "installed", "retired"),))
    step.apply(node, seen)
    assert step.probe(node).status is Status.CURRENT
    assert "/api/v1/namespaces/theirs/secrets/t" in node.kube.objects
    assert helm.states("vision", "vision-stack") == []
