"""Tokens: the cluster's own, and how an agent joins with one."""

from __future__ import annotations

from tests.contract.bench import CONFIG, DATA, PASSWORD, Bench
from tests.contract.row import Check

_UNIT = "k3s-agent.service"


def changed_token(bench: Bench) -> None:
    cursor = bench.cursor()
    with bench.file(CONFIG, bench.config.replace(PASSWORD, "another-password")):
        bench.server.sh("systemctl restart --no-block k3s.service")
        bench.server.wait(
            "k3s says why",
            lambda: "bootstrap data already found and encrypted with different token" in bench.log(cursor),
            limit_seconds=60,
        )
        assert bench.server.sh("systemctl is-active k3s.service", check=False).out.strip() != "active"
    assert bench.server.read(f"{DATA}/server/token").strip().endswith(f"::server:{PASSWORD}")


def _join(bench: Bench, token: str) -> None:
    bench.install(bench.agent, role="agent", config=bench.agent_config(token))
    bench.agent.sh(f"systemctl restart --no-block {_UNIT}")


def _joined(bench: Bench) -> bool:
    said = bench.server.sh(
        f"k3s kubectl get node {bench.agent.name} -o jsonpath='{{.status.conditions[?(@.type==\"Ready\")].status}}'",
        check=False,
    )
    return said.out == "True"


def _leave(bench: Bench) -> None:
    bench.agent.sh(f"systemctl stop {_UNIT}", limit_seconds=60)
    bench.agent.sh(f"rm -f /etc/rancher/node/password; rm -f {DATA}/agent/*.crt {DATA}/agent/*.key")
    bench.server.sh(f"k3s kubectl delete node {bench.agent.name} --ignore-not-found", limit_seconds=60)
    bench.server.sh(f"k3s kubectl -n kube-system delete secret {bench.agent.name}.node-password.k3s --ignore-not-found")


def wrong_hash(bench: Bench) -> None:
    _join(bench, f"K10{'0' * 64}::server:{PASSWORD}")
    bench.agent.wait(
        "the agent says why",
        lambda: (
            "token CA hash does not match the Cluster CA certificate hash"
            in bench.agent.sh(f"journalctl -u {_UNIT} --no-pager -o cat").out
        ),
        limit_seconds=60,
    )
    assert bench.agent.sh(f"systemctl is-active {_UNIT}", check=False).out.strip() == "activating"
    bench.agent.sh(f"systemctl stop {_UNIT}", limit_seconds=60)


def short_token(bench: Bench) -> None:
    _join(bench, PASSWORD)
    bench.server.wait("the agent is a ready node", lambda: _joined(bench), limit_seconds=120)
    labels = bench.server.get(f"node {bench.agent.name}")["metadata"]["labels"]
    assert "node-role.kubernetes.io/control-plane" not in labels
    _leave(bench)


def full_token(bench: Bench) -> None:
    _join(bench, bench.server.read(f"{DATA}/server/token").strip())
    bench.server.wait("the agent is a ready node", lambda: _joined(bench), limit_seconds=120)
    _leave(bench)


CHECKS: dict[str, Check] = {
    "token-changed": changed_token,
    "join-wrong-hash": wrong_hash,
    "join-short": short_token,
    "join-full": full_token,
}
