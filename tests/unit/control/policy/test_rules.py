"""The built-in rules: each with what passes and what does not; and how an inventory changes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.control.bundle.chart import pack
from edgectl.control.policy.judge import judge, judge_deploy
from edgectl.control.policy.openapi import check
from edgectl.control.policy.rules import built_in, compile_findings, rules_of, switched_off
from edgectl.wire.payload import Payload
from tests.unit.control.policy.stores import DEPLOYMENT, TODAY, changed, facts, judged, payload, policy

ROOT = Path(__file__).parents[4]
POD = "spec.template.spec."
GATE = f"{POD}initContainers.0"
GATES = DEPLOYMENT["spec"]["template"]["spec"]["initContainers"]
OTHER = {"name": "warm-up", "image": "a:1"}
LIMITS = f"{POD}containers.0.resources.limits"
IMAGE = f"{POD}containers.0.image"


def job(gpus: int) -> dict[str, Any]:
    """Return a CronJob that asks for GPUs without anything that it needs."""
    container = {"name": "train", "image": "a:1", "resources": {"requests": {"nvidia.com/mig-1g.10gb": gpus}}}
    spec = {"jobTemplate": {"spec": {"template": {"spec": {"containers": [container]}}}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "train"}, "spec": spec}


def only_class(name: str) -> dict[str, Any]:
    """Return a pod on a runtime class that asks for nothing."""
    spec = {"runtimeClassName": name, "containers": [{"name": "peek", "image": "a:1"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "peek"}, "spec": spec}


def webhook(**said: Any) -> dict[str, Any]:
    """Return a webhook for pods, as its author would write it."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    kind = "MutatingWebhookConfiguration"
    return {"kind": kind, "metadata": {"name": "w"}, "webhooks": [{"name": "w.example", "rules": [rule], **said}]}


OBJECTS: tuple[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], str], ...] = (
    # rule, policy, what passes, what does not, a part of the sentence
    (
        "registries",
        {"registries": ["registry.example/vision"]},
        DEPLOYMENT,
        changed(IMAGE, "evil:1"),
        "image evil:1 is",
    ),
    (
        "registries",
        {"registries": ["registry.example"]},
        DEPLOYMENT,
        changed(IMAGE, "registry.example.evil/a:1"),
        "is of",
    ),
    (
        "images-pinned",
        {},
        changed(IMAGE, "a@sha256:" + "0" * 64),
        changed(IMAGE, "a:latest"),
        "a:latest needs a digest",
    ),
    ("images-pinned", {}, DEPLOYMENT, changed(IMAGE, "registry.example:5000/a"), "registry.example:5000/a needs"),
    ("gpu-memory-limit", {}, DEPLOYMENT, changed(f"{LIMITS}.memory"), "container app uses a GPU and needs a memory"),
    ("gpu-cpu-limit", {}, DEPLOYMENT, changed(f"{LIMITS}.cpu"), "container app uses a GPU and says nothing about CPU"),
    ("gpu-no-surge", {}, DEPLOYMENT, changed("spec.strategy"), "(1 in the store): strategy Recreate or maxSurge 0"),
    (
        "gpu-no-surge",
        {},
        changed("spec.strategy", {"rollingUpdate": {"maxSurge": 0}}),
        changed("spec.strategy", {"rollingUpdate": {"maxSurge": 1}}),
        "holds the GPU",
    ),
    ("gpu-gate", {}, DEPLOYMENT, changed(f"{POD}initContainers"), "need the init container gpu-gate"),
    ("gpu-gate", {}, DEPLOYMENT, changed(f"{POD}initContainers.0.volumeMounts"), "need the init container gpu-gate"),
    ("gpu-gate", {}, job(0), job(1), "CronJob/train: pods with GPUs need"),
    ("gpu-gate", {}, DEPLOYMENT, changed(f"{GATE}.volumeMounts.0.readOnly", value=False), "and readOnly: true"),
    ("gpu-gate", {}, DEPLOYMENT, changed(f"{GATE}.volumeMounts.0.subPath", "x"), "the hostPath /run/edgectl/gpu"),
    ("gpu-gate", {}, DEPLOYMENT, changed(f"{POD}volumes.0.hostPath.path", "/run"), "the hostPath /run/edgectl/gpu"),
    ("gpu-gate", {}, DEPLOYMENT, changed(f"{GATE}.restartPolicy", "Always"), "no sidecar"),
    ("gpu-gate", {}, DEPLOYMENT, changed(f"{POD}initContainers", [OTHER, *GATES]), "before all others"),
    ("gpu-gate", {}, only_class("runc"), only_class("nvidia-cdi"), "pods with GPUs need"),
    ("gpu-gate", {}, {**job(1), "metadata": {"name": "t", "namespace": "gpu-system"}}, job(1), "pods with GPUs need"),
    (
        "gpu-not-in-init",
        {},
        DEPLOYMENT,
        changed(f"{POD}initContainers.0.resources", {"limits": {"gpu.intel.com/i915": "1"}}),
        "init container gpu-gate asks for a GPU",
    ),
    ("webhook-ignores", {}, webhook(failurePolicy="Ignore"), webhook(failurePolicy="Fail"), "outside of vision"),
    (
        "webhook-ignores",
        {},
        webhook(namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "vision"}}),
        webhook(namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}),
        "outside of vision",
    ),
    (
        "webhook-ignores",
        {},
        webhook(rules=[{"apiGroups": ["example.com"], "resources": ["*"]}]),
        webhook(rules=[{"apiGroups": ["*"], "resources": ["*/*"]}]),
        "outside of vision",
    ),
)
PAYLOADS: tuple[tuple[str, dict[str, Any], Payload, Payload, str], ...] = (
    ("k3s-range", {"k3s": ">=1.34,<1.37"}, payload(), payload(k3s="v1.37.1+k3s1"), "node-1 has k3s v1.37.1+k3s1, and"),
    ("k3s-range", {"k3s": ">=1.34"}, payload(), payload(k3s="v1.37.0-rc1+k3s1"), "policy.k3s allows >=1.34"),
    (
        "residency",
        {"residency": ["example.eu"]},
        payload(values={"sink": ["mqtts://in.example.eu:8883/x"]}),
        payload(values={"sink": {"url": "https://in.notexample.eu/x"}}),
        "in.notexample.eu lies outside of policy.residency (example.eu)",
    ),
    (
        "residency",
        {"residency": ["example.eu"]},
        payload(registries="mirrors:\n  docker.io:\n    endpoint: [https://mirror.example.eu]\n"),
        payload(registries="mirrors: {docker.io: {}}\n"),
        "docker.io lies outside",
    ),
)


