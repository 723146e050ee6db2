"""What runs in a cluster that is here already: Helm releases of others, agents that would undo a deploy, and its age.

Owns: by which objects each is known. Asks for names alone, never for what is in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgectl.node.charts.history import releases_of
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look
from edgectl.node.k3s.expiry import leaves
from edgectl.wire.finding import OK, STOP, UNKNOWN, WARN, Finding
from edgectl.wire.survey import Declared

_SECONDS = 5.0
_AGENTS = {
    "Argo CD": ({"argocd"}, "applications.argoproj.io"),
    "Flux": ({"flux-system"}, "kustomizations.kustomize.toolkit.fluxcd.io"),
    "Fleet": ({"cattle-fleet-system"}, "bundledeployments.fleet.cattle.io"),
}
_DAYS, _NEAR = 86400, 30
_READ = "look at that file: openssl x509 -noout -enddate -in FILE"
_LARGE = 2 << 30


@dataclass(frozen=True)
class Cluster:
    """What the API told, as (namespace, name); `why` says that it did not."""

    releases: tuple[tuple[str, str], ...] = ()  # of Helm, made by somebody else
    charts: tuple[tuple[str, str], ...] = ()  # HelmChart objects, which k3s's own controller installs
    namespaces: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()  # names of CustomResourceDefinitions
    why: str = ""


def ask(look: Look) -> Cluster | None:
    """Ask the API of a k3s server; None where there is none."""
    if look.entry(look.places.k3s_data / "server/tls/client-admin.crt") is None:
        return None
    api = look.api.apart(_SECONDS)
    try:
        found = releases_of({"items": [{"metadata": one} for one in api.metadata(_SECRETS) or ()]})
        return Cluster(
            tuple(sorted(key for key, revision in found.items() if not revision.digest)),
            _named(api.metadata("/apis/helm.cattle.io/v1/helmcharts")),
            frozenset(str(one.get("name")) for one in api.metadata("/api/v1/namespaces") or ()),
            frozenset(str(one.get("name")) for one in api.metadata(_KINDS) or ()),
        )
    except LookFailed as failure:
        return Cluster(why=failure.reason)
    except Denied as answer:
        return Cluster(why=f"the Kubernetes API refuses to tell: {answer.message}")
    finally:
        api.close()


_SECRETS = "/api/v1/secrets?labelSelector=owner%3Dhelm"
_KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def judge(seen: Cluster | None, declared: Declared, *, ours: bool) -> Iterator[Finding]:
    """Yield what is said of it. Pure. What lives beside a store that runs already is no news to it."""
    if seen is None:
        return
    if seen.why:
        yield Finding(
            "others-cluster", UNKNOWN, f"what runs in the cluster is not known: {seen.why}", "journalctl -u k3s -n 50"
        )
        return
    stands = WARN if ours or declared.take_over else STOP
    yield from _releases(seen, declared, stands)
    for name, (spaces, kind) in _AGENTS.items():
        found = [f"namespace {one}" for one in sorted(spaces & seen.namespaces)] + [kind] * (kind in seen.kinds)
        if found:
            hint = (
                f"let it leave the store's namespaces alone, or remove it: two that decide undo each other; {_LET_IN}"
            )
            about = f"others-{name.lower().replace(' ', '')}"
            yield Finding(
                about, stands, f"{name} is installed in this cluster and may undo what is deployed", hint, tuple(found)
            )
    if seen.charts:
        names = ", ".join("/".join(one) for one in seen.charts)
        hint = f"kubectl delete helmchart -n NAMESPACE NAME, unless it is meant to stay; {_LET_IN}"
        yield Finding("others-helmchart", stands, f"k3s's own controller installs charts here: {names}", hint)


_LET_IN = "--take-over goes on all the same"


def _releases(seen: Cluster, declared: Declared, stands: str) -> Iterator[Finding]:
    same = [f"{space}/{name}" for space, name in seen.releases if f"{space}/{name}" in declared.releases]
    others = [one for space, name in seen.releases if (one := f"{space}/{name}") not in same]
    if same:
        hint = "give yours another name, or let --take-over upgrade what is there to what is declared"
        word = WARN if declared.take_over else STOP
        yield Finding(
            "others-release", word, f"Helm releases of the same name are somebody else's: {', '.join(same)}", hint
        )
    if others:
        hint = f"they stay as they are, and share the node; helm uninstall what is not wanted; {_LET_IN}"
        yield Finding("others-helm", stands, f"Helm releases of somebody else are here: {', '.join(others)}", hint)
    if not same and not others:
        yield Finding("others-helm", OK, "no Helm release of somebody else")


def _named(found: tuple[dict[str, object], ...] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((str(one.get("namespace", "")), str(one.get("name", ""))) for one in found or ()))


def age(look: Look, *, now: float) -> Iterator[Finding]:
    """Yield how long k3s's certificates are good, and how large its datastore is, where there are any."""
    about = "k3s-certificates"
    try:
        ends = leaves(look)
    except LookFailed as failure:
        ends = {}
        yield Finding(about, UNKNOWN, f"when k3s's certificates end is not known: {failure.reason}", _READ)
    if ends:
        name, end = min(ends.items(), key=lambda item: item[1])
        days = (end - now) / _DAYS
        shown = f"the first of k3s's certificates ends in {days:.0f} days ({name})"
        if days < 0:
            yield Finding(
                about,
                STOP,
                f"k3s's certificate {name} has ended",
                "is the clock right? else systemctl restart k3s renews it",
            )
        else:
            hint = "systemctl restart k3s renews what ends within 120 days" if days < _NEAR else ""
            yield Finding(about, WARN if days < _NEAR else OK, shown, hint)
    database = look.entry(look.places.k3s_data / "server/db/state.db")
    if database is not None:
        large = database.st_size > _LARGE
        hint = (
            "something writes many objects: kubectl get events -A | wc -l; sqlite3 state.db 'vacuum' with k3s stopped"
        )
        yield Finding(
            "k3s-datastore",
            WARN if large else OK,
            f"k3s's datastore has {database.st_size / 1e6:.0f} MB",
            hint if large else "",
        )
