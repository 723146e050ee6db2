"""From an opened inventory to what is written: the machine with a new host key, and the inventory that has it pinned.

Owns the order: all that can be refused is, before a key is made. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.control.firstboot.account import account
from edgectl.control.firstboot.files import files as files_of
from edgectl.control.firstboot.files import is_ubuntu
from edgectl.control.firstboot.hostkey import made
from edgectl.control.firstboot.machine import FirstBootFile, Machine, machine
from edgectl.control.inventory.load import Inventory
from edgectl.control.inventory.pin import pinned
from edgectl.control.inventory.store import NodeTarget, Store
from edgectl.control.link.hostkey import pinned as key_of
from edgectl.wire.errors import InvalidInput, UsageError


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be written. `before` and `after`: the inventory; `replaced`: the fingerprint of the former key."""

    machine: Machine
    files: tuple[FirstBootFile, ...]
    before: bytes
    after: bytes
    replaced: str = ""


def prepare(inventory: Inventory, store: str, node: str, *, new_key: bool, installer: bool) -> Prepared:
    """Return what a node's first boot takes; `node` "" is the only one."""
    found = inventory.store(store, pinned=False)
    target = _node(found, node)
    title = f"{store}/{target.name}"
    install = target.install
    if install is None:
        raise InvalidInput(
            f"{found.source}: nothing says how {title} is installed",
            hint="add it to the node, its store, a group or the defaults: install: {os: debian-12}; docs/image.md",
            docs="inventory",
        )
    if installer and not is_ubuntu(install.os):
        raise UsageError(
            f"--installer is for Ubuntu's, and {title} gets {install.os}",
            hint="how Debian's installer finds preseed.cfg: docs/image.md",
        )
    had = target.ssh.host_key
    if had and not new_key:
        raise InvalidInput(
            f"{title} has a host key already, {key_of(had, node=title).fingerprint}, and only the machine that has "
            "its private half can use it",
            hint="--new-host-key makes and pins another one: the machine, if it runs, is then refused until it has "
            "been installed again from the new files",
        )
    pair = made()
    described = machine(store, target, install, pair, account(found, target))
    before = inventory.source.data
    try:
        after = pinned(before, {(store, target.name): pair.public}, str(inventory.path))
    except InvalidInput as error:
        raise InvalidInput(
            f"{inventory.path}: the host key of {title} has no safe place there, so none was made",
            hint="give the node lines of its own, without alias or anchor, and in them an empty `host_key:`",
            docs="inventory",
        ) from error
    replaced = key_of(had, node=title).fingerprint if had else ""
    return Prepared(described, files_of(described, installer=installer), before, after, replaced)


def _node(store: Store, name: str) -> NodeTarget:
    names = ", ".join(f"{store.name}/{node.name}" for node in store.nodes)
    if not name and len(store.nodes) > 1:
        raise UsageError(f"{store.name} has {len(store.nodes)} nodes", hint=f"name one of {names}")
    try:
        return store.node(name)
    except KeyError as error:
        raise UsageError(f"{store.name} has no node {name}", hint=f"it has {names}") from error
