"""The store repairs itself: nobody is there, and the timer's run puts back what was changed by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.node import Node

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _nobody_is_there(settled: Shop) -> Iterator[None]:
    """Cut the line: no operator can have helped."""
    settled.sandbox.link.cut()
    yield
    settled.sandbox.link.heal()


def _heals(node: Node) -> dict[str, Any]:
    """Let the timer's run heal: one revision of the vision release, of no other; inference answers afterwards."""
    before = node.revisions()
    verdict = node.heal()
    assert (verdict["reason"], verdict["word"], verdict["changed"]) == ("", "ready", ["release-vision-stack"])
    assert node.revisions() == {**before, "vision-stack": before["vision-stack"] + 1}
    assert node.answers() == ""
    pod: dict[str, Any] = node.inference()["spec"]["template"]["spec"]
    return pod


def test_an_image_set_by_hand_comes_back(shop: Shop) -> None:
    pod = shop.node.inference()["spec"]["template"]["spec"]
    gate = pod["initContainers"][0]["image"]
    shop.node.kubectl("set", "image", "-n", "vision", "deployment/inference", f"inference={gate}")
    assert _heals(shop.node)["containers"][0]["image"] == pod["containers"][0]["image"]


def test_replicas_scaled_to_zero_come_back(shop: Shop) -> None:
    shop.node.kubectl("scale", "-n", "vision", "deployment/inference", "--replicas=0")
    _heals(shop.node)
    assert shop.node.inference()["status"]["readyReplicas"] == 1


def test_a_removed_init_container_comes_back(shop: Shop) -> None:
    """Without the gate, inference could start before the GPU is there."""
    patch = json.dumps([{"op": "remove", "path": "/spec/template/spec/initContainers"}])
    shop.node.kubectl("patch", "-n", "vision", "deployment", "inference", "--type=json", f"--patch={patch}")
    assert [item["name"] for item in _heals(shop.node)["initContainers"]] == ["gpu-gate"]


def test_a_deleted_deployment_comes_back(shop: Shop) -> None:
    shop.node.kubectl("delete", "-n", "vision", "deployment", "inference")
    _heals(shop.node)


def test_a_heal_of_what_is_as_declared_changes_nothing(shop: Shop) -> None:
    """Law 2 for the timer, which asks every few minutes for years."""
    before = shop.node.steady()
    verdict = shop.node.heal()
    assert (verdict["word"], verdict["changed"]) == ("ready", [])
    assert shop.node.steady() == before


def test_the_datastore_is_kept_before_k3s_is_raised(shop: Shop) -> None:
    """An older k3s is replaced: what it has stored was copied first, while it ran, and k3s comes up from the copy."""
    node, kept = shop.node, "/var/lib/edgectl/backups/v1.35.7+k3s1"
    node.kubectl("create", "configmap", "known", "-n", "vision", "--from-literal=since=before")
    older = '#!/bin/sh\n[ "$1" = --version ] && echo \'k3s version v1.35.7+k3s1 (older)\' || exec /root/k3s.real "$@"\n'
    node.sh("cp -p /usr/local/bin/k3s /root/k3s.real && rm /usr/local/bin/k3s")
    node.run("sh", "-c", "cat > /usr/local/bin/k3s && chmod 755 /usr/local/bin/k3s", stdin=older)
    verdict = node.heal()
    assert (verdict["word"], verdict["changed"]) == ("ready", ["k3s-binary"])
    files = ("state.db", "token", "why.json")
    assert node.sh(f"stat -c '%a %n' {kept}/*").splitlines() == [f"600 {kept}/{name}" for name in files]
    node.kubectl("delete", "configmap", "known", "-n", "vision")
    node.sh(f"""systemctl stop k3s && cd /var/lib/rancher/k3s/server && cmp {kept}/token token
        rm -f db/state.db-wal db/state.db-shm && cp {kept}/state.db db/state.db && systemctl start k3s""")
    assert node.heal()["word"] == "ready"
    assert node.kubectl("get", "configmap", "known", "-n", "vision", "-o", "jsonpath={.data.since}") == "before"
    node.kubectl("delete", "configmap", "known", "-n", "vision")
    node.sh("rm -r /root/k3s.real /var/lib/edgectl/backups")
