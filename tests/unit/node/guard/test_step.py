"""The guard is put in place, put back, tried, and taken away, on an API that fills in its defaults as the real one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from edgectl.node.charts.retired import Retired
from edgectl.node.converge.protocol import ApplyFailed, Gate, LookFailed, Observation, Status, Step
from edgectl.node.guard.policy import BINDINGS, NAME, POLICIES
from edgectl.node.guard.step import GuardHolds, GuardPolicy
from edgectl.node.io.api import Denied
from edgectl.wire.payload import Guard
from tests.unit.node.fake import FakeNode, Json

GUARD = Guard(("nvidia.com/gpu",), ("nvidia",), ("gpu-system", "kube-system"))
POLICY, BINDING = f"{POLICIES}/{NAME}", f"{BINDINGS}/{NAME}"
SAYS = f"pods \"x\" is forbidden: ValidatingAdmissionPolicy '{NAME}' with binding '{NAME}' denied request: no gate"


def defaults(path: str, item: Json) -> Json:
    """Fill in what the API server does (1.36); a later one may know more."""
    if path == POLICIES:
        constraints = item["spec"]["matchConstraints"]
        constraints.update({"matchPolicy": "Equivalent", "objectSelector": {}})
        constraints["resourceRules"][0]["scope"] = "*"
    return {**item, "metadata": {**item["metadata"], "name": NAME, "uid": "1"}}


@pytest.fixture
def node(node: FakeNode) -> FakeNode:
    """Return one whose API fills in defaults, also where it stores."""
    kube = node.kube
    kube.on_create = defaults
    create, replace = kube.create, kube.replace
    kube.create = lambda path, item: create(path, defaults(path, copy.deepcopy(item)))  # type: ignore[method-assign]
    kube.replace = lambda path, item: replace(path, defaults(path.rpartition("/")[0], copy.deepcopy(item)))  # type: ignore[method-assign]
    return node


@pytest.fixture
def guarded(node: FakeNode) -> FakeNode:
    """Return one on which the guard is in place."""
    step = GuardPolicy(GUARD, needs=())
    step.apply(node, step.probe(node))
    assert step.probe(node).status is Status.CURRENT
    node.kube.written.clear()
    return node


def test_it_is_made_and_then_left_alone(node: FakeNode) -> None:
    """Law: both objects are made, the policy first; what the API server fills in is no drift."""
    step = GuardPolicy(GUARD, needs=())
    seen = step.probe(node)
    assert seen.status is Status.DRIFTED
    assert "ValidatingAdmissionPolicy is missing" in seen.reason
    step.apply(node, seen)
    assert node.kube.written == [POLICY, BINDING]
    assert step.probe(node).status is Status.CURRENT
    assert isinstance(step, Step)


CHANGES: dict[str, tuple[str, Any]] = {
    "an added condition": (POLICY, lambda item: item["spec"].update(matchConditions=[{"name": "no"}])),
    "fails open": (POLICY, lambda item: item["spec"].update(failurePolicy="Ignore")),
    "an exempt namespace": (
        POLICY,
        lambda item: item["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"][0]["values"].append("x"),
    ),
    "another expression": (POLICY, lambda item: item["spec"]["validations"][0].update(expression="true")),
    "a narrower rule": (POLICY, lambda item: item["spec"]["matchConstraints"].update(excludeResourceRules=[{}])),
    "not ours": (POLICY, lambda item: item["metadata"].pop("labels")),
    "only warns": (BINDING, lambda item: item["spec"].update(validationActions=["Warn"])),
    "binds less": (BINDING, lambda item: item["spec"].update(matchResources={"namespaceSelector": {}})),
    "gone": (BINDING, None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_somebody_has_changed_or_added_is_drift_and_is_put_back(guarded: FakeNode, name: str) -> None:
    """Law: a weakened guard is seen, however it was weakened. Seeded faults: nine ways."""
    path, change = CHANGES[name]
    before = copy.deepcopy(guarded.kube.objects)
    if change is None:
        del guarded.kube.objects[path]
    else:
        change(guarded.kube.objects[path])
        guarded.kube.objects[path]["metadata"]["resourceVersion"] = "7"
    step = GuardPolicy(GUARD, needs=())
    seen = step.probe(guarded)
    assert seen.status is Status.DRIFTED
    assert seen.differences
    step.apply(guarded, seen)
    assert step.probe(guarded).status is Status.CURRENT
    assert guarded.kube.objects[POLICY]["spec"] == before[POLICY]["spec"]
    if change is not None:  # the API takes no replacement that does not say what it replaces
        assert guarded.kube.objects[path]["metadata"]["resourceVersion"] == "7"


def test_what_somebody_has_noted_on_it_stays(guarded: FakeNode) -> None:
    """Law: labels and annotations of others are theirs."""
    meta = guarded.kube.objects[POLICY]["metadata"]
    meta["labels"]["team"] = "a"
    meta["annotations"] = {"seen": "yes"}
    step = GuardPolicy(Guard(("nvidia.com/gpu",), (), ()), needs=())
    step.apply(guarded, step.probe(guarded))
    meta = guarded.kube.objects[POLICY]["metadata"]
    assert (meta["labels"]["team"], meta["annotations"]) == ("a", {"seen": "yes"})


def test_an_api_that_refuses_it_is_a_never(node: FakeNode) -> None:
    """Law: waiting does not make a refused object a good one; a Kubernetes that has no such kind is named."""
    step = GuardPolicy(GUARD, needs=())
    seen = step.probe(node)
    node.kube.denies = "spec.validations[0].expression: Invalid value"
    with pytest.raises(ApplyFailed, match=r"could not be written: spec\.validations"):
        step.apply(node, seen)
    node.kube.denies = ""
    step.apply(node, seen)
    node.kube.denies = "Invalid value"
    assert step.probe(node).status is Status.FAILED

    def none(path: str, item: Json) -> None:
        del path, item
        raise Denied(404, "the server could not find the requested resource")

    node.kube.denies, node.kube.objects = "", {}
    node.kube.create = none  # type: ignore[method-assign]
    with pytest.raises(ApplyFailed, match=r"needs version 1\.30"):
        step.apply(node, step.probe(node))


def test_an_api_that_is_down_is_not_looked_at(guarded: FakeNode) -> None:
    """Law: could not look is neither fine nor wrong."""
    guarded.kube.down = True
    for gate in (GuardPolicy(GUARD, needs=()), GuardHolds(GUARD)):
        with pytest.raises(LookFailed):
            gate.probe(guarded)
    step = GuardPolicy(GUARD, needs=())
    with pytest.raises(ApplyFailed):
        step.apply(guarded, Observation(Status.DRIFTED, ""))


def answers(node: FakeNode, bare: Denied | None, gated: Denied | None) -> list[str]:
    """Let the API answer for pods; return where it was asked."""
    asked: list[str] = []

    def create(path: str, item: Json) -> Json:
        asked.append(path)
        answer = gated if "initContainers" in item["spec"] else bare
        if answer is not None:
            raise answer
        return item

    node.kube.on_create = create
    return asked


OURS = Denied(403, SAYS)
NOT_READY = Denied(403, 'pods "x" is forbidden: not yet ready to handle request')
NO_ACCOUNT = Denied(403, 'pods "x" is forbidden: error looking up service account default/default')
NO_POD = Denied(422, "spec.containers: Required value")


@pytest.mark.parametrize(
    ("bare", "gated", "status", "part"),
    [
        (OURS, None, Status.CURRENT, "are denied"),
        (Denied(422, SAYS), None, Status.CURRENT, "are denied"),
        (None, None, Status.IN_PROGRESS, "still let into the namespace default"),
        (NOT_READY, NOT_READY, Status.IN_PROGRESS, "not yet ready"),
        (NO_ACCOUNT, None, Status.IN_PROGRESS, "service account"),
        (OURS, OURS, Status.IN_PROGRESS, "a pod behind gpu-gate is not let into"),
        (OURS, NOT_READY, Status.IN_PROGRESS, "not yet ready"),
        (NO_POD, None, Status.FAILED, "Required value"),
        (OURS, NO_POD, Status.FAILED, "Required value"),
    ],
)
def test_it_holds_only_when_our_policy_denies(
    node: FakeNode, bare: Denied | None, gated: Denied | None, status: Status, part: str
) -> None:
    """Law: a denial by somebody else proves nothing, one that is not there yet is waited for, a gated pod passes."""
    asked = answers(node, bare, gated)
    seen = GuardHolds(GUARD).probe(node)
    assert seen.status is status
    assert part in seen.reason
    assert set(asked) == {"/api/v1/namespaces/default/pods"}
    assert node.kube.written == []


def test_it_is_a_gate_and_needs_the_policy() -> None:
    """Law: a gate changes nothing; with no namespace to try it in, it is no proof."""
    gate = GuardHolds(GUARD)
    assert isinstance(gate, Gate)
    assert not isinstance(gate, Step)
    assert gate.needs == (GuardPolicy.id,)


def test_all_exempt_is_no_proof(node: FakeNode) -> None:
    """Law: nothing passes on an empty list."""
    exempt = Guard(("nvidia.com/gpu",), (), ("default", "kube-node-lease", "kube-public"))
    assert GuardHolds(exempt).probe(node).status is Status.FAILED


def test_without_gpus_it_goes(guarded: FakeNode) -> None:
    """Law: a guard that nobody declares goes, the binding first; somebody else's of that name stays."""
    assert Retired((), needs=()).probe(guarded).status is Status.CURRENT
    retired = Retired((), needs=(), guard=False)
    seen = retired.probe(guarded)
    assert (seen.status, seen.reason) == (Status.DRIFTED, "gpu guard is declared no more")
    retired.apply(guarded, seen)
    assert guarded.kube.deleted == [BINDING, POLICY]
    assert retired.probe(guarded).status is Status.CURRENT
    guarded.kube.objects[POLICY] = {"metadata": {"name": NAME}}
    assert retired.probe(guarded).status is Status.CURRENT
