"""Which folders of a node a release's templates ask for."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.control.payload.folders import OWN, folders
from edgectl.wire.errors import InvalidInput
from edgectl.wire.payload import ManagedFolder


def deployment(volumes: dict[str, str], *, own: str = "data", **spec: Any) -> dict[str, Any]:
    """Return a Deployment that keeps something."""
    template = {
        "metadata": {"annotations": {OWN: own}},
        "spec": {
            "securityContext": {"runAsUser": 65532},
            "volumes": [{"name": name, "hostPath": {"path": path}} for name, path in volumes.items()],
            **spec,
        },
    }
    return {"kind": "Deployment", "metadata": {"name": "uplink"}, "spec": {"template": template}}


SERVERS = {"node-role.kubernetes.io/control-plane": "true"}


def test_volumes_become_folders_of_the_pods_user() -> None:
    """Law: in the order of their paths; what is not named is left alone; objects without pods have none."""
    found = folders(
        [{"kind": "Service"}, deployment({"data": "/srv/b", "a": "/srv/a", "x": "/srv/x"}, own="data, a")], "agent"
    )
    assert found == (ManagedFolder("/srv/a", 65532), ManagedFolder("/srv/b", 65532))
    assert folders([deployment({"data": "/srv/b"}, own="")], "server") == ()


def test_pods_that_are_bound_to_servers_have_none_on_agents() -> None:
    """Law: a folder is made where its pods can come to."""
    bound = deployment({"data": "/srv/b"}, nodeSelector=SERVERS)
    assert folders([bound], "agent") == ()
    assert folders([bound], "server") == (ManagedFolder("/srv/b", 65532),)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        (
            [deployment({"other": "/srv/b"})],
            "Deployment/uplink: edgectl.dev/own-folders names 'data', which is no hostPath",
        ),
        ([deployment({"data": "/srv/b"}, securityContext={})], "runAsUser: whose folder /srv/b is to be"),
        ([deployment({"data": "/etc/b"})], "/etc/b lies outside of"),
        (
            [deployment({"data": "/srv/b"}), deployment({"data": "/srv/b"}, securityContext={"runAsUser": 7})],
            "/srv/b is to belong to user",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(asked: list[dict[str, Any]], part: str) -> None:
    """Law: one sentence, with the object. Seeded: no such volume, no user, a folder of others, two owners."""
    with pytest.raises(InvalidInput) as caught:
        folders(asked, "server")
    assert part in caught.value.message
