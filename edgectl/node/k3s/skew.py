"""Which k3s versions may follow each other: Kubernetes' version skew policy, and what k3s itself can undo.

Pure: what runs, what ran before, what is wanted; no sentence means yes. A kubelet is no newer than its API server, and
at most three minor versions older; a server goes up by one minor version at a time and never down by one
(kubernetes.io/releases/version-skew-policy, docs.k3s.io/upgrades). Must not know how a version comes onto a node.
"""

from __future__ import annotations

from edgectl.wire.errors import Refused
from edgectl.wire.k3s import Version, Versions, parse

_MOST_OLDER = 3  # minor versions of an agent behind its server


def refuse(store: str, wanted: Versions, on: str, runs: Versions | None = None, before: Versions | None = None) -> None:
    """Raise Refused where the versions that are wanted cannot be, beside each other or after what runs.

    `on`: the node that is asked. The lead judges all of them, an agent itself only. `before`: what ran here before
    that; back to its patch version is a way that the lead has gone already. No agent is asked for that: it has no
    datastore, and what it remembers (it was replaced, or away) is no reason to keep the store where it is.
    """
    for name in wanted.of:
        _fits(name, wanted)
    was, ran = (one.of if one else {} for one in (runs, before))
    for name, version in wanted.of.items():
        if name in was and on in {name, wanted.lead}:
            _follows(store, name, version, was[name])
    if on == wanted.lead:
        _goes_back(store, *(one.get(on, "") for one in (wanted.of, was, ran)))


def _fits(name: str, wanted: Versions) -> None:
    """Compare an agent with its server."""
    said, servers = wanted.of[name], wanted.of.get(wanted.lead, "")
    version, server = _read(name, said), _read(wanted.lead, servers)
    if version[:2] > server[:2]:
        raise Refused(
            f"{name} would run k3s {said}, newer than {servers} of its server {wanted.lead}",
            hint="declare for the agent the minor version of its server, or an older one: servers go first",
        )
    if version[0] != server[0] or server[1] - version[1] > _MOST_OLDER:
        raise Refused(
            f"{name} would run k3s {said}, more than {_MOST_OLDER} minor versions behind "
            f"{servers} of its server {wanted.lead}",
            hint="raise the agent first, to a minor version that both may stand beside",
        )


def _follows(store: str, name: str, wanted: str, runs: str) -> None:
    """Compare a node with what it runs now."""
    want, have = _read(name, wanted), parse(runs)
    if have is None:
        return
    if want[:2] > (have[0], have[1] + 1):
        raise Refused(
            f"{store} runs {runs}; {wanted} is more than one minor version further",
            hint=f"declare v{have[0]}.{have[1] + 1} first, and go on from there when the store is ready",
        )
    if want[:2] < have[:2]:
        raise Refused(
            f"{store} runs {runs}; a k3s minor version cannot go back to {wanted}",
            hint="declare the k3s minor version that runs, or a newer one",
        )


def _goes_back(store: str, wanted: str, runs: str, before: str) -> None:
    """Compare a server's patch version with those that ran."""
    want, have = parse(wanted), parse(runs)
    if want is not None and have is not None and want < have and before != wanted:
        raise Refused(
            f"{store} runs {runs}; {wanted} is older, and not what ran before it",
            hint=f"declare {runs} or a newer patch version; `edgectl rollback` goes back one deploy",
        )


def _read(name: str, said: str) -> Version:
    version = parse(said)
    if version is None:
        raise Refused(
            f'{name} would run k3s "{said}", which is no version of k3s',
            hint="declare k3s.version as k3s says it itself, like v1.36.3+k3s1",
        )
    return version
