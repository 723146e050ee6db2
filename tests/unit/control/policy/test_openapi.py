"""Manifests against Kubernetes' own schemas."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.control.policy.openapi import check
from tests.unit.control.policy.stores import DEPLOYMENT, changed

WHOLE: dict[str, Any] = {
    **DEPLOYMENT,
    "spec": {
        **DEPLOYMENT["spec"],
        "selector": {"matchLabels": {"a": "b"}},
    },
}
SPEC = "spec.template.spec.containers.0."


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("spec.replicas", "1", 'Deployment/inference: spec.replicas: "1" is not of type "integer"'),
        ("spec.replica", 1, 'Deployment/inference: spec: "replica" is no key here'),
        (f"{SPEC}ports", [{"containerPort": "http"}], "containers[0].ports[0].containerPort"),
        (f"{SPEC}resources", {"limits": {"memory": [1]}}, "[1] is not of type string or number"),
        ("apiVersion", "apps/v1beta1", "Deployment apps/v1beta1 is not served by Kubernetes 1.36 (apps/v1 is)"),
        ("kind", "Deploymant", "Deploymant apps/v1 is not served by Kubernetes 1.36 (no version of it is)"),
    ],
)
def test_what_kubernetes_would_not_take_is_named(path: str, value: Any, sentence: str) -> None:
    """Law: a wrong type, an unknown key, an old version are found before anything is sent. Seeded faults: six."""
    wrong = changed(path, value)
    wrong["spec"]["selector"] = {"matchLabels": {"a": "b"}}
    assert check([WHOLE], "v1.36.3+k3s1").findings == ()
    (found,) = check([wrong], "v1.36.3+k3s1").findings
    assert sentence in found


def test_all_that_is_wrong_comes_at_once() -> None:
    """Law: not only the first error of an object."""
    wrong = {**WHOLE, "spec": {**WHOLE["spec"], "replicas": "1", "paused": 3}}
    assert len(check([wrong, {"apiVersion": "v1", "kind": "Service", "spec": 1}], "v1.36.3").findings) == 3


def test_kinds_of_others_are_told_apart_and_not_refused() -> None:
    """Law: a CRD's kind is unknown, not wrong, even when its group begins like one of Kubernetes'."""
    crd = {"apiVersion": "apps.example.com/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"odd": 1}}
    found = check([crd], "v1.36.3+k3s1")
    assert (found.findings, found.unknown) == ((), ("Deployment/x (apps.example.com/v1)",))


@pytest.mark.parametrize(("k3s", "taken"), [("v1.99.1+k3s1", "1.37"), ("v1.20.4+k3s1", "1.25")])
def test_the_nearest_schemas_are_taken_and_said(k3s: str, taken: str) -> None:
    """Law: a k3s whose schemas are not held is judged by its neighbour's, and that is said."""
    found = check([WHOLE], k3s)
    assert found.findings == ()
    assert found.note.endswith(f"are not held; taken were those of {taken}")
    assert check([WHOLE], "v1.35.0+k3s2").note == ""