@pytest.mark.parametrize(("rule", "said", "good", "bad", "part"), OBJECTS)
def test_rules_over_objects(rule: str, said: dict[str, Any], good: Any, bad: Any, part: str) -> None:
    """Law: a built-in rule lets the good object pass and names the bad one. Seeded fault: the bad object."""
    assert not [found for found in judged(policy(**said), good) if found.rule == rule]
    (found,) = [found for found in judged(policy(**said), bad) if found.rule == rule]
    assert part in found.sentence
    assert found.where == ("releases", "vision-stack", "values")
    assert found.refuses is (rule != "gpu-cpu-limit")


@pytest.mark.parametrize(("rule", "said", "good", "bad", "part"), PAYLOADS)
def test_rules_over_the_payload(rule: str, said: dict[str, Any], good: Payload, bad: Payload, part: str) -> None:
    """Law: a built-in rule lets the good payload pass and says what is wrong with the bad one. Seeded: the bad one."""
    assert judge(policy(**said), facts(), good, TODAY) == ()
    (found,) = judge(policy(**said), facts(), bad, TODAY)
    assert (found.rule, part in found.sentence) == (rule, True)


@pytest.mark.parametrize(
    ("driver", "part"),
    [
        ("580.1", "node-1 has driver 580.1, and"),
        ("", "node-1 has driver (not declared), and"),
        (None, "(not declared)"),
    ],
)
def test_the_driver_must_be_declared_and_in_range(driver: str | None, part: str) -> None:
    """Law: a driver that nobody has declared has not been tried. Seeded faults: a wrong one, none, no such fact."""
    said = policy(driver=">=570,<580")
    assert judged(said) == ()
    node = {"name": "node-1", "gpus": 1, **({} if driver is None else {"driver": driver})}
    (found,) = judged(said, nodes=[node])
    assert (found.rule, part in found.sentence) == ("driver-range", True)
    assert judged(said, nodes=[{"name": "node-2", "gpus": 0}]) == ()


def test_a_store_with_gpus_to_spare_may_surge() -> None:
    """Law: a surge waits for ever only where all GPUs are taken. Seeded fault: one GPU less."""
    assert judged(policy(), changed("spec.strategy"), gpus=2) == ()
    assert judged(policy(), changed("spec.replicas", 1) | changed("spec.strategy"), gpus=1)


def test_who_may_deploy_and_when() -> None:
    """Law: one permission must hold whole, also over midnight. Seeded faults: a wrong hour, a wrong person."""
    said = policy(deploy=[{"who": ["anna@desk", "SHA256:k"], "open": ["mon-fri 22:00-05:00 Europe/Berlin"]}])
    night, noon = (datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (23, 12))
    anna, bob = ({"user": user, "host": "desk", "key": ""} for user in ("anna", "bob"))
    assert judge_deploy(said, facts(), anna, night) == ()
    assert judge_deploy(said, facts(), {**bob, "key": "SHA256:k"}, night) == ()
    assert judge_deploy(policy(), facts(), bob, noon) == ()
    for who, now in ((anna, noon), (bob, night)):
        (found,) = judge_deploy(said, facts(), who, now)
        assert found.rule == "deploy-permitted"
        assert "may not deploy store-042 now; policy.deploy permits anna@desk or SHA256:k in mon-fri" in found.sentence


