"""Inside a real store, from an operator's desk: what the tunnel lets through, what it does not, and what is left."""

from __future__ import annotations

import json
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from tests.e2e.conftest import Shop
from tests.e2e.node import Node
from tests.e2e.operator import Running

pytestmark = pytest.mark.e2e

_KINDS = "clusterroles,clusterrolebindings,serviceaccounts"


@pytest.fixture(autouse=True)
def _whole(shop: Shop) -> Iterator[None]:
    yield
    shop.sandbox.link.restore()


def readers(node: Node) -> list[str]:
    """Return what there is of readers in the cluster."""
    return node.kubectl("get", _KINDS, "-A", "-l", "edgectl.local/reader", "-o", "name").split()


def status(call: Callable[[], Any]) -> int:
    """Return the HTTP status of an answer."""
    try:
        call()
    except ApiException as error:
        return int(error.status or 0)
    return 200


def said(running: Running, text: str, *, seconds: float) -> None:
    """Wait until a command has written this on stdout."""
    deadline = time.monotonic() + seconds
    while not any(text in line for line in list(running._out)):
        assert time.monotonic() < deadline, f"no {text!r} in {running._out}, {running._err}"
        time.sleep(0.05)


def test_a_tunnel_reads_and_nothing_else(shop: Shop, tmp_path: Path) -> None:
    """The official client lists pods; writes, secrets, exec and forwarding are 403; a lost link comes back.

    When it ends, its token opens nothing and nothing of it is left, here and there. Seeded fault: a wildcard in the
    reader's rules.
    """
    file = tmp_path / "kubeconfig.yaml"
    tunnel = shop.operator.start("tunnel", "--kubeconfig", str(file))
    began = time.monotonic()
    print(f"tunnel up after {tunnel.until('Kubernetes API is at', seconds=60) - began:.1f} s")  # noqa: T201
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(readers(shop.node)) == 3
    made: Any = config.new_client_from_config(config_file=str(file))  # type: ignore[no-untyped-call]
    assert made.configuration.verify_ssl
    core: Any = client.CoreV1Api(made)
    apps, rights = client.AppsV1Api(made), client.RbacAuthorizationV1Api(made)
    (pod,) = core.list_namespaced_pod("vision", label_selector="app.kubernetes.io/name=camera").items
    name = pod.metadata.name
    assert core.read_namespaced_pod_log(name, "vision", tail_lines=1) is not None
    assert core.list_node().items
    assert core.list_event_for_all_namespaces(limit=1).items
    body: dict[str, Any] = {"metadata": {"name": "mine", "labels": {"a": "b"}}}
    refused: dict[str, Callable[[], Any]] = {
        "secrets": core.list_secret_for_all_namespaces,
        "a secret": lambda: core.read_namespaced_secret("sh.helm.release.v1.vision-stack.v1", "vision"),
        "exec": lambda: core.connect_get_namespaced_pod_exec(name, "vision", command=["id"]),
        "attach": lambda: core.connect_get_namespaced_pod_attach(name, "vision"),
        "portforward": lambda: core.connect_get_namespaced_pod_portforward(name, "vision", ports="9100"),
        "a node's proxy": lambda: core.connect_get_node_proxy_with_path(pod.spec.node_name, "pods"),
        "a service's proxy": lambda: core.connect_get_namespaced_service_proxy("camera", "vision"),
        "create": lambda: core.create_namespace(body),
        "patch": lambda: apps.patch_namespaced_deployment("camera", "vision", {"spec": {"replicas": 0}}),
        "scale": lambda: apps.patch_namespaced_deployment_scale("camera", "vision", {"spec": {"replicas": 0}}),
        "delete": lambda: core.delete_namespaced_pod(name, "vision"),
        "evict": lambda: core.create_namespaced_pod_eviction(name, "vision", body),
        "a token": lambda: core.create_namespaced_service_account_token("default", "vision", {"spec": {}}),
        "more rights": lambda: rights.patch_cluster_role(readers(shop.node)[0].rpartition("/")[2], {"rules": []}),
    }
    assert {what: status(call) for what, call in refused.items()} == dict.fromkeys(refused, 403)
    shop.sandbox.link.cut()
    tunnel.until("dialling again", seconds=40)
    shop.sandbox.link.heal()
    tunnel.until("the link is back", seconds=60)
    assert core.list_namespaced_pod("vision").items, "the same port, the same token"
    token = json.loads(file.read_text().partition("\n")[2])["users"][0]["user"]["token"]
    tunnel.signal(signal.SIGINT)
    ended = tunnel.finish(seconds=30)
    assert (ended.code, ended.out) == (0, f"{file}\n"), ended
    ended.has("its token opens nothing any more")
    assert not file.exists()
    assert readers(shop.node) == []
    asked = f"curl -sk -m 10 -o /dev/null -w '%{{http_code}}' -H 'Authorization: Bearer {token}'"
    deadline = time.monotonic() + 30  # the API remembers for a few seconds that a token was good
    while (code := shop.node.sh(f"{asked} https://127.0.0.1:6443/api/v1/pods").strip()) != "401":
        assert code == "403", "its rights go first"
        assert time.monotonic() < deadline


