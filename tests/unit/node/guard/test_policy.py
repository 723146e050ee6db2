"""The guard's own expressions, evaluated for real, over a table of pods; the rule of the lint over the same table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

from edgectl.control.policy.judge import judge
from edgectl.control.policy.openapi import check
from edgectl.node.guard import policy
from edgectl.wire.payload import Guard
from tests.unit.control.policy.stores import TODAY, facts, payload
from tests.unit.control.policy.stores import policy as said

GUARD = Guard(("nvidia.com/gpu", "nvidia.com/mig-1g.10gb"), ("nvidia", "nvidia-cdi"), ("gpu-system", "kube-system"))
TABLE = yaml.safe_load((Path(__file__).parents[3] / "cases" / "guard" / "pods.yaml").read_text())["pods"]
ENV = cel.NewEnv(
    variables={name: cel.Type.Map(cel.Type.STRING, cel.Type.DYN) for name in ("object", "variables")},
    extensions=[ext_strings.ExtStrings(), ext_optional.ExtOptional()],
)


def run(text: str, pod: dict[str, Any], known: dict[str, Any]) -> Any:
    """Evaluate one expression; an error fails the test, as it would deny the pod."""
    result = ENV.compile(text).eval(ENV.Activation({"object": pod, "variables": known}))
    assert result.type() != cel.Type.ERROR, f"{text}: {result.plain_value()}"
    return result.plain_value()


def denial(item: dict[str, Any], pod: dict[str, Any]) -> str:
    """Return what a policy says of a pod; "" when it lets it in."""
    known: dict[str, Any] = {}
    for variable in item["spec"]["variables"]:
        known[variable["name"]] = run(variable["expression"], pod, known)
    (check,) = item["spec"]["validations"]
    return "" if run(check["expression"], pod, known) else str(run(check["messageExpression"], pod, known))


def as_pod(row: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": row["spec"]}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["name"])
def test_a_pod_is_let_in_or_told_what_it_lacks(row: dict[str, Any]) -> None:
    """Law: what may use a GPU waits for its proof; who is denied is told what is missing, where, and how to opt in."""
    found = denial(policy.objects(GUARD)[0], as_pod(row))
    if "denied" not in row:
        assert found == ""
        return
    assert row["denied"] in found
    for part in ("docs/guard.md", "gpu-gate", "guard.exempt"):
        assert part in found
    assert "\n" not in found
    assert len(found) < 1024  # a denial's sentence may be 5 KiB; a person reads one line


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["name"])
def test_the_lint_is_as_strict_as_the_cluster(row: dict[str, Any]) -> None:
    """Law: what the cluster would deny is refused before a byte is sent. Seeded faults: those of the table."""
    names = frozenset({"gpu-gate", "gpu-not-in-init"})
    found = judge(said(), facts(), payload(as_pod(row)), TODAY, only=names)
    other = "amd.com" in str(row["spec"])  # the lint knows GPUs that this store does not have
    assert bool(found) is ("denied" in row or other)


def test_both_tables_have_both_answers() -> None:
    """Law: no table passes on nothing."""
    assert {"denied" in row for row in TABLE} == {True, False}
    assert len(TABLE) > 25


@pytest.mark.parametrize(
    ("seed", "instead"),
    [
        ("variables.first[0].name == 'gpu-gate'", "variables.first.exists(c, c.name == 'gpu-gate')"),
        ("m.?readOnly.orValue(false)", "true"),
        ("&& m.name in variables.folders", ""),
        ("&& !has(m.subPath) ", ""),
        ("variables.asking.size() > 0 || variables.askingFirst", "variables.askingFirst"),
        (" || object.spec.?runtimeClassName", " || object.spec.?nothing"),
        ("c.?resources.?requests", "c.?resources.?limits"),
        ("'Always' ?", "'Never' ?"),
        ("variables.askingFirst.size() > 0 ? ", "false ? "),
        (" && string(m[k]) != '0'", ""),
    ],
)
def test_the_table_bites(seed: str, instead: str) -> None:
    """Seeded fault: an expression that is weaker, or stronger, is seen by a pod of the table."""
    item = policy.objects(GUARD)[0]
    text = str(item["spec"]["variables"])
    assert seed in "".join(one["expression"] for one in item["spec"]["variables"]), text
    for one in item["spec"]["variables"]:
        one["expression"] = one["expression"].replace(seed, instead)
    wrong = [
        row["name"]
        for row in TABLE
        if row.get("denied", "") not in (found := denial(item, as_pod(row))) or (found != "" and "denied" not in row)
    ]
    assert wrong


def test_the_objects_are_marked_and_fail_closed() -> None:
    """Law: both bear our label; the policy denies when it cannot judge; the exempt namespaces alone are not asked."""
    item, binding = policy.objects(GUARD)
    assert all(one["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "edgectl"} for one in (item, binding))
    assert item["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"] == {"policyName": item["metadata"]["name"], "validationActions": ["Deny"]}
    (expression,) = item["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    assert expression == {
        "key": "kubernetes.io/metadata.name",
        "operator": "NotIn",
        "values": ["gpu-system", "kube-system"],
    }
    bare = policy.objects(Guard(GUARD.resources, (), ()))[0]["spec"]["matchConstraints"]["namespaceSelector"]
    assert bare == {}  # no namespace is left out
    assert re.fullmatch(r"[^\n]{1,300}", item["spec"]["validations"][0]["message"])


def test_what_the_page_has_to_paste_passes() -> None:
    """Law: docs/guard.md's Deployment is let in by the cluster, and obeys every rule and schema before that."""
    text = (Path(__file__).parents[4] / "docs" / "guard.md").read_text()
    (found,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    item = yaml.safe_load(found)
    assert denial(policy.objects(GUARD)[0], item["spec"]["template"]) == ""
    assert judge(said(), facts(), payload(item), TODAY) == ()
    assert check([item], "v1.36.3+k3s1").findings == ()
    ours = Path(__file__).parents[3] / "cases" / "policy" / "vision-stack.yaml"
    charted = [doc for doc in yaml.safe_load_all(ours.read_text()) if doc and doc["kind"] == "Deployment"]
    assert "inference" in {one["metadata"]["name"] for one in charted}
    assert [denial(policy.objects(GUARD)[0], one["spec"]["template"]) for one in charted] == [""] * len(charted)


def test_no_runtime_class_and_no_exemption_are_fine() -> None:
    """Law: empty lists are lists: the policy still judges."""
    item = policy.objects(Guard(("nvidia.com/gpu",), (), ()))[0]
    assert denial(item, as_pod({"spec": {"runtimeClassName": "nvidia", "containers": []}})) == ""
    assert denial(item, policy.pod(GUARD, gated=False))


def test_the_pods_that_try_it_are_one_of_each() -> None:
    """Law: the gate of the recipe asks with a pod that must be denied, and with one that must be let in."""
    item = policy.objects(GUARD)[0]
    assert denial(item, policy.pod(GUARD, gated=False))
    assert denial(item, policy.pod(GUARD, gated=True)) == ""


def test_it_is_tried_where_it_holds() -> None:
    """Law: an exempt namespace proves nothing. Seeded faults: default is exempt, and all of them."""
    assert policy.namespace_to_try(GUARD) == "default"
    assert policy.namespace_to_try(Guard(GUARD.resources, (), ("default",))) == "kube-public"
    assert policy.namespace_to_try(Guard(GUARD.resources, (), ("default", "kube-public", "kube-node-lease"))) == ""
