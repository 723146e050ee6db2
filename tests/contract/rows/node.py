"""What the API says about a node, and what k3s puts into the cluster by itself."""

from __future__ import annotations

from tests.contract.bench import DATA, Bench
from tests.contract.row import Check

_CONFIG_MAP = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\ndata: {{said: {said}}}\n"
)


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


CHECKS: dict[str, Check] = {
    "manifests": manifests,
    "manifest-skip": skipped_manifest,
}
