"""A reader made, given a token, and taken away again.

Owns: the order, and that none outlives its time: each that comes takes those away whose time is over. A token is worth
nothing once its account is gone. Must not know what a reader does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from edgectl.node.io.api import Denied, WriteApi, selector
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.node.reader import objects
from edgectl.node.secrets.objects import MANAGED, is_managed
from edgectl.wire.errors import NotReady, Refused

LONGEST_SECONDS = 24 * 3600.0
_SHORTEST_SECONDS = 600  # what Kubernetes gives at least
_PORT = 6443
SERVER_NAME = "kubernetes"  # one of the names in k3s's own certificate, on every node
_MOST_WHO = 200


def answer(places: Places, frame: dict[str, Any]) -> dict[str, Any]:
    """Make a reader or take it away; return what an operator needs to come as it."""
    name = str(frame.get("name", ""))
    if not objects.is_name(name):
        raise Refused("this is no reader's name", hint="use the same edgectl version everywhere")
    hands = Hands(places)
    try:
        if frame.get("deed") == "close":
            close(hands.api, name)
            return {}
        who = "".join(sign for sign in str(frame.get("who", "")) if sign.isprintable())[:_MOST_WHO]
        return _opened(hands, name, who=who, seconds=float(frame["seconds"]))
    except Denied as answer:
        raise Refused(
            f"the store's Kubernetes does not let its own administrator make a reader: {answer.message[:300]}",
            hint="look for admission policies or webhooks of others: edgectl kubectl STORE -- get "
            "validatingwebhookconfigurations,validatingadmissionpolicies",
        ) from answer
    finally:
        hands.api.close()


def _opened(hands: Hands, name: str, *, who: str, seconds: float) -> dict[str, Any]:
    ca = hands.text(hands.places.k3s_data / "server/tls/server-ca.crt")
    if ca is None:
        raise NotReady(
            "k3s has not made its certificates yet: there is no Kubernetes API here to look into",
            hint="edgectl status STORE says how far it is; edgectl deploy STORE brings it up",
        )
    sweep(hands.api)
    token, until = make(hands.api, name, who=who, seconds=seconds)
    return {"token": token, "until": until, "ca": ca, "port": _PORT, "server_name": SERVER_NAME}


def make(
    api: WriteApi, name: str, *, who: str, seconds: float, now: Callable[[], float] = time.time
) -> tuple[str, str]:
    """Make a reader; return its token and when that ends (RFC 3339). Nothing is left of it when that fails."""
    if not 0 < seconds <= LONGEST_SECONDS:
        raise Refused(
            f"a reader lives {LONGEST_SECONDS / 3600:.0f} hours at most", hint="ask again when its time is over"
        )
    lives = max(int(seconds), _SHORTEST_SECONDS)
    role = api.post(objects.ROLES, objects.role(name, who=who, until=now() + lives))
    try:
        api.post(objects.ACCOUNTS, objects.account(name, role))
        api.post(objects.BINDINGS, objects.binding(name, role))
        asked = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": lives},
        }
        given = api.post(f"{objects.ACCOUNTS}/{name}/token", asked)["status"]
        return str(given["token"]), str(given["expirationTimestamp"])
    except BaseException:
        close(api, name)
        raise


def close(api: WriteApi, name: str) -> None:
    """Take a reader away; what of it is gone is fine, what is not ours stays."""
    for path in objects.paths(name):
        found = api.get(path)
        if found is not None and is_managed(found):
            api.delete(path)


def sweep(api: WriteApi, *, now: Callable[[], float] = time.time) -> tuple[str, ...]:
    """Take away those whose time is over: their operators were cut off. Return their names."""
    listed = api.get(f"{objects.ROLES}?labelSelector={selector({**MANAGED, **objects.LABEL})}") or {}
    gone = []
    for item in listed.get("items", []):
        name = str(item["metadata"]["name"])
        if objects.is_name(name) and _until(item) < now():
            close(api, name)
            gone.append(name)
    return tuple(gone)


def _until(item: dict[str, Any]) -> float:
    """Return when a reader's time is over; one that does not say it has none."""
    try:
        return float((item["metadata"].get("annotations") or {}).get(objects.UNTIL, "0"))
    except ValueError:
        return 0.0