def test_a_release_whose_pods_wait_for_the_gpu_waits_too() -> None:
    """Law: a foreign chart's pods must not be waited for before the proof that they wait for. Seeded: no needs."""
    waits = payload(DEPLOYMENT)
    hasty = replace(waits, releases=(replace(waits.releases[0], needs=()),))
    assert judge(policy(), facts(), waits, TODAY) == ()
    (found,) = judge(policy(), facts(), hasty, TODAY)
    assert (found.rule, "say needs: [gpu] there" in found.sentence) == ("gpu-needs", True)
    exempt = replace(hasty, releases=(replace(hasty.releases[0], namespace="gpu-system"),))
    assert judge(policy(), facts(), exempt, TODAY) == ()


def test_every_built_in_rule_is_tried_here() -> None:
    """Law: no rule is shipped that no test has seen refuse something."""
    tried = {row[0] for row in (*OBJECTS, *PAYLOADS)} | {"driver-range", "deploy-permitted", "gpu-needs"}
    assert tried == set(built_in())
    assert compile_findings(policy(rules={name: {} for name in built_in()})) == []
    assert all(rule.why for rule in built_in().values())


@pytest.mark.parametrize("chart", ["vision-stack", "nvidia-device-plugin"])
def test_the_charts_that_come_with_edgectl_pass(chart: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: our own charts obey every rule and Kubernetes' schemas; what is looked at is what their sources give."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    text = (ROOT / "tests" / "cases" / "policy" / f"{chart}.yaml").read_text()
    sources = pack(ROOT / "templates" / "charts" / chart).digest
    assert sources in text, f"render {chart} again into tests/cases/policy, with its digest: {sources}"
    manifests = [doc for doc in yaml.safe_load_all(text) if doc]
    assert judged(policy(), *manifests) == ()
    assert check(manifests, "v1.36.3+k3s1").findings == ()


def test_a_rule_is_switched_off_by_name_and_never_silently() -> None:
    """Law: null takes a built-in rule away, and says that it is away. Seeded fault: a name that there is not."""
    said = policy(rules={"images-pinned": None})
    assert judged(said, changed(IMAGE, "a:latest")) == ()
    assert switched_off(said) == ("images-pinned",)
    ((where, sentence),) = compile_findings(policy(rules={"image-pinned": None}))
    assert where == ("policy", "rules", "image-pinned")
    assert sentence == 'there is no built-in rule "image-pinned" to switch off. Did you mean "images-pinned"?'


def test_of_a_built_in_rule_only_what_differs_is_said() -> None:
    """Law: what an inventory says of a rule lies over the rule that comes with edgectl."""
    said = policy(rules={"images-pinned": {"severity": "warning"}})
    (found,) = judged(said, changed(IMAGE, "a:latest"))
    assert (found.severity, found.refuses) == ("warning", False)
    assert {rule.name for rule in rules_of(said)} == set(built_in())


@pytest.mark.parametrize(
    ("rule", "key", "part"),
    [
        ({"over": "objects", "check": "object.kind ==", "message": "x"}, "check", "Syntax error"),
        (
            {"over": "objects", "check": "payload.store == 'x'", "message": "x"},
            "check",
            "undeclared reference to 'payload.store'",
        ),
        ({"over": "deploy", "check": "now + 1 > now", "message": "x"}, "check", "found no matching overload"),
        (
            {"over": "payload", "check": "true", "when": "1", "message": "x"},
            "when",
            "it gives int, and true",
        ),
        ({"over": "payload", "check": "true", "message": "is {store.}"}, "message", "Syntax error"),
    ],
)
def test_broken_cel_is_named_at_its_place(rule: dict[str, Any], key: str, part: str) -> None:
    """Law: an expression that is none is found when the inventory is read, not when a store needs it. Seeded: five."""
    ((where, sentence),) = compile_findings(policy(rules={"mine": rule}))
    assert where == ("policy", "rules", "mine", key)
    assert part in sentence


def test_a_new_rule_must_be_whole() -> None:
    """Law: a rule of an unknown name that says not everything is a finding, with the name that was meant."""
    found = compile_findings(policy(rules={"gpu-gates": {"severity": "warning"}}))
    assert found[0][1] == ('rule gpu-gates needs over, and no built-in rule has this name. Did you mean "gpu-gate"?')
