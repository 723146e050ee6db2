"""Whose machine it is: k3s that we have not installed, other Kubernetes, releases and agents of others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.survey.cluster import Cluster, age, ask, judge
from edgectl.node.survey.others import judge as judge_others
from edgectl.node.survey.others import there
from edgectl.wire.finding import OK, STOP, UNKNOWN, WARN, Finding
from edgectl.wire.survey import Declared
from tests.unit.node.fake import FakeNode
from tests.unit.node.k3s.test_certificates import pem

STORE = Declared(releases=("vision/vision-stack",))


def put(node: FakeNode, path: str, text: str = "") -> Path:
    """Write a file of the node."""
    place = node.places.root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place


def found(node: FakeNode, *, ours: bool = False, agent: bool = False, take_over: bool = False) -> dict[str, Finding]:
    return {one.about: one for one in judge_others(there(node), ours=ours, agent=agent, take_over=take_over)}


def test_a_bare_node_is_nobodys(node: FakeNode) -> None:
    """Said as fine, not left out."""
    assert [(one.about, one.word) for one in found(node).values()] == [("others-k3s", OK)]


@pytest.mark.parametrize(
    "path", ["/usr/local/bin/k3s", "/etc/systemd/system/k3s.service", "/var/lib/rancher/k3s/server/db/state.db"]
)
def test_a_k3s_without_our_record_stops(node: FakeNode, path: str) -> None:
    """Its program, its unit or its data alone; taken over, it is only said. With slots of ours it is ours."""
    put(node, path)
    one = found(node)["others-k3s"]
    assert (one.word, "--take-over" in one.hint, len(one.evidence)) == (STOP, True, 1)
    assert found(node, take_over=True)["others-k3s"].word == WARN
    assert "others-k3s" not in found(node, ours=True)


def test_what_stays_of_its_settings_is_said(node: FakeNode) -> None:
    """Files that edgectl does not write, and k3s reads."""
    put(node, "/usr/local/bin/k3s")
    put(node, "/etc/rancher/k3s/config.yaml.d/10-theirs.yaml")
    assert "/etc/rancher/k3s/config.yaml.d stays" in found(node, take_over=True)["others-k3s"].reason


@pytest.mark.parametrize(("unit", "agent"), [("k3s-agent.service", False), ("k3s.service", True)])
def test_another_role_is_never_taken_over(node: FakeNode, unit: str, *, agent: bool) -> None:
    """A server of another cluster becomes nobody's agent by new files, nor the other way round."""
    put(node, f"/etc/systemd/system/{unit}")
    one = found(node, agent=agent, take_over=True)["others-k3s"]
    assert (one.word, "uninstall" in one.hint) == (STOP, True)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/etc/kubernetes/kubelet.conf", "kubelet"),
        ("/snap/bin/microk8s", "microk8s"),
        ("/opt/rke2/bin/rke2", "rke2"),
        ("/usr/local/bin/k0s", "k0s"),
    ],
)
def test_another_kubernetes_is_refused_by_name(node: FakeNode, path: str, name: str) -> None:
    """Also when k3s may be taken over: two kubelets share no machine. Beside a store that runs it is only told."""
    put(node, path)
    for one, word in ((found(node), STOP), (found(node, take_over=True), STOP), (found(node, ours=True), WARN)):
        assert (one[f"others-{name}"].word, name in one[f"others-{name}"].reason) == (word, True)


CLUSTERS: list[tuple[Cluster, str, str]] = [
    (Cluster(releases=(("shop", "till"),)), "others-helm", "shop/till"),
    (Cluster(namespaces=frozenset({"argocd"})), "others-argocd", "Argo CD"),
    (Cluster(kinds=frozenset({"kustomizations.kustomize.toolkit.fluxcd.io"})), "others-flux", "Flux"),
    (Cluster(namespaces=frozenset({"cattle-fleet-system"})), "others-fleet", "Fleet"),
    (Cluster(charts=(("kube-system", "traefik"),)), "others-helmchart", "kube-system/traefik"),
]


