"""config.yaml, its drop-ins, and keys that k3s does not know."""

from __future__ import annotations

import json

from tests.contract.bench import CONFIG, DATA, Bench
from tests.contract.row import Check


def _labels(bench: Bench) -> dict[str, str]:
    labels: dict[str, str] = bench.server.get(f"node {bench.server.name}")["metadata"]["labels"]
    return labels


def drop_ins(bench: Bench) -> None:
    first, second = f"{CONFIG}.d/10-first.yaml", f"{CONFIG}.d/20-second.yaml"
    with (
        bench.file(first, "node-label: [edge.example/order=first]\nwrite-kubeconfig-mode: '0600'\n"),
        bench.file(second, "node-label+: [edge.example/also=second]\nwrite-kubeconfig-mode: '0644'\n"),
    ):
        bench.restart()
        args = json.dumps(_args(bench))
        assert "edge.example/store=s001" not in args, "a later file replaces a key"
        assert "edge.example/order=first" in args
        assert "edge.example/also=second" in args, "`key+` adds to it"
        assert bench.server.mode("/etc/rancher/k3s/k3s.yaml") == "644", "files count in the order of their names"


def _args(bench: Bench) -> list[str]:
    def fresh() -> bool:
        return "edge.example/order=first" in _annotation(bench)

    bench.server.wait("the node bears its new arguments", fresh, limit_seconds=30)
    args: list[str] = json.loads(_annotation(bench))
    return args


def _annotation(bench: Bench) -> str:
    annotations = bench.server.get(f"node {bench.server.name}")["metadata"]["annotations"]
    return str(annotations.get("k3s.io/node-args", ""))


def unknown_key_of_server(bench: Bench) -> None:
    with bench.file(f"{CONFIG}.d/90-unknown.yaml", "no-such-key: 1\n"):
        cursor = bench.cursor()
        bench.restart()
        assert "Unknown flag --no-such-key found in config.yaml, skipping" in bench.log(cursor)


def unknown_key_of_agent(bench: Bench) -> None:
    bench.agent.put("/root/unknown.yaml", "no-such-key: 1\n")
    said = bench.agent.sh("timeout 20 k3s agent --config /root/unknown.yaml", check=False)
    assert said.code not in (0, 124)
    assert "flag provided but not defined: -no-such-key" in said.all


def unknown_flag(bench: Bench) -> None:
    said = bench.agent.sh("timeout 20 k3s server --no-such-flag", check=False)
    assert said.code not in (0, 124)
    assert "flag provided but not defined: -no-such-flag" in said.all


def registries(bench: Bench) -> None:
    text = 'mirrors:\n  registry.example:\n    endpoint: ["http://10.9.9.9:5000"]\n'
    hosts = f"{DATA}/agent/etc/containerd/certs.d/registry.example/hosts.toml"
    with bench.file("/etc/rancher/k3s/registries.yaml", text):
        assert not bench.server.exists(hosts), "it is read at start only"
        bench.restart()
        assert "http://10.9.9.9:5000/v2" in bench.server.read(hosts)
        assert f"{DATA}/agent/etc/containerd/certs.d" in bench.server.read(f"{DATA}/agent/etc/containerd/config.toml")
    assert not bench.server.exists(hosts)


CHECKS: dict[str, Check] = {
    "config-drop-ins": drop_ins,
    "unknown-key-server": unknown_key_of_server,
    "unknown-key-agent": unknown_key_of_agent,
    "unknown-flag": unknown_flag,
    "registries": registries,
}
