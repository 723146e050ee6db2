"""What is wrong with the accounts that an inventory declares for deploys, and with the one that it comes as.

Owns the findings about host.users: nobody is shut out of a node by what he deploys there.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgectl.control.inventory import schema
from edgectl.control.inventory.host_schema import User
from edgectl.wire.trust import blob_of

_AT = ("host", "users")
Found = tuple[tuple[str | int, ...], str]


def account_findings(node: schema.Node, *, trusts: bool) -> Iterator[Found]:
    """Yield where what is wrong, and the sentence; `trusts` tells whether the inventory names a file of trust."""
    users = node.host.users if node.host else {}
    comes = (node.ssh.user if node.ssh else None) or "root"
    for name, user in users.items():
        if name == "root":
            yield (*_AT, name), "host.users: root is no account to deploy with; edgectl would take its password away"
        elif user is not None:
            yield from _keys(name, user)
        elif name == comes:
            yield (*_AT, name), f"host.users: edgectl comes as {name} (ssh.user), and this takes his way away"
    if comes != "root" and users.get(comes) is not None and not trusts:
        sentence = (
            f"host.users: {comes} may deploy only what is signed, and this inventory trusts no key: trust: trust.yaml "
            "(edgectl keys init writes one)"
        )
        yield (*_AT, comes), sentence


def _keys(name: str, user: User) -> Iterator[Found]:
    if not user.keys:
        yield (*_AT, name, "keys"), f"host.users: {name} has no key and could not log in; {name}: null takes him away"
    seen = set()
    for index, key in enumerate(user.keys):
        try:
            blob = blob_of(key)
        except ValueError:
            sentence = f"host.users: a key of {name} is none: copy the line of its .pub file, ssh-ed25519 AAAA..."
            yield (*_AT, name, "keys", index), sentence
            continue
        if blob in seen:
            yield (*_AT, name, "keys", index), f"host.users: {name} has this key twice"
        seen.add(blob)
