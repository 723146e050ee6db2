"""Versions of k3s that cannot stand beside each other, or follow each other, are refused by name."""

from __future__ import annotations

import pytest

from edgectl.node.k3s.skew import refuse
from edgectl.wire.errors import Refused
from edgectl.wire.k3s import Versions


def _store(server: str, agent: str = "") -> Versions:
    return Versions("node-1", {"node-1": server, **({"node-2": agent} if agent else {})})


@pytest.mark.parametrize(
    ("runs", "wanted"),
    [
        ("v1.36.3+k3s1", "v1.36.3+k3s1"),
        ("v1.36.3+k3s1", "v1.36.3+k3s2"),
        ("v1.36.3+k3s1", "v1.36.11+k3s1"),
        ("v1.36.3+k3s1", "v1.37.0+k3s1"),
        ("v1.37.0-rc1+k3s1", "v1.37.0+k3s1"),
        ("of no form", "v1.36.3+k3s1"),  # nothing that could be compared: what is wanted has a form
    ],
)
def test_what_k3s_can_do_is_let_through(runs: str, wanted: str) -> None:
    """The same again, a newer patch (by number, not by letter), the next minor version."""
    refuse("store-042", _store(wanted), "node-1", _store(runs))


@pytest.mark.parametrize(
    ("runs", "wanted", "says"),
    [
        ("v1.36.3+k3s1", "v1.38.0+k3s1", "v1.38.0+k3s1 is more than one minor version further"),
        ("v1.36.3+k3s1", "v2.0.0+k3s1", "is more than one minor version further"),
        ("v1.36.3+k3s1", "v1.35.9+k3s1", "a k3s minor version cannot go back to v1.35.9+k3s1"),
        ("v1.36.3+k3s1", "v1.36.2+k3s1", "v1.36.2+k3s1 is older, and not what ran before it"),
        ("v1.36.3+k3s2", "v1.36.3+k3s1", "v1.36.3+k3s1 is older, and not what ran before it"),
        ("v1.36.3+k3s1", "v1.36.3-rc1+k3s1", "is older, and not what ran before it"),
        ("v1.36.3+k3s1", "latest", 'node-1 would run k3s "latest", which is no version of k3s'),
        ("v1.36.3+k3s1", "v1.36.4", "which is no version of k3s"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(runs: str, wanted: str, says: str) -> None:
    """Two minor versions at once, a downgrade, and what is no version; each with what to do."""
    with pytest.raises(Refused) as refused:
        refuse("store-042", _store(wanted), "node-1", _store(runs))
    assert says in refused.value.message
    assert refused.value.hint


def test_back_to_the_patch_version_that_ran_before() -> None:
    """That way was gone already; a minor version stays one way, whatever ran before."""
    refuse("store-042", _store("v1.36.2+k3s1"), "node-1", _store("v1.36.3+k3s1"), _store("v1.36.2+k3s1"))
    with pytest.raises(Refused, match="not what ran before it"):
        refuse("store-042", _store("v1.36.1+k3s1"), "node-1", _store("v1.36.3+k3s1"), _store("v1.36.2+k3s1"))
    with pytest.raises(Refused, match="minor version cannot go back"):
        refuse("store-042", _store("v1.35.2+k3s1"), "node-1", _store("v1.36.3+k3s1"), _store("v1.35.2+k3s1"))


@pytest.mark.parametrize(
    ("server", "agent", "says"),
    [
        ("v1.36.3+k3s1", "v1.36.4+k3s1", ""),  # Kubernetes counts minor versions
        ("v1.36.3+k3s1", "v1.33.1+k3s1", ""),
        ("v1.36.3+k3s1", "v1.37.0+k3s1", "node-2 would run k3s v1.37.0+k3s1, newer than v1.36.3+k3s1 of its server"),
        ("v1.36.3+k3s1", "v1.32.9+k3s1", "more than 3 minor versions behind v1.36.3+k3s1 of its server node-1"),
    ],
)
def test_an_agent_beside_its_server(server: str, agent: str, says: str) -> None:
    """No newer than its server, and at most three minor versions older: of a first deploy, too."""
    if not says:
        refuse("store-042", _store(server, agent), "node-1")
        return
    with pytest.raises(Refused) as refused:
        refuse("store-042", _store(server, agent), "node-1")
    assert says in refused.value.message


def test_the_way_back_is_the_servers_alone() -> None:
    """Law: no agent keeps a store from an older patch version: it has no datastore, and may remember less or other.

    Seeded: each node asks for what ran before on it; the lead asks for what ran before on an agent.
    """
    back, runs = _store("v1.36.2+k3s1", "v1.36.2+k3s1"), _store("v1.36.3+k3s1", "v1.36.3+k3s1")
    for before in (None, back, _store("v1.36.1+k3s1", "v1.36.1+k3s1")):
        refuse("store-042", back, "node-2", runs, before)
    refuse("store-042", back, "node-1", runs, _store("v1.36.2+k3s1", "v1.36.1+k3s1"))
    refuse("store-042", back, "node-1", runs, _store("v1.36.2+k3s1"))
    with pytest.raises(Refused, match="not what ran before it"):
        refuse("store-042", back, "node-1", runs, _store("v1.36.1+k3s1", "v1.36.2+k3s1"))


def test_a_minor_version_of_an_agent_goes_one_way_too() -> None:
    """What the agent itself runs, and what the lead knows of it; of its server it says nothing."""
    runs, back = _store("v1.36.3+k3s1", "v1.36.3+k3s1"), _store("v1.36.3+k3s1", "v1.35.3+k3s1")
    for on in ("node-1", "node-2"):
        with pytest.raises(Refused, match="minor version cannot go back"):
            refuse("store-042", back, on, runs, back)
    refuse("store-042", _store("v1.36.3+k3s1", "v1.36.3+k3s1"), "node-2", _store("v1.37.1+k3s1", "v1.36.3+k3s1"))


def test_a_node_that_is_new_has_nothing_to_go_back_from() -> None:
    """An agent that joins follows nothing; it is compared with its server alone."""
    runs = _store("v1.36.3+k3s1")
    refuse("store-042", _store("v1.36.3+k3s1", "v1.35.1+k3s1"), "node-1", runs)
