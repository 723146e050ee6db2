"""An Ansible inventory as a draft: which hosts make a store, and which layer says what.

Owns the guess that a host is a store (unless a variable says which), and the rule that every node ends with the values
that Ansible has for it: what our layers would not give it stands at the node itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgectl.control.intake.ansible import Group, Hosts
from edgectl.control.intake.draft import Draft, Left, Origin, Path, Wrong, name_of, read
from edgectl.control.intake.slot import Meaning, in_layer
from edgectl.control.intake.variables import HOST, left, taken, why_not
from edgectl.control.inventory.rules import is_address

_PASSWORD = "SUDO_PASSWORD"  # noqa: S105 - the name of an environment variable
_DEFAULTS = ("all",)


def from_hosts(hosts: Hosts, mapped: Mapping[str, Meaning], *, store_from: str = "") -> Draft:
    """Return the draft; `store_from` is the variable with a host's store, "" where each host is one."""
    draft = Draft(hosts.source)
    stores = _stores(hosts, store_from, draft)
    names = _group_names(hosts, draft)
    for group in sorted(hosts.groups.values(), key=lambda group: group.order):
        if group.name in names:
            _layer(group, names[group.name], mapped, draft)
    for store, members in stores.items():
        shared = [group for group in hosts.of(next(iter(members.values()))) if group.name in names]
        for host in members.values():
            own = {group.name for group in hosts.of(host)}
            shared = [group for group in shared if group.name in own]
        listed = [names[group.name][1] for group in shared if group.name not in _DEFAULTS]
        draft.put(("stores", store), {"nodes": {}}, _host(next(iter(members.values()))))
        if listed:
            draft.put(("stores", store, "groups"), listed, _host(next(iter(members.values()))))
        for index, (node, host) in enumerate(members.items()):
            _node(hosts, host, (store, node), mapped, draft, below=[names[group.name] for group in shared])
            if len(members) > 1 and read(draft.stores, (store, "nodes", node, "role")) is None:
                draft.put(("stores", store, "nodes", node, "role"), "agent" if index else "server", _host(host))
    if any(len(members) > 1 for members in stores.values()):
        draft.notes.append("Where no variable says role, the first host of a store is its server, the others agents.")
    return draft


def _host(name: str, variable: str = "") -> Origin:
    return Origin(words=f"host {name}{f', {variable}' if variable else ''}:")


def _stores(hosts: Hosts, store_from: str, draft: Draft) -> dict[str, dict[str, str]]:
    """Return stores with their nodes, and the host of each."""
    short = _short(list(hosts.own))
    found: dict[str, dict[str, str]] = {}
    for host in hosts.own:
        store, node = short[host], "node-1"
        if store_from:
            value = hosts.effective(host).get(store_from)
            if value is None or isinstance(value, dict | list) or why_not(value):
                draft.wrong.append(Wrong(_host(host), f'no plain variable "{store_from}" says which store it is of'))
                continue
            store, node = name_of(str(value)), short[host]
        if not store or not node:
            draft.wrong.append(Wrong(_host(host), "nothing of its name can be the name of a store"))
        elif node in found.setdefault(store, {}):
            other = found[store][node]
            draft.wrong.append(Wrong(_host(host), f"it would be called {store}/{node}, as {other} is: rename one"))
        else:
            found[store][node] = host
    if not hosts.own:
        draft.wrong.append(Wrong(Origin(words=f"{hosts.source}:"), "there is no host in it"))
    return found


def _short(hosts: list[str]) -> dict[str, str]:
    """Return our names of hosts: what stands before the first dot where that is one host's alone, else all of it."""
    heads = [_head(host) for host in hosts]
    return {host: name_of(head if heads.count(head) == 1 else host) for host, head in zip(hosts, heads, strict=True)}


def _head(host: str) -> str:
    return host if is_address(host) else host.partition(".")[0]


def _group_names(hosts: Hosts, draft: Draft) -> dict[str, Path]:
    """Return the layer of each group; those that only Ansible needs have none."""
    found: dict[str, Path] = {"all": ("defaults", "")}
    for group in sorted(hosts.groups.values(), key=lambda group: group.order):
        if group.name == "all" or (group.name == "ungrouped" and not group.vars):
            continue
        name = name_of(group.name)
        if not name:
            draft.wrong.append(Wrong(Origin(words=f"group {group.name}:"), "nothing of its name can be a name of ours"))
            continue
        other = next((key for key, path in found.items() if path == ("groups", name)), "")
        if other:
            sentence = f"it would be called {name}, as {other} is: rename one"
            draft.wrong.append(Wrong(Origin(words=f"group {group.name}:"), sentence))
            continue
        if name != group.name:
            draft.notes.append(f"Group {group.name} is called {name} here.")
        found[group.name] = ("groups", name)
    return found


def _layer(group: Group, where: Path, mapped: Mapping[str, Meaning], draft: Draft) -> None:
    """Take over what a group says for its hosts."""
    path = ("defaults",) if where[0] == "defaults" else where
    if path != ("defaults",):
        draft.put(path, {}, Origin(words=f"group {group.name}:"))
    secret = _PASSWORD if path == ("defaults",) else f"{_PASSWORD}_{_variable(where[1])}"
    for one in taken(group.vars, mapped, secret):
        if in_layer(one.slot.path):
            draft.put((*path, *one.slot.path), one.value, Origin(words=f"group {group.name}, {one.name}:"))
    for name, why in left(group.vars, mapped, secret):
        draft.left.append(Left(path, name, f"group {group.name}", why))


def _node(
    hosts: Hosts, host: str, names: tuple[str, str], mapped: Mapping[str, Meaning], draft: Draft, *, below: list[Path]
) -> None:
    """Take over what holds for a host, as far as the layers below do not say it already."""
    store, node = names
    here = ("stores", store, "nodes", node)
    draft.put(here, {}, _host(host))
    said = hosts.effective(host)
    secret = f"{_PASSWORD}_{_variable(store)}_{_variable(node)}"
    own_secret = {key: value for key, value in said.items() if hosts.own[host].get(key) == value}
    _address(host, said, here, draft)
    wanted = {one.slot: one for one in taken(said, mapped, secret)}  # of two that mean the same, the later one wins
    own = {one.slot for one in taken(own_secret, mapped, secret)}
    for slot, one in wanted.items():
        layered = None
        for layer in below:
            found = read(draft.defaults if layer[0] == "defaults" else draft.groups[layer[1]], slot.path)
            layered = layered if found is None else found
        if slot.path[-1] == "env" and layered is not None and slot not in own:
            continue  # the password's variable is named by the layer that said it
        path = here if slot.level == "node" else here[:2]
        before = read(draft.stores, (*path[1:], *slot.path))
        if before is not None and before != one.value:
            sentence = f"{store}'s {'.'.join(slot.path)} is another one at its other hosts, and a store has one"
            draft.wrong.append(Wrong(_host(host, one.name), sentence))
        elif layered != one.value:
            draft.put((*path, *slot.path), one.value, _host(host, one.name))
    for name, why in left(hosts.own[host], mapped, secret):
        draft.left.append(Left(here, name, f"host {host}", why))


def _address(host: str, said: Mapping[str, Any], here: Path, draft: Draft) -> None:
    """Say how a host is reached: an IP address is taken for the one on the store's network, too."""
    variable = next((name for name in reversed(HOST) if name in said), "")
    reached = str(said[variable]) if variable else host
    if variable and why_not(said[variable]):
        return
    if is_address(reached):
        draft.put((*here, "address"), reached, _host(host, variable))
    else:
        draft.put((*here, "ssh", "host"), reached, _host(host, variable))


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")
