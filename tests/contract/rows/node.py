"""What the API says about a node, and what k3s puts into the cluster by itself."""

from __future__ import annotations

import json

from tests.contract.bench import DATA, MAX_PODS, PASSWORD, Bench
from tests.contract.row import Row

_CONFIG_MAP = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\ndata: {{said: {said}}}\n"
)


def kubelet_version(bench: Bench) -> None:
    version = bench.server.sh("k3s --version").out.split()[2]
    assert bench.server.get(f"node {bench.server.name}")["status"]["nodeInfo"]["kubeletVersion"] == version
    assert json.loads(bench.server.kubectl("get --raw /version"))["gitVersion"] == version


def node_args(bench: Bench) -> None:
    metadata = bench.server.get(f"node {bench.server.name}")["metadata"]
    args = json.loads(metadata["annotations"]["k3s.io/node-args"])
    assert args[0] == "server"
    assert args[args.index("--node-label") + 1] == "edge.example/store=s001"
    assert args[args.index("--token") + 1] == "********"
    assert PASSWORD not in json.dumps(metadata)
    assert metadata["annotations"]["k3s.io/node-config-hash"]
    assert metadata["labels"]["edge.example/store"] == "s001"
    assert metadata["labels"]["node-role.kubernetes.io/control-plane"] == "true"
    assert metadata["labels"]["node.kubernetes.io/instance-type"] == "k3s"


def kubelet_drop_ins(bench: Bench) -> None:
    assert bench.server.exists(f"{DATA}/agent/etc/kubelet.conf.d/00-k3s-defaults.conf")
    config = json.loads(bench.server.kubectl(f"get --raw /api/v1/nodes/{bench.server.name}/proxy/configz"))
    assert config["kubeletconfig"]["maxPods"] == MAX_PODS


def _said(bench: Bench, name: str) -> str:
    ask = f"k3s kubectl get configmap {name} --ignore-not-found -o jsonpath='{{.data.said}}'"
    return bench.server.sh(ask, check=False).out


def _apply(bench: Bench, name: str, said: str) -> None:
    """Put a manifest there and wait until the cluster has it; whatever lay there before has been looked at then."""
    bench.server.put(f"{DATA}/server/manifests/{name}.yaml", _CONFIG_MAP.format(name=name, said=said))
    bench.server.wait(f"{name} is applied", lambda: _said(bench, name) == said)


def manifests(bench: Bench) -> None:
    _apply(bench, "contract", "one")
    _apply(bench, "contract", "two")
    bench.server.sh(f"rm {DATA}/server/manifests/contract.yaml")
    _apply(bench, "later", "seen")
    assert _said(bench, "contract") == "two"


def skipped_manifest(bench: Bench) -> None:
    path = f"{DATA}/server/manifests/early-skipped.yaml"
    bench.server.sh(f"touch {path}.skip")
    bench.server.put(path, _CONFIG_MAP.format(name="skipped", said="no"))
    _apply(bench, "later", "seen again")
    _apply(bench, "later", "and again")
    assert _said(bench, "skipped") == ""
    bench.server.sh(f"rm {path} {path}.skip")


def disabled(bench: Bench) -> None:
    names = bench.server.sh(f"ls {DATA}/server/manifests").out.split()
    assert "coredns.yaml" in names
    assert "runtimes.yaml" in names
    assert not {"traefik.yaml", "local-storage.yaml", "metrics-server"} & set(names)


def runtime_class(bench: Bench) -> None:
    assert bench.server.get("runtimeclass nvidia")["handler"] == "nvidia"


def coredns(bench: Bench) -> None:
    ask = "k3s kubectl -n kube-system get deployment coredns -o jsonpath='{.status.availableReplicas}'"
    bench.server.wait("CoreDNS is available", lambda: bench.server.sh(ask, check=False).out == "1", limit_seconds=120)


ROWS = (
    Row(
        "kubelet-version",
        "the node's `kubeletVersion` and the API's `/version` are the version that `k3s --version` says",
        "k3s `scripts/build` (ldflags of component-base)",
        kubelet_version,
    ),
    Row(
        "node-args",
        "the node bears k3s's arguments (secrets omitted), a hash of them, its labels and role",
        "k3s `pkg/nodeconfig/nodeconfig.go`",
        node_args,
    ),
    Row(
        "kubelet-drop-ins",
        "drop-ins of `agent/etc/kubelet.conf.d` come after k3s's own defaults and win",
        "docs.k3s.io/advanced (kubelet configuration drop-ins, v1.32 and later)",
        kubelet_drop_ins,
    ),
    Row(
        "runtime-class",
        "the RuntimeClass `nvidia` is there from the start",
        "k3s `manifests/runtimes.yaml`; docs.k3s.io/advanced",
        runtime_class,
    ),
    Row(
        "disable", "`disable:` keeps a packaged component out", "docs.k3s.io/installation/packaged-components", disabled
    ),
    Row(
        "coredns",
        "CoreDNS runs from imported images, without a registry",
        "k3s `manifests/coredns.yaml`; docs.k3s.io/installation/airgap",
        coredns,
    ),
    Row(
        "manifests",
        "a manifest in `server/manifests` is applied, and again when it changes; removing it removes nothing",
        "docs.k3s.io/installation/packaged-components (auto-deploying manifests)",
        manifests,
    ),
    Row(
        "manifest-skip",
        "`<file>.skip` keeps a manifest from being applied",
        "docs.k3s.io/installation/packaged-components",
        skipped_manifest,
    ),
)
