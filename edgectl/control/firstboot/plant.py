"""Files put on a freshly installed disk by an installer's shell: POSIX, as small as Debian's installer has it.

Owns the commands. Must not know which installer runs them.
"""

from __future__ import annotations

import base64
import posixpath

from edgectl.control.firstboot.machine import HOST_KEY, Machine, Planted

TARGET = "/target"  # where both installers have the new system


def commands(machine: Machine) -> tuple[str, ...]:
    """Return the commands that give the installed system its host key, the keys of who logs in, and their rights.

    Content travels as base64, in which no shell and no installer finds anything to interpret. All other host keys go.
    """
    key, folder = machine.host_key, f"{machine.home}/.ssh"
    logins = "".join(f"{line}\n" for line in machine.logins)
    return (
        f"rm -f {TARGET}/etc/ssh/ssh_host_*",
        put(Planted(HOST_KEY, key.private.reveal(), "0600")),
        put(Planted(f"{HOST_KEY}.pub", f"{key.public} {machine.hostname}\n")),
        *map(put, machine.rights),
        f"mkdir -p -m 0700 {TARGET}{folder}",
        put(Planted(f"{folder}/authorized_keys", logins, "0600")),
        f"chroot {TARGET} chown -R {machine.install.user}: {folder}",
    )


def put(file: Planted) -> str:
    """Return the command that writes one file, which nobody else may read before it has its mode."""
    path = f"{TARGET}{file.path}"
    data = base64.b64encode(file.text.encode()).decode()
    write = f"echo {data} | chroot {TARGET} base64 -d > {path}"
    return f"mkdir -p {posixpath.dirname(path)}; ( umask 077; rm -f {path}; {write}; chmod {file.mode} {path} )"
