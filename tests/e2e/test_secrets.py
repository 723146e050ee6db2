"""Secrets on a real store: they reach pods' namespaces, a rotation is a change, and no value is seen on the way."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.node import JOURNAL
from tests.e2e.operator import Operator

pytestmark = pytest.mark.e2e

FIRST, SECOND = "hunter2-first-value", "hunter3-second-value"
VALUES = "/var/lib/edgectl/secrets/values.json"


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    """Return what one test leaves to the next."""
    return {}


@pytest.fixture
def operator(shop: Shop, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """Return an operator whose inventory names a secret in the environment, and one in a file."""
    monkeypatch.setenv("E2E_PASSWORD", state.setdefault("value", FIRST))
    token = shop.operator.inventory.parent / "token"
    token.write_text("token-of-a-file\n")

    def declare(doc: dict[str, Any]) -> None:
        secrets = doc["stores"][shop.operator.store].setdefault("secrets", {})
        secrets["app"] = {"keys": {"PASSWORD": {"env": "E2E_PASSWORD"}}}
        secrets["token"] = {"namespaces": ["vision"], "keys": {"TOKEN": {"file": "token", "version": "3"}}}

    if state.get("shop") is not shop:  # a new clone, or the first test
        state.update(shop=shop, operator=shop.operator.with_(change=declare))
    yield state["operator"]
    token.unlink()


def live(shop: Shop, name: str = "app", key: str = "PASSWORD", namespace: str = "vision") -> str:
    """Return a live value."""
    doc = json.loads(shop.node.kubectl("get", "secret", name, "-n", namespace, "-o", "json"))
    return base64.b64decode(doc["data"][key]).decode()


def hunt(shop: Shop, *values: str, said: str = "") -> None:
    """Look for values in what was said, on the node's disk outside of its one file, in its log and its processes."""
    for value in values:
        assert value not in said
        assert shop.node.sh(f"grep -rlF {value} /var/lib/edgectl /run/edgectl /etc /tmp || true") in {"", VALUES}
        assert shop.node.sh(f"journalctl -q -o cat | grep -cF {value} || true") == "0"
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                found = path.read_bytes()
            except OSError:  # it has ended
                continue
            assert value.encode() not in found or b"grep" in found, path


def test_a_deploy_brings_them(shop: Shop, operator: Operator) -> None:
    """A plan needs none; after the deploy they are Kubernetes Secrets, and the store's facts a ConfigMap."""
    plan = operator.run("plan", "-v")
    plan.has("secrets")
    said = operator.run("deploy", "-v", "-o", "json")
    assert "secrets" in said.document["changed"]
    assert live(shop) == live(shop, namespace="gpu-system") == FIRST
    assert live(shop, "token", "TOKEN") == "token-of-a-file"
    facts = json.loads(shop.node.kubectl("get", "configmap", "edgectl-store", "-n", "vision", "-o", "json"))
    assert json.loads(facts["data"]["store.json"])["name"] == shop.operator.store
    assert shop.node.sh(f"stat -c '%a %U' {VALUES} /var/lib/edgectl/secrets") == "600 root\n700 root"
    hunt(shop, FIRST, said=f"{plan}{said}")


def test_a_second_deploy_changes_nothing(shop: Shop, operator: Operator) -> None:
    """Law 2: no write of a Secret, no Helm revision, no file of the node."""
    operator.deploy()
    before = (shop.node.steady(), shop.node.sh(f"stat -c %Y.%i {VALUES}"), _version(shop))
    outcome = operator.deploy()
    assert outcome["changed"] == []
    assert (shop.node.steady(), shop.node.sh(f"stat -c %Y.%i {VALUES}"), _version(shop)) == before


def test_a_rotated_value_is_a_change(
    shop: Shop, operator: Operator, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payload is the same; `secrets` alone changes, and names the key without either value."""
    before = operator.deploy()
    state["value"] = SECOND
    monkeypatch.setenv("E2E_PASSWORD", SECOND)
    said = operator.run("deploy", "-v", "-o", "json")
    assert (said.document["changed"], said.document["payload"]) == (["secrets"], before["payload"])
    assert live(shop) == SECOND
    run = next(run for run in shop.node.runs() if said.document["run"] in run)
    assert "vision/app PASSWORD" in shop.node.sh(f"cat {JOURNAL}/{run}")
    hunt(shop, FIRST, SECOND, said=str(said))
    assert shop.node.sh(f"grep -cF {FIRST} {VALUES} || true") == "0"


def test_a_heal_puts_them_back(shop: Shop, operator: Operator) -> None:
    """With the line cut: deleted, and changed by hand."""
    operator.deploy()
    shop.sandbox.link.cut()
    try:
        shop.node.kubectl("delete", "secret", "app", "-n", "vision")
        shop.node.kubectl("patch", "secret", "token", "-n", "vision", "--patch", '{"stringData": {"TOKEN": "by hand"}}')
        verdict = shop.node.heal()
        assert (verdict["word"], verdict["changed"]) == ("ready", ["secrets"])
        assert live(shop) == json.loads(shop.node.sh(f"cat {VALUES}"))["app"]["PASSWORD"]
        assert live(shop, "token", "TOKEN") == "token-of-a-file"
    finally:
        shop.sandbox.link.heal()


def test_somebody_elses_is_refused_and_one_that_is_gone_from_the_inventory_goes(shop: Shop, operator: Operator) -> None:
    """Rule 12 by name, and the store goes back; then without its secrets, ours are gone and theirs stays."""
    operator.deploy()
    shop.node.kubectl("create", "secret", "generic", "theirs", "-n", "vision", "--from-literal=KEY=x")

    def take(doc: dict[str, Any]) -> None:
        secrets = doc["stores"][operator.store]["secrets"]
        secrets["theirs"] = {"namespaces": ["vision"], "keys": {"KEY": {"env": "E2E_PASSWORD"}}}

    said = operator.with_(change=take).run("deploy", code=6)
    said.has("Secret vision/theirs is somebody else's")
    assert live(shop, "theirs", "KEY") == "x"
    outcome = shop.operator.deploy()
    assert "retired" in outcome["changed"]
    names = {item["metadata"]["name"] for item in shop.node.objects("secrets", "-n", "vision")}
    assert ("theirs" in names, {"app", "token"} & names) == (True, set())
    shop.node.kubectl("delete", "secret", "theirs", "-n", "vision")


def _version(shop: Shop) -> list[str]:
    found = shop.node.objects("secrets,configmaps", "-A", "-l", "app.kubernetes.io/managed-by=edgectl")
    return [item["metadata"]["resourceVersion"] for item in found]