@pytest.mark.parametrize(("seen", "about", "said"), CLUSTERS, ids=[about for _, about, _ in CLUSTERS])
def test_what_runs_in_somebody_elses_cluster_stops(seen: Cluster, about: str, said: str) -> None:
    """By name; with --take-over, or beside a store of ours that runs, it is only told."""

    def word(declared: Declared, *, ours: bool) -> str:
        (one,) = (one for one in judge(seen, declared, ours=ours) if one.about == about)
        assert said in one.reason
        return one.word

    assert word(STORE, ours=False) == STOP
    assert word(Declared(take_over=True), ours=False) == WARN
    assert word(STORE, ours=True) == WARN


def test_a_release_of_our_name_is_not_adopted_unasked() -> None:
    """Beside a store that runs, too: its deploy would refuse."""
    seen = Cluster(releases=(("vision", "vision-stack"), ("shop", "till")))
    said = {one.about: one.word for one in judge(seen, STORE, ours=True)}
    assert said == {"others-release": STOP, "others-helm": WARN}


def test_a_cluster_that_does_not_tell_is_not_fine() -> None:
    """Could not look is never fine; without a cluster there is nothing to say."""
    assert [one.word for one in judge(Cluster(why="connection refused"), STORE, ours=True)] == [UNKNOWN]
    assert list(judge(None, STORE, ours=True)) == []
    assert [one.word for one in judge(Cluster(), STORE, ours=True)] == [OK]


class Api:
    """Lists of a cluster, as metadata alone."""

    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        self.lists = lists

    def apart(self, seconds: float) -> Api:
        """Return the same."""
        assert seconds > 0
        return self

    def metadata(self, path: str) -> tuple[dict[str, Any], ...] | None:
        """Return a list, None where there is no such kind."""
        name = path.partition("?")[0].rsplit("/", 1)[-1]
        return tuple(self.lists[name]) if name in self.lists else None

    def close(self) -> None:
        """Have nothing to close."""


def test_only_names_are_asked_for(node: FakeNode) -> None:
    """Releases of ours bear our label; a kind that the cluster does not know is none."""
    assert ask(node) is None
    put(node, "/var/lib/rancher/k3s/server/tls/client-admin.crt")
    release = {"owner": "helm", "version": "1", "status": "deployed"}
    ours = {"namespace": "vision", "labels": {**release, "name": "vision-stack", "edgectl.digest": "abc"}}
    theirs = {"namespace": "shop", "labels": {**release, "name": "till"}}
    node.api = Api(secrets=[ours, theirs], namespaces=[{"name": "argocd"}])  # type: ignore[assignment]
    assert ask(node) == Cluster(releases=(("shop", "till"),), namespaces=frozenset({"argocd"}))


@pytest.mark.parametrize(("now", "word"), [(1_790_000_000, OK), (1_799_000_000, WARN), (1_801_000_000, STOP)])
def test_certificates_that_end_are_named(node: FakeNode, now: float, word: str) -> None:
    """k3s renews at its start what ends soon; a store that never restarts it must be told."""
    assert list(age(node, now=now)) == []
    put(node, "/var/lib/rancher/k3s/server/tls/client-admin.crt", pem(datetime(2027, 1, 15, 8, tzinfo=UTC)))
    put(node, "/var/lib/rancher/k3s/server/tls/server-ca.crt", pem(datetime(2026, 2, 1, tzinfo=UTC)))
    put(node, "/var/lib/rancher/k3s/server/db/state.db", "x" * 100)
    said = {one.about: one.word for one in age(node, now=now)}
    assert said == {"k3s-certificates": word, "k3s-datastore": OK}


def test_a_certificate_that_cannot_be_read_is_not_known(node: FakeNode) -> None:
    """Law: one that is torn is not passed over, as if it were good; the rest is said all the same.

    Seeded: what cannot be read has no end.
    """
    put(node, "/var/lib/rancher/k3s/server/tls/client-admin.crt", pem(datetime(2027, 1, 15, 8, tzinfo=UTC)))
    put(node, "/var/lib/rancher/k3s/server/tls/etcd/client.crt", "torn")
    put(node, "/var/lib/rancher/k3s/server/db/state.db", "x" * 100)
    said = {one.about: one for one in age(node, now=1_790_000_000)}
    assert {about: one.word for about, one in said.items()} == {"k3s-certificates": UNKNOWN, "k3s-datastore": OK}
    assert "etcd/client.crt is no certificate" in said["k3s-certificates"].reason
