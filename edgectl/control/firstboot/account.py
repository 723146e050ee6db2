"""Who logs in to a new machine, and by what right: root, an account that sudo lets become root, or a deploy user.

Owns what each kind leaves on the disk besides the account itself. Must not know any format.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edgectl.control.firstboot.logins import logins
from edgectl.control.inventory.place import invalid
from edgectl.control.inventory.store import NodeTarget, Store
from edgectl.control.link.launcher import launcher_text
from edgectl.control.signing.trustfile import of as trust_of
from edgectl.wire.errors import InvalidInput
from edgectl.wire.launch import LAUNCHER, authorized, home_of, keys_of, sudoers
from edgectl.wire.payload import ManagedFile
from edgectl.wire.trust import kept_text

ROOT = "root"
NO_PASSWORD = "*"  # noqa: S105 - none has this hash; unlike "!" it locks nothing


class Kind(Enum):
    """How an account does what deploys need."""

    ROOT = "it is root"
    SUDO = "sudo lets it become root"
    DEPLOY = "sudo lets it start the launcher (docs/users.md)"


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `logins` are lines of authorized_keys; those of a deploy user are in a file of `planted`."""

    name: str
    kind: Kind
    logins: tuple[str, ...]
    planted: tuple[ManagedFile, ...] = ()

    @property
    def home(self) -> str:
        """Return its home."""
        homes = {Kind.ROOT: "/root", Kind.DEPLOY: home_of(self.name)}
        return homes.get(self.kind, f"/home/{self.name}")


def account(store: Store, node: NodeTarget) -> Account:
    """Return who logs in to a node: as `ssh` says, since deploys come so. InvalidInput where nobody could."""
    if node.ssh.launch is not None:
        return deploy_user(store, node)
    keys = logins(store, node)
    if node.ssh.user == ROOT:
        return Account(ROOT, Kind.ROOT, keys)
    return becoming_root(node.ssh.user, keys)


def becoming_root(name: str, keys: tuple[str, ...]) -> Account:
    """Return an account that needs no password to become root."""
    rule = ManagedFile("/etc/sudoers.d/90-edgectl-image", f"{name} ALL=(ALL:ALL) NOPASSWD: ALL\n", "0440")
    return Account(name, Kind.SUDO, keys, (rule,))


def deploy_user(store: Store, node: NodeTarget) -> Account:
    """Return an account that brings what is signed and nothing else: all that root's first deploy would leave of it."""
    name = node.ssh.user
    if node.name != store.lead.name:
        raise InvalidInput(
            f"{store.name}/{node.name} is an agent, and its first deploy is root's: {name} brings no token to join by",
            hint="let root log in there until it has joined (ssh: {user: root} at the node), then say another user",
            docs="users",
        )
    trust, findings = trust_of(store)
    if trust is None:
        raise invalid(store.source, findings)  # an inventory with deploy users names one (accounts.py)
    keys = node.ssh.launch.keys if node.ssh.launch else ()
    return launched(name, keys, kept_text(trust.trust))


def launched(name: str, keys: tuple[str, ...], trust: str) -> Account:
    """Return a deploy user, given the trust as a node keeps it."""
    files = (
        ManagedFile(LAUNCHER, launcher_text(), "0755"),
        ManagedFile("/var/lib/edgectl/trust/trust.json", trust),
        ManagedFile(keys_of(name), authorized(keys)),
        ManagedFile("/etc/sudoers.d/edgectl", sudoers((name,)), "0440"),
    )
    return Account(name, Kind.DEPLOY, keys, files)
