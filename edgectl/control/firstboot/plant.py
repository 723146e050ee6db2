"""Files put on a freshly installed disk by an installer's shell: POSIX, as small as Debian's installer has it.

Owns the commands. Must not know which installer runs them.
"""

from __future__ import annotations

import base64
import posixpath

from edgectl.control.firstboot.account import NO_PASSWORD, Account, Kind
from edgectl.control.firstboot.machine import HOST_KEY, Machine
from edgectl.wire.payload import ManagedFile

TARGET = "/target"  # where both installers have the new system


def commands(machine: Machine) -> tuple[str, ...]:
    """Return the commands that give the installed system its host key, the keys of who logs in, and their rights.

    Content travels as base64, in which no shell and no installer finds anything to interpret. All other host keys go.
    """
    key = machine.host_key
    return (
        f"rm -f {TARGET}/etc/ssh/ssh_host_*",
        put(ManagedFile(HOST_KEY, key.private.reveal(), "0600")),
        put(ManagedFile(f"{HOST_KEY}.pub", f"{key.public} {machine.hostname}\n")),
        *_login(machine.account),
        *map(put, machine.account.planted),
    )


def _login(account: Account) -> tuple[str, ...]:
    """Return the commands that let an account in; a deploy user is made here, since no installer can."""
    if account.kind is Kind.DEPLOY:
        made = f"useradd --system --user-group --no-create-home --home-dir {account.home} --shell /bin/sh"
        return (f"chroot {TARGET} {made} --password '{NO_PASSWORD}' {account.name}",)
    folder = f"{account.home}/.ssh"
    return (
        f"mkdir -p -m 0700 {TARGET}{folder}",
        put(ManagedFile(f"{folder}/authorized_keys", "".join(f"{line}\n" for line in account.logins), "0600")),
        f"chroot {TARGET} chown -R {account.name}: {folder}",
    )


def put(file: ManagedFile) -> str:
    """Return the command that writes one file, which nobody else may read before it has its mode."""
    path = f"{TARGET}{file.path}"
    data = base64.b64encode(file.text.encode()).decode()
    write = f"echo {data} | chroot {TARGET} base64 -d > {path}"
    return f"mkdir -p {posixpath.dirname(path)}; ( umask 077; rm -f {path}; {write}; chmod {file.mode} {path} )"
