"""k3s as a unit of systemd: ready, restarted, ended."""

from __future__ import annotations

from tests.contract.bench import DATA, Bench
from tests.contract.row import Check

_POD = """{
  "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stays", "namespace": "default"},
  "spec": {"terminationGracePeriodSeconds": 0, "tolerations": [{"operator": "Exists"}], "containers": [
    {"name": "pause", "image": "docker.io/rancher/mirrored-pause:3.6", "imagePullPolicy": "Never"}]}
}"""


def ready(bench: Bench) -> None:
    """`systemctl restart` returns when the API answers, not before."""
    tls = f"{DATA}/server/tls"
    bench.server.sh(
        f"systemctl restart k3s.service && curl -sf -m 5 --cacert {tls}/server-ca.crt --cert {tls}/client-admin.crt"
        f" --key {tls}/client-admin.key https://127.0.0.1:6443/readyz",
        limit_seconds=180,
    )


def _container(bench: Bench) -> str:
    found = bench.server.get("pod stays")["status"].get("containerStatuses") or [{}]
    return str(found[0].get("containerID", "")) if found[0].get("ready") else ""


def containers_outlive(bench: Bench) -> None:
    bench.server.sh("k3s kubectl apply -f -", stdin=_POD.encode())
    bench.server.wait("the pod runs", lambda: _container(bench) != "", limit_seconds=120)
    before = _container(bench)
    identity = before.removeprefix("containerd://")
    find = "pgrep -f 'containerd-shim-runc-v2 .*-namespace k8s.io' | wc -l; ps -eo args | grep -c '[/]pause'"
    running = bench.server.sh(find).out
    bench.server.sh("systemctl stop k3s.service", limit_seconds=120)
    assert bench.server.sh(find).out == running, "containers go on while k3s is stopped"
    bench.restart()
    bench.server.wait("the same container is ready", lambda: _container(bench) == before, limit_seconds=60)
    assert identity in bench.server.sh("k3s ctr containers ls -q").out
    pod = bench.server.get("pod stays")["status"]["containerStatuses"][0]
    assert pod["restartCount"] == 0
    bench.server.kubectl("delete pod stays --wait=false")


def killed(bench: Bench) -> None:
    """Killed hard, k3s is started again by systemd and finds its way."""
    before = bench.server.sh("systemctl show -P MainPID k3s.service").out.strip()
    bench.server.sh(f"kill -9 {before}")

    def back() -> bool:
        said = bench.server.sh("systemctl is-active k3s.service", check=False).out.strip()
        return said == "active" and bench.server.sh("systemctl show -P MainPID k3s.service").out.strip() != before

    bench.server.wait("k3s is active again", back, limit_seconds=120)
    bench.server.kubectl("get --raw /readyz")


CHECKS: dict[str, Check] = {
    "notify": ready,
    "containers-outlive": containers_outlive,
    "killed": killed,
}
