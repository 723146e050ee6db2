"""Ansible's variables that we know, and what each is in our inventory.

Owns that list and which ones are secrets. Must not know groups or the order of layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgectl.control.intake.slot import Meaning, Slot, slot

HOST = ("ansible_host", "ansible_ssh_host")
_SUDO = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass", "ansible_sudo_password")
_SECRETS = {
    "ansible_password": "edgectl logs in with keys only",
    "ansible_ssh_pass": "edgectl logs in with keys only",
    "ansible_ssh_password": "edgectl logs in with keys only",
    "ansible_ssh_private_key": "a private key is a secret; name its file in ssh.keys",
    "ansible_ssh_private_key_passphrase": "add the key to your SSH agent",
    "ansible_private_key_passphrase": "add the key to your SSH agent",
}
# where two names mean the same, the later one wins, as in Ansible's ssh plugin
_PLACES = {
    "ansible_port": "ssh.port",
    "ansible_ssh_port": "ssh.port",
    "ansible_user": "ssh.user",
    "ansible_ssh_user": "ssh.user",
    "ansible_private_key_file": "ssh.keys",
    "ansible_ssh_private_key_file": "ssh.keys",
    "ansible_timeout": "ssh.connect_seconds",
    "ansible_ssh_timeout": "ssh.connect_seconds",
}
# what edgectl does anyway, with the values that mean it
_AS_ALWAYS: dict[str, tuple[Any, ...]] = {
    "ansible_become": (True, "true", "yes"),
    "ansible_become_method": ("sudo",),
    "ansible_become_user": ("root",),
    "ansible_connection": ("ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh"),
}
_SILENT = ("ansible_group_priority",)


@dataclass(frozen=True, slots=True)
class Taken:
    """A variable as a value of ours."""

    name: str
    slot: Slot
    value: Any


def taken(said: Mapping[str, Any], mapped: Mapping[str, Meaning], secret: str) -> Iterator[Taken]:
    """Yield what variables become; `secret` is the environment variable to name where a sudo password was said."""
    for name, path in _PLACES.items():
        if name in said and name not in mapped and not why_not(said[name]):
            there = slot(path)
            value = said[name]
            yield Taken(name, there, [value] if path == "ssh.keys" and isinstance(value, str) else there.fitted(value))
    if password := next((name for name in _SUDO if name in said and name not in mapped), ""):
        yield Taken(password, slot("ssh.sudo_password.env"), secret)
    for name, there_or_not in mapped.items():
        if isinstance(there_or_not, Slot) and name in said and not why_not(said[name]):
            yield Taken(name, there_or_not, there_or_not.fitted(said[name]))


def left(said: Mapping[str, Any], mapped: Mapping[str, Meaning], secret: str) -> Iterator[tuple[str, str]]:
    """Yield the names of variables that were not taken over, each with the reason."""
    for name, value in said.items():
        if name in mapped:
            if isinstance(mapped[name], Slot) and (why := why_not(value)):
                yield name, why
        elif name in _SUDO:
            yield name, f"a password; edgectl asks the environment variable {secret} for it"
        elif name in _SECRETS:
            yield name, _SECRETS[name]
        elif name in _SILENT or (name in _AS_ALWAYS and _is_one_of(value, _AS_ALWAYS[name])):
            continue
        elif why := why_not(value):
            yield name, why
        elif name not in _PLACES and name not in HOST:
            yield name, "no key of ours is known for it"


def why_not(value: Any) -> str:
    """Say why a value cannot be copied, "" where it can."""
    if isinstance(value, dict):
        if "__ansible_vault" in value:
            return "encrypted by ansible-vault"
        return next((why for inner in value.values() if (why := why_not(inner))), "")
    if isinstance(value, list):
        return next((why for inner in value if (why := why_not(inner))), "")
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        return "a template of Ansible"
    return ""


def _is_one_of(value: Any, values: tuple[Any, ...]) -> bool:
    return value in values or (isinstance(value, str) and value.lower() in values)
