"""Secrets and facts in the cluster: put there, put back, taken away, and no value in any sentence."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

import pytest

from edgectl.node.charts.history import LABEL
from edgectl.node.charts.retired import Retired
from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status
from edgectl.node.io.api import Denied
from edgectl.node.secrets import kept as real
from edgectl.node.secrets.kept import FACTS_NAME, Facts, Secrets
from edgectl.node.secrets.objects import DECLARED, MANAGED
from edgectl.wire.document import canonical
from edgectl.wire.payload import StoreSecret
from tests.laws.fake_store import mutant
from tests.unit.node.fake import FakeNode, Json

APP = StoreSecret("app", ("edge", "vision"), {"PASSWORD": "1", "USER": "1"})
VALUES = {"app": {"PASSWORD": "hunter2", "USER": "ada"}}
FACTS = {"name": "store-042", "cameras": [{"name": "till", "url": "rtsp://10.0.0.1"}]}


def step(*secrets: StoreSecret, planned: bool = False, module: Any = real) -> Secrets:
    """Return the step."""
    return cast("Secrets", module.Secrets(secrets or (APP,), needs=(), planned=planned))


def keep(node: FakeNode, values: dict[str, dict[str, str]]) -> None:
    """Put values on the node."""
    node.write(node.places.secret_values, canonical(values).decode(), mode=0o600)


@pytest.fixture
def node(node: FakeNode) -> FakeNode:
    """Return a node with the values of `app`."""
    keep(node, VALUES)
    return node


def bring(node: FakeNode, one: Secrets | Facts) -> Observation:
    """Do as the loop does; returns the last look."""
    seen = one.probe(node)
    if seen.status is Status.DRIFTED:
        one.apply(node, seen)
        seen = one.probe(node)
    return seen


def value(node: FakeNode, namespace: str = "vision", key: str = "PASSWORD") -> str:
    """Return a live value."""
    return base64.b64decode(secret(node, namespace)["data"][key]).decode()


def secret(node: FakeNode, namespace: str = "vision", name: str = "app") -> Json:
    """Return a live Secret."""
    return node.kube.objects[f"/api/v1/namespaces/{namespace}/secrets/{name}"]


def test_put_there_once_and_left_alone(node: FakeNode) -> None:
    """Missing, written in each namespace, current; a second look writes nothing, and asks the API once for all."""
    seen = step().probe(node)
    assert seen.status is Status.DRIFTED
    assert seen.differences == (("edge/app", "missing", "present"), ("vision/app", "missing", "present"))
    assert bring(node, step()).status is Status.CURRENT
    assert value(node) == value(node, "edge") == "hunter2"
    assert secret(node)["type"] == "Opaque"
    written = list(node.kube.written)
    node.kube.asked.clear()
    assert bring(node, step()).status is Status.CURRENT
    assert node.kube.written == written
    assert len(node.kube.asked) == 1


def test_a_rotated_value_is_a_change_that_names_the_key(node: FakeNode) -> None:
    """The payload is the same; the difference says which key, and nothing of either value."""
    bring(node, step())
    keep(node, {"app": {"PASSWORD": "hunter3", "USER": "ada"}})
    seen = step().probe(node)
    assert seen.status is Status.DRIFTED
    assert ("vision/app PASSWORD", "another value", "the newest one") in seen.differences
    assert "USER" not in str(seen)
    assert bring(node, step()).status is Status.CURRENT
    assert value(node) == "hunter3"


def test_another_version_is_a_change(node: FakeNode) -> None:
    """Also when the value is the same: the declaration stands on the object."""
    bring(node, step())
    seen = step(StoreSecret("app", APP.namespaces, {"PASSWORD": "2", "USER": "1"})).probe(node)
    assert seen.differences[-1] == ("vision/app PASSWORD", "version 1", "version 2")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda found: found["data"].update({"PASSWORD": "eA=="}), "vision/app PASSWORD"),
        (lambda found: found["data"].update(EXTRA="eA=="), "vision/app EXTRA"),
        (lambda found: found["data"].clear(), "vision/app PASSWORD"),
        (lambda found: found["metadata"]["labels"].clear(), "vision/app labels"),
        (lambda found: found["metadata"]["labels"].pop(LABEL), "vision/app labels"),
        (lambda found: found["metadata"]["annotations"].update({DECLARED: "{"}), "vision/app"),
        (lambda found: found.update(immutable=True, data={}), "vision/app PASSWORD"),
        (lambda found: found.update(type="other"), "vision/app type"),
    ],
)
def test_what_is_changed_by_hand_comes_back(node: FakeNode, change: Any, field: str) -> None:
    """Whatever was changed, what cannot be changed in place included."""
    bring(node, step())
    before = json.dumps(secret(node), sort_keys=True)
    change(secret(node))
    seen = step().probe(node)
    assert seen.status is Status.DRIFTED
    assert field in seen.reason
    assert bring(node, step()).status is Status.CURRENT
    assert json.dumps(secret(node), sort_keys=True) == before


def test_a_deleted_one_comes_back_and_notes_of_others_stay(node: FakeNode) -> None:
    """What somebody has written beside our marks is theirs."""
    bring(node, step())
    del node.kube.objects["/api/v1/namespaces/edge/secrets/app"]
    secret(node)["metadata"]["annotations"]["their/note"] = "x"
    secret(node)["data"] = {}
    assert bring(node, step()).status is Status.CURRENT
    assert value(node, "edge") == "hunter2"
    assert secret(node)["metadata"]["annotations"]["their/note"] == "x"


def test_its_namespace_is_made_where_there_is_none(node: FakeNode) -> None:
    """A secret is there before the release whose namespace Helm would make."""
    node.kube.namespaces = True
    node.kube.objects["/api/v1/namespaces/edge"] = {"metadata": {"name": "edge"}}
    assert bring(node, step()).status is Status.CURRENT
    assert node.kube.written == [
        "/api/v1/namespaces/edge/secrets/app",
        "/api/v1/namespaces/vision",
        "/api/v1/namespaces/vision/secrets/app",
    ]


def test_a_value_that_is_not_here_is_named(node: FakeNode) -> None:
    """What is there already stays, what is whole is written, and the failure says which key of which secret."""
    keep(node, {"app": {"USER": "ada"}, "whole": {"KEY": "x"}})
    both = step(APP, StoreSecret("whole", ("vision",), {"KEY": "1"}))
    seen = bring(node, both)
    assert seen.status is Status.FAILED
    assert "this node has no value for PASSWORD of vision/app" in seen.reason
    assert list(node.kube.objects) == ["/api/v1/namespaces/vision/secrets/whole"]


def test_somebody_elses_is_refused_by_name(node: FakeNode) -> None:
    """Rule 12: it is neither read aloud nor touched; with our label it is taken over."""
    theirs: Json = {"metadata": {"name": "app", "namespace": "vision"}, "type": "Opaque", "data": {"PASSWORD": "eA=="}}
    node.kube.objects["/api/v1/namespaces/vision/secrets/app"] = theirs
    seen = bring(node, step())
    assert (seen.status, value(node)) == (Status.FAILED, "x")
    assert "Secret vision/app is somebody else's" in seen.reason
    assert value(node, "edge") == "hunter2"
    secret(node)["metadata"]["labels"] = dict(MANAGED)
    assert bring(node, step()).status is Status.CURRENT
    assert value(node) == "hunter2"


def test_a_plan_compares_versions_only(node: FakeNode) -> None:
    """Before a deploy its values are not here yet: that is no failure, and a rotated value is not seen."""
    keep(node, {})
    assert step(planned=True).probe(node).status is Status.DRIFTED
    keep(node, VALUES)
    bring(node, step())
    keep(node, {})
    seen = step(planned=True).probe(node)
    assert (seen.status, "by version only" in seen.reason) == (Status.CURRENT, True)
    keep(node, VALUES)
    secret(node)["data"].update({"USER": "eA=="})  # by hand: a deploy puts it back, so a plan says so
    assert step(planned=True).probe(node).differences == (("vision/app USER", "another value", "the newest one"),)
    newer = StoreSecret("app", APP.namespaces, {"PASSWORD": "2", "USER": "1"})
    assert step(newer, planned=True).probe(node).differences[0] == ("edge/app PASSWORD", "version 1", "version 2")


def test_could_not_look_is_not_missing(node: FakeNode) -> None:
    """An API that does not answer says nothing about secrets."""
    node.kube.down = True
    with pytest.raises(LookFailed):
        step().probe(node)


@pytest.mark.parametrize("answer", ["hunter2 is no JSON", "aHVudGVyMg== is refused", "no"])
def test_what_the_api_answers_is_told_without_values(node: FakeNode, answer: str) -> None:
    """Law 10: an admission webhook may quote what it was sent."""
    node.kube.denies = answer
    with pytest.raises(ApplyFailed, match="edge/app could not be written") as caught:
        step().apply(node, step().probe(node))
    told = f"{caught.value.reason}{caught.value.evidence}{caught.value.__cause__}"
    assert "hunter2" not in told
    assert "aHVudGVyMg==" not in told


def test_an_api_in_trouble_is_told_without_values(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 10 for an answer of 500."""

    def breaks(path: str, item: Json) -> None:
        raise LookFailed(f"HTTP 500: {path} {item}")

    monkeypatch.setattr(node.kube, "create", breaks)
    with pytest.raises(ApplyFailed) as caught:
        step().apply(node, step().probe(node))
    assert "aHVudGVyMg==" not in caught.value.reason


