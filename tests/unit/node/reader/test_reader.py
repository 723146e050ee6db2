"""Readers: what they may, that they go, and that nothing of somebody else's goes with them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, cast

import pytest

from edgectl.node.io.api import Denied, WriteApi
from edgectl.node.io.places import Places
from edgectl.node.reader import objects
from edgectl.node.reader.reader import answer, close, make, sweep
from edgectl.wire.errors import NotReady, Refused

NAME = "edgectl-reader-0123456789abcdef"
OTHER = "edgectl-reader-fedcba9876543210"
THREE = set(objects.paths(NAME))


class Cluster:
    """Objects by path, as the API keeps them. `fails_at` is the place of the POST that is denied, from 1."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.posts = 0
        self.fails_at = 0

    def get(self, path: str) -> dict[str, Any] | None:
        """Return an object, or those of a collection that have a label."""
        place, _, query = path.partition("?")
        if query:
            assert "edgectl.local" in query
            assert "managed-by" in query
            items = [item for at, item in self.objects.items() if at.rpartition("/")[0] == place]
            return {"items": copy.deepcopy([one for one in items if "edgectl.local/reader" in labels(one)])}
        return copy.deepcopy(self.objects.get(place))

    def post(self, path: str, item: dict[str, Any]) -> dict[str, Any]:
        """Make an object or a token."""
        self.posts += 1
        if self.posts == self.fails_at:
            raise Denied(403, "a webhook says no")
        if path.endswith("/token"):
            assert path.removesuffix("/token") in self.objects
            return {"status": {"token": "secret", "expirationTimestamp": "2026-11-28T12:00:00Z"}}
        place = f"{path}/{item['metadata']['name']}"
        if place in self.objects:
            raise Denied(409, "already exists")
        self.objects[place] = {**item, "metadata": {**item["metadata"], "uid": f"uid-{self.posts}"}}
        return copy.deepcopy(self.objects[place])

    def delete(self, path: str) -> None:
        """Delete an object."""
        self.objects.pop(path, None)

    @property
    def api(self) -> WriteApi:
        """Return it as the product knows it."""
        return cast("WriteApi", self)


def labels(item: dict[str, Any]) -> dict[str, str]:
    return dict(item["metadata"].get("labels") or {})


def test_the_rules_read_named_things_and_no_secret() -> None:
    """No wildcard, no secrets, no way into a pod or past the API, and no verb that changes anything.

    `get` on pods/exec is enough for a shell. Seeded fault: add "secrets", "pods/exec" or "*".
    """
    rules = objects.role(NAME, who="me", until=1.0)["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    named = {kind for rule in rules for kind in rule["resources"]}
    assert "pods/log" in named
    assert not {kind for kind in named if "*" in kind or "secret" in kind}
    assert {kind for kind in named if "/" in kind} == {"pods/log", "pods/status"}
    assert not {"impersonate", "bind", "escalate"} & {verb for rule in rules for verb in rule["verbs"]}
    assert all(set(rule) == {"apiGroups", "resources", "verbs"} for rule in rules)


def test_made_bound_and_taken_away() -> None:
    """Three objects with our mark; two go with the first, whoever deletes that; all go with `close`."""
    cluster = Cluster()
    token, until = make(cluster.api, NAME, who="me@desk", seconds=7200, now=lambda: 1000.0)
    assert (token, until) == ("secret", "2026-11-28T12:00:00Z")
    assert set(cluster.objects) == THREE
    role = cluster.objects[f"{objects.ROLES}/{NAME}"]
    assert role["metadata"]["annotations"] == {objects.UNTIL: "8200", objects.WHO: "me@desk"}
    for path in THREE - {f"{objects.ROLES}/{NAME}"}:
        (owner,) = cluster.objects[path]["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("ClusterRole", role["metadata"]["uid"])
    assert cluster.objects[f"{objects.ACCOUNTS}/{NAME}"]["automountServiceAccountToken"] is False
    close(cluster.api, NAME)
    close(cluster.api, NAME)
    assert cluster.objects == {}


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_nothing_is_left_where_it_could_not_be_made(place: int) -> None:
    """Seeded fault: leave out the clean-up."""
    cluster = Cluster()
    cluster.fails_at = place
    with pytest.raises(Denied):
        make(cluster.api, NAME, who="me", seconds=7200)
    assert cluster.objects == {}


def test_what_is_not_ours_stays() -> None:
    """An object of that name without our mark is somebody else's."""
    cluster = Cluster()
    path = f"{objects.ROLES}/{NAME}"
    cluster.objects[path] = {"metadata": {"name": NAME}}
    close(cluster.api, NAME)
    assert set(cluster.objects) == {path}


def test_those_whose_time_is_over_are_swept() -> None:
    """An operator who was cut off leaves one behind; the next one takes it away, and no other."""
    cluster = Cluster()
    make(cluster.api, NAME, who="me", seconds=3600, now=lambda: 0.0)
    make(cluster.api, OTHER, who="me", seconds=7200, now=lambda: 0.0)
    assert sweep(cluster.api, now=lambda: 3599.0) == ()
    assert sweep(cluster.api, now=lambda: 3601.0) == (NAME,)
    assert set(cluster.objects) == set(objects.paths(OTHER))


def test_a_day_is_the_most() -> None:
    """Whatever an operator asks for."""
    for seconds in (0.0, -1.0, 24 * 3600.0 + 1, float("inf"), float("nan")):
        with pytest.raises(Refused):
            make(Cluster().api, NAME, who="me", seconds=seconds)


@pytest.mark.parametrize("name", ["", "edgectl-reader-", "../nodes/node-1", f"{NAME}/x", f"{NAME}\n", "admin"])
@pytest.mark.parametrize("deed", ["open", "close"])
def test_a_name_that_is_none_goes_into_no_path(name: str, deed: str, tmp_path: Path) -> None:
    """It comes over the line."""
    with pytest.raises(Refused):
        answer(Places(tmp_path), {"op": "reader", "deed": deed, "name": name, "seconds": 60})


def test_a_store_that_is_not_up_yet_says_so(tmp_path: Path) -> None:
    """No cluster, no reader; what to do is said."""
    with pytest.raises(NotReady) as caught:
        answer(Places(tmp_path), {"op": "reader", "deed": "open", "name": NAME, "seconds": 60, "who": "me"})
    assert "edgectl deploy STORE" in caught.value.hint
