"""Accounts as the system's files have them, and what sudo says of them. Pure.

Owns: which account is edgectl's (its home says so, from the moment in which it is made), and what
sudo's own words mean. Must not know how anything is read or changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgectl.wire.launch import RULE, home_of

SHELL = "/bin/sh"  # sshd starts the key's command with it
NO_PASSWORD = "*"  # noqa: S105 - none fits it; with "!" sshd without PAM calls the account locked
_FIELDS = {"passwd": 7, "shadow": 9, "group": 4}


@dataclass(frozen=True)
class Account:
    """One account. `password` is its field of shadow(5); `groups` are those that it is in besides its own."""

    name: str
    uid: int
    home: str
    shell: str
    password: str
    expires: str
    groups: tuple[str, ...]

    @property
    def is_ours(self) -> bool:
        """Whether edgectl has made it, or whoever installed the machine has for edgectl."""
        return self.home == home_of(self.name) and self.uid != 0


def accounts(passwd: str, shadow: str, group: str) -> dict[str, Account]:
    """Return all accounts of the files' texts by name; lines that are none are passed over, as the system does."""
    secret = {row[0]: row for row in _rows(shadow, "shadow")}
    members = {row[0]: row[3].split(",") for row in _rows(group, "group")}
    found = {}
    for name, _, uid, _, _, home, shell in _rows(passwd, "passwd"):
        if uid.isdecimal():
            _, password, *_, expires, _ = secret.get(name, ("", "", "", "", "", "", "", "", ""))
            groups = tuple(sorted(one for one, who in members.items() if name in who))
            found[name] = Account(name, int(uid), home, shell, password, expires, groups)
    return found


def differs(account: Account) -> list[tuple[str, str, str]]:
    """Return in what an account of ours is not as a deploy user's is."""
    found = []
    if account.password != NO_PASSWORD:
        found.append((f"{account.name} password", "locked" if account.password.startswith("!") else "set", "none"))
    if account.shell != SHELL:
        found.append((f"{account.name} shell", account.shell, SHELL))
    if account.expires:
        found.append((f"{account.name} ends", "on a day", "never"))
    if account.groups:
        found.append((f"{account.name} groups", ", ".join(account.groups), "none"))
    return found


def rights(out: str) -> dict[str, tuple[str, ...]]:
    """Return what sudo lets each account do besides the launcher; one that may not start that is left out."""
    found: dict[str, tuple[str, ...]] = {}
    for part in f"\n{out}".split("\nuser ")[1:]:
        name, _, said = part.partition("\n")
        _, told, listed = said.partition("may run the following commands")
        rules = [line.strip() for line in listed.splitlines()[1:] if line.strip()] if told else []
        if f"(root) {RULE}" in rules:
            found[name] = tuple(rule for rule in rules if rule != f"(root) {RULE}")
    return found


def _rows(text: str, kind: str) -> Iterable[list[str]]:
    rows = (line.split(":") for line in text.splitlines())
    return (row for row in rows if len(row) == _FIELDS[kind] and row[0])