@pytest.mark.long
def test_a_command_has_the_tunnel_for_as_long_as_it_runs(shop: Shop, tmp_path: Path) -> None:
    """KUBECONFIG is set, the exit code is the command's; a tunnel that was killed is swept by the next one."""
    killed = shop.operator.start("tunnel", "--kubeconfig", str(tmp_path / "killed.yaml"))
    killed.until("Kubernetes API is at", seconds=60)
    killed.signal(signal.SIGKILL)
    killed.finish(seconds=10)
    (role,) = [one for one in readers(shop.node) if one.startswith("clusterrole.")]
    name = role.rpartition("/")[2]
    shop.node.kubectl("annotate", "--overwrite", f"clusterrole/{name}", "edgectl.local/until=1")
    ran = shop.operator.run("tunnel", "--for", "10m", "--", "sh", "-c", 'cat "$KUBECONFIG"; exit 7', code=7)
    document = json.loads(ran.out.partition("\n")[2])
    assert document["clusters"][0]["cluster"]["tls-server-name"] == "kubernetes"
    assert readers(shop.node) == []


@pytest.mark.long
def test_logs_and_events(shop: Shop) -> None:
    """Pods by their own and their workload's name, one that is none, followed over a cut; events with verdicts."""
    listed = shop.operator.run("logs")
    listed.has("vision/inference", "vision/camera", "WORKLOAD")
    wrong = shop.operator.run("logs", "infrence", code=2)
    wrong.has('did you mean "inference"?', "vision/inference")
    shop.operator.run("logs", "vision/camera", "-c", "nobody", code=2).has("no container nobody", "camera")
    rows = shop.operator.run("events", "-o", "json").document["events"]
    assert {row["source"] for row in rows} == {"kubernetes", "edgectl"}
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert any(row["word"] == "ready" for row in rows if row["source"] == "edgectl")
    assert all(row["message"].isprintable() for row in rows)
    shop.node.kubectl("run", "writes", "--image", _image(shop.node), "--restart=Never", "--command", "--", *_WRITES)
    try:
        shop.node.kubectl("wait", "pod/writes", "--for=condition=Ready", "--timeout=60s", seconds=90)
        running = shop.operator.start("logs", "writes", "--follow", "--tail", "1000")
        said(running, "line 5 ", seconds=60)
        shop.sandbox.link.cut()
        running.until("dialling again", seconds=40)
        shop.sandbox.link.heal()
        running.until("the link is back", seconds=60)
        seen = len(running._out)
        deadline = time.monotonic() + 60
        while len(running._out) < seen + 5 and time.monotonic() < deadline:
            time.sleep(0.1)
        running.signal(signal.SIGINT)
        ended = running.finish(seconds=30)
        assert ended.code == 0, ended
        numbers = [int(line.split()[1]) for line in ended.out.splitlines()]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "none twice, none lost"
        assert len(numbers) > seen
        assert "\x1b" not in ended.out
        assert "line 1 ?]0;owned? red" in ended.out
        lines = shop.operator.run("logs", "pod/writes", "--tail", "3", "-o", "json").document["lines"]
        assert len(lines) == 3
        assert all(line["text"].isprintable() and line["time"].startswith("20") for line in lines)
        shop.operator.run("logs", "writes", "--previous", code=3).has("previous terminated container")
    finally:
        shop.node.kubectl("delete", "pod", "writes", "--grace-period=1", "--wait=false")


_WRITES = (
    "python3",
    "-c",
    """import itertools, time
for number in itertools.count(1):
    print(f'line {number} \\x1b]0;owned\\x07 \\x1b[31mred', flush=True)
    time.sleep(0.2)
""",
)


def _image(node: Node) -> str:
    """Return an image of the store that has Python."""
    (pod,) = node.objects("pods", "-n", "vision", "-l", "app.kubernetes.io/name=camera")
    return str(pod["spec"]["containers"][0]["image"])
