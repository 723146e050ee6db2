"""An Ansible inventory, as Ansible itself reads it: groups, their order, variables where they were said.

Owns the words for `ansible-inventory --list --export` and what can go wrong with it. Must not know our inventory. We do
not read INI or YAML inventories ourselves: what a variable is worth is Ansible's to say.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.wire.errors import InvalidInput, UsageError

PROGRAM = "ansible-inventory"
_SECONDS = 300.0
_ALL, _UNGROUPED = "all", "ungrouped"
_BY_HAND = "ansible-inventory -i INVENTORY --list --export > hosts.json"


@dataclass(slots=True)
class Group:
    """One group. `depth` is the longest way down to it from `all`; `above` are all groups that it is in."""

    name: str
    hosts: tuple[str, ...]
    children: tuple[str, ...]
    vars: dict[str, Any]
    depth: int = 0
    above: set[str] = field(default_factory=set)

    @property
    def order(self) -> tuple[int, int, str]:
        """Where its variables come: later ones win (docs.ansible.com, "How variables are merged")."""
        try:
            priority = int(self.vars.get("ansible_group_priority", 1))
        except (TypeError, ValueError):
            priority = 1
        return self.depth, priority, self.name


@dataclass(slots=True)
class Hosts:
    """An inventory. `own` are the variables of each host alone; `merged`, where known, what Ansible makes of all."""

    source: str
    groups: dict[str, Group]
    own: dict[str, dict[str, Any]]
    merged: dict[str, dict[str, Any]] | None = None

    def of(self, host: str) -> list[Group]:
        """Return the groups of a host in the order in which their variables are laid over each other, `all` first."""
        direct = [group for group in self.groups.values() if host in group.hosts]
        names = {_ALL, *(group.name for group in direct)}.union(*(group.above for group in direct))
        found = [self.groups[name] for name in names if name in self.groups]
        return sorted(found, key=lambda group: group.order)

    def effective(self, host: str) -> dict[str, Any]:
        """Return the variables of a host, all layers merged."""
        if self.merged is not None:
            return self.merged.get(host, {})
        merged: dict[str, Any] = {}
        for group in self.of(host):
            merged |= group.vars
        return merged | self.own[host]


def hosts_of(source: str, stdin: str = "") -> Hosts:
    """Return the inventory in a file or folder, read by Ansible, or in JSON that Ansible has written ("-": stdin).

    Raises InvalidInput when it cannot be read, UsageError when Ansible is needed and not here.
    """
    path = Path(source)
    text = stdin if source == "-" else _json_text(path)
    if text:
        return from_json(source if source != "-" else "stdin", _parsed(text, source))
    if not path.exists():
        raise InvalidInput(f"there is no inventory at {source}", docs="inventory")
    exported = from_json(source, _parsed(_run(path, "--export"), source))
    merged = from_json(source, _parsed(_run(path), source))
    exported.merged = merged.own
    return exported


def from_json(source: str, document: Any) -> Hosts:
    """Return what a document of `ansible-inventory --list` says, with `--export` or without."""
    meta = document.get("_meta") if isinstance(document, dict) else None
    hostvars = meta.get("hostvars") if isinstance(meta, dict) else None
    if not isinstance(hostvars, dict):
        raise InvalidInput(
            f"{source} is no inventory as Ansible prints it: _meta.hostvars is missing",
            hint=f"have Ansible write it: {_BY_HAND}",
            docs="inventory",
        )
    groups = {name: _group(name, body) for name, body in document.items() if name != "_meta"}
    groups.setdefault(_ALL, Group(_ALL, (), (), {}))
    for name, group in list(groups.items()):
        for child in group.children:
            groups.setdefault(child, Group(child, (), (), {}))
        if name not in (_ALL, _UNGROUPED) and not any(name in other.children for other in groups.values()):
            groups[_ALL].children += (name,)
    _deepen(groups, _ALL, ())
    own = {host: dict(hostvars.get(host) or {}) for host in _in_order(groups, _ALL)}
    return Hosts(source, groups, own | {host: dict(said or {}) for host, said in hostvars.items() if host not in own})


def _group(name: str, body: Any) -> Group:
    body = body if isinstance(body, Mapping) else {}
    return Group(name, tuple(body.get("hosts") or ()), tuple(body.get("children") or ()), dict(body.get("vars") or {}))


def _deepen(groups: dict[str, Group], name: str, way: tuple[str, ...]) -> None:
    """Give every group below its depth, and the groups above it."""
    group = groups[name]
    group.depth = max(group.depth, len(way))
    group.above |= set(way)
    for child in group.children:
        if child not in way:  # Ansible refuses loops
            _deepen(groups, child, (*way, name))


def _in_order(groups: dict[str, Group], name: str, seen: frozenset[str] = frozenset()) -> dict[str, None]:
    """Return all hosts in the order of the inventory."""
    found = dict.fromkeys(groups[name].hosts)
    for child in groups[name].children:
        if child not in seen:
            found |= {host: None for host in _in_order(groups, child, seen | {name}) if host not in found}
    return found


def _json_text(path: Path) -> str:
    """Return the text of a file that Ansible has written; "" for everything else."""
    try:
        data = path.read_bytes() if path.is_file() and not os.access(path, os.X_OK) else b""
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", docs="inventory") from error
    return data.decode("utf-8", "replace") if data.lstrip()[:1] == b"{" and b'"_meta"' in data else ""


def _parsed(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{source} is no JSON: {error}", hint=f"have Ansible write it: {_BY_HAND}") from error


def _run(path: Path, *options: str) -> str:
    program = shutil.which(PROGRAM)
    if program is None:
        raise UsageError(
            f"{path} is read by Ansible, and {PROGRAM} is not on this machine",
            hint=f"where Ansible is: {_BY_HAND}; then import hosts.json. Or here: pipx install ansible-core",
        )
    quiet = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    try:
        ended = subprocess.run(
            [program, "-i", str(path), "--list", *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
            env={**os.environ, **quiet},
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidInput(f"{PROGRAM} did not end within {_SECONDS:.0f} s") from error
    if ended.returncode:
        hint = "correct the inventory there; nothing was written"
        if "vault" in ended.stderr:
            hint = (
                "name the vault's password file in ANSIBLE_VAULT_PASSWORD_FILE; passwords are not copied all the same"
            )
        raise InvalidInput(
            f"Ansible cannot read {path} ({PROGRAM} ended with {ended.returncode})",
            hint=hint,
            details=tuple(ended.stderr.strip().splitlines()[:12]),
            docs="inventory",
        )
    return ended.stdout