def test_two_at_the_same_time_are_told(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody makes an object of that name between look and write: it is theirs, and the apply says so."""

    def taken(path: str, item: Json) -> None:
        del path
        raise Denied(409, f'secrets "{item["metadata"]["name"]}" already exists')

    monkeypatch.setattr(node.kube, "create", taken)
    with pytest.raises(ApplyFailed, match="already exists"):
        step().apply(node, step().probe(node))


def test_what_is_declared_no_more_goes(node: FakeNode) -> None:
    """With the releases, last, by the same list; somebody else's stays, and so does Helm's record."""
    bring(node, step())
    theirs = {"metadata": {"name": "theirs", "namespace": "vision", "labels": {}}}
    node.kube.objects["/api/v1/namespaces/vision/secrets/theirs"] = theirs
    assert Retired((), (APP,), needs=()).probe(node).status is Status.CURRENT
    node.kube.asked.clear()
    retired = Retired((), (StoreSecret("app", ("vision",), APP.keys),), needs=())
    seen = retired.probe(node)
    assert (seen.status, seen.differences) == (Status.DRIFTED, (("secrets edge/app", "present", "gone"),))
    assert len(node.kube.asked) == 1
    retired.apply(node, seen)
    assert (retired.probe(node).status, node.kube.deleted) == (
        Status.CURRENT,
        ["/api/v1/namespaces/edge/secrets/app"],
    )


def test_facts_that_are_declared_no_more_go(node: FakeNode) -> None:
    """Where no facts are declared, no step of theirs is there to take the last ones away."""
    bring(node, facts())
    assert Retired((), needs=()).probe(node).status is Status.CURRENT
    retired = Retired((), needs=(), facts=False)
    assert retired.probe(node).reason == "edgectl-store, edgectl-store is declared no more"
    retired.apply(node, retired.probe(node))
    assert retired.probe(node).status is Status.CURRENT
    assert not [path for path in node.kube.objects if "configmaps" in path]


def facts(**changed: Any) -> Facts:
    """Return the step of the facts."""
    return Facts({**FACTS, **changed}, ("vision", "edge", "vision"), needs=())


def test_facts_are_a_file_in_each_namespace(node: FakeNode) -> None:
    """One ConfigMap a namespace, written once; a changed camera changes it and nothing else."""
    assert bring(node, facts()).status is Status.CURRENT
    assert len(node.kube.written) == 2
    assert bring(node, facts()).status is Status.CURRENT
    assert len(node.kube.written) == 2
    found = node.kube.objects[f"/api/v1/namespaces/vision/configmaps/{FACTS_NAME}"]
    assert json.loads(found["data"]["store.json"]) == FACTS
    seen = facts(cameras=[{"name": "till", "url": "rtsp://10.0.0.2"}]).probe(node)
    want = ("vision/edgectl-store cameras[till].url", "rtsp://10.0.0.1", "rtsp://10.0.0.2")
    assert (seen.status, seen.differences[0]) == (Status.DRIFTED, want)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["data"].update({"store.json": "{"}),
        lambda found: found["data"].update({"store.json": "{}"}),
        lambda found: found["data"].update(other="x"),
        lambda found: found["data"].clear(),
        lambda found: found.update(binaryData={"x": "eA=="}),
        lambda found: found.update(immutable=True, data={}),
        lambda found: found["metadata"]["labels"].clear(),
    ],
)
def test_facts_changed_by_hand_come_back(node: FakeNode, change: Any) -> None:
    """Whatever was changed."""
    bring(node, facts())
    place = f"/api/v1/namespaces/vision/configmaps/{FACTS_NAME}"
    before = json.dumps(node.kube.objects[place], sort_keys=True)
    change(node.kube.objects[place])
    assert facts().probe(node).status is Status.DRIFTED
    assert bring(node, facts()).status is Status.CURRENT
    assert json.dumps(node.kube.objects[place], sort_keys=True) == before


def test_facts_of_a_namespace_without_a_release_go(node: FakeNode) -> None:
    """And somebody else's ConfigMap of that name is refused."""
    bring(node, facts())
    only = Facts(FACTS, ("vision",), needs=())
    assert only.probe(node).differences == (("edge/edgectl-store", "present", "gone"),)
    assert bring(node, only).status is Status.CURRENT
    node.kube.objects[f"/api/v1/namespaces/edge/configmaps/{FACTS_NAME}"] = {
        "metadata": {"name": FACTS_NAME, "namespace": "edge"}
    }
    seen = bring(node, facts())
    assert (seen.status, "ConfigMap edge/edgectl-store is somebody else's" in seen.reason) == (Status.FAILED, True)


@pytest.mark.parametrize(
    ("test", "old", "new"),
    [
        (test_put_there_once_and_left_alone, "found is not None and data.get(key) != want", "data.get(key) != 0"),
        (test_a_rotated_value_is_a_change_that_names_the_key, "data.get(key) != want and", "False and"),
        (test_another_version_is_a_change, "versions.get(key) != version", "False"),
        (test_a_value_that_is_not_here_is_named, "[] if self._planned else lacking(secret, values)", "[]"),
        (test_a_plan_compares_versions_only, "[] if self._planned else lacking", "lacking"),
        (
            test_a_rotated_value_is_a_change_that_names_the_key,
            '"another value", "the newest one"',
            "data.get(key), want",
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_tests_bite(node: FakeNode, monkeypatch: pytest.MonkeyPatch, test: Any, old: str, new: str) -> None:
    """Seeded: never at rest, a rotation unseen, a version unseen, half a Secret, a plan that fails, a value told."""
    faulty = mutant(real, (old, new))
    monkeypatch.setitem(cast("dict[str, Any]", step.__kwdefaults__), "module", faulty)
    with pytest.raises((AssertionError, KeyError)):
        test(node)
