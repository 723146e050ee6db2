"""Step: the declared deploy users are there, with their keys and with the one sudo rule; others of ours are shut out.

What an account logs in by lies in a folder of root's: nothing here is written where somebody else may lay a link. An
account that edgectl has not made is never changed, and none is ever removed: its files may be somebody's evidence.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Observation, Status, Wait
from edgectl.node.host.users.accounts import NO_PASSWORD, SHELL, Account, accounts, differs, rights
from edgectl.node.io.look import Hands, Look
from edgectl.wire.host import User
from edgectl.wire.launch import HOMES, authorized, home_of, keys_of, sudoers

SCRIPT = Path(__file__).with_name("rights.sh")
SUDOERS = "/etc/sudoers.d/edgectl"
_SUDOERS_MODE = 0o440
_KEYS_MODE = 0o644  # public keys; sshd reads them as the user
_SECONDS = 30.0
_NO_PROGRAM = 127
_NO_SUDO = "sudo is not installed here; host.packages can bring it (sudo)"
_Differences = list[tuple[str, str, str]]


@dataclass(frozen=True)
class Users:
    """All of them, none too: whoever is declared no more must find his way shut."""

    users: tuple[User, ...] = ()
    id: str = "users"
    title: str = "deploy users"
    needs: tuple[str, ...] = ("host",)
    wait: Wait = Wait(limit_seconds=0)

    def probe(self, read: Look) -> Observation:
        """Compare accounts, keys and the sudo rule; then let sudo say what it makes of them."""
        have = _accounts(read)
        for user in self.users:
            if user.name in have and not have[user.name].is_ours:
                reason = (
                    f"{user.name} is an account that edgectl has not made, and it takes none over: name another one in "
                    f"host.users, or take it away (userdel {user.name})"
                )
                return Observation(Status.FAILED, reason, is_gate=True)
        differences = self._differences(read, have)
        if differences:
            names = ", ".join(what for what, _, _ in differences)
            return Observation(Status.DRIFTED, f"{names} differ from what is declared", differences=tuple(differences))
        return self._allowed(read) if self.users else Observation(Status.CURRENT, "none")

    def apply(self, write: Hands, seen: Observation) -> None:
        """Shut out whoever is declared no more, then make the others; what a kill leaves half is seen again."""
        del seen
        have = _accounts(write)
        try:
            for name in _retired(self.users, have):
                write.remove(_at(write, keys_of(name)))
            self._write_sudoers(write)
            for name in _retired(self.users, have):
                _change(write, "usermod", "--expiredate", "1", "--shell", "/usr/sbin/nologin", name)
            for user in self.users:
                _make(write, user, have.get(user.name))
        except OSError as error:
            raise ApplyFailed(f"{error.filename or HOMES} could not be written: {error.strerror}") from error

    def _differences(self, read: Look, have: dict[str, Account]) -> _Differences:
        found: _Differences = []
        for user in self.users:
            account = have.get(user.name)
            found += [(user.name, "missing", "an account")] if account is None else differs(account)
            found += _folders_differ(read, user.name)
            found += _file_differs(read, keys_of(user.name), authorized(user.keys), _KEYS_MODE)
        if self.users:
            found += _file_differs(read, SUDOERS, self._rules, _SUDOERS_MODE)
        elif read.entry(_at(read, SUDOERS)) is not None:
            found.append((SUDOERS, "present", "retired"))
        for name in _retired(self.users, have):
            if not have[name].expires or read.entry(_at(read, keys_of(name))) is not None:
                found.append((name, "may log in", "shut out"))
        return found

    @property
    def _rules(self) -> str:
        return sudoers(user.name for user in self.users)

    def _allowed(self, read: Look) -> Observation:
        ran = read.run("sh", str(SCRIPT), *(user.name for user in self.users))
        if ran.code == 2:  # noqa: PLR2004 - the script's "never"
            return Observation(Status.FAILED, _NO_SUDO, is_gate=True)
        if not ran.ok:
            raise LookFailed(f"sudo does not say what it allows: {ran.last_words}", evidence=ran.evidence())
        may = rights(ran.out)
        names = [user.name for user in self.users]
        if lacking := [name for name in names if name not in may]:
            reason = f"sudo does not let {', '.join(lacking)} start the launcher: does /etc/sudoers read {SUDOERS}?"
            return Observation(Status.FAILED, reason, evidence=ran.evidence(), is_gate=True)
        more = [f"{name}: {', '.join(may[name])}" for name in names if may[name]]
        absent = f"sudo allows deploy users more than edgectl ({'; '.join(more)})" if more else ""
        return Observation(Status.CURRENT, ", ".join(names), absent=absent, evidence=ran.evidence() if more else ())

    def _write_sudoers(self, write: Hands) -> None:
        path = _at(write, SUDOERS)
        if not self.users:
            write.remove(path)
            return
        tried = write.places.run / "sudoers"
        write.write(tried, self._rules, mode=_SUDOERS_MODE)
        try:
            ran = write.run("visudo", "-cf", str(tried), limit_seconds=_SECONDS)
        finally:
            write.remove(tried)
        if ran.code == _NO_PROGRAM:
            raise ApplyFailed(_NO_SUDO, evidence=ran.evidence())
        if not ran.ok:  # one file that sudo cannot read would shut everybody out of it
            raise ApplyFailed(f"sudo would not take {SUDOERS}: {ran.last_words}", evidence=ran.evidence())
        write.write(path, self._rules, mode=_SUDOERS_MODE)


def _make(write: Hands, user: User, account: Account | None) -> None:
    if account is None:
        kind = ("--system", "--user-group", "--no-create-home", "--home-dir", home_of(user.name))
        _change(write, "useradd", *kind, "--shell", SHELL, "--password", NO_PASSWORD, user.name)
    elif differs(account):
        words = ("--shell", SHELL, "--password", NO_PASSWORD, "--expiredate", "", "--groups", "")
        _change(write, "usermod", *words, user.name)
    root = write.places.root
    for folder in _folders(user.name):
        write.own_folder(_at(write, folder), below=root, owner=root.stat().st_uid, mode=0o755)
    write.write(_at(write, keys_of(user.name)), authorized(user.keys), mode=_KEYS_MODE)


def _change(write: Hands, *argv: str) -> None:
    ran = write.change(*argv, limit_seconds=_SECONDS)
    if not ran.ok:
        raise ApplyFailed(f"{argv[0]} {argv[-1]}: {ran.last_words}", evidence=ran.evidence())


def _accounts(read: Look) -> dict[str, Account]:
    passwd, shadow, group = (read.text(_at(read, f"/etc/{name}")) or "" for name in ("passwd", "shadow", "group"))
    return accounts(passwd, shadow, group)


def _retired(users: tuple[User, ...], have: dict[str, Account]) -> list[str]:
    declared = {user.name for user in users}
    return sorted(name for name, account in have.items() if account.is_ours and name not in declared)


def _folders(name: str) -> tuple[str, ...]:
    return (str(Path(HOMES).parent), HOMES, home_of(name), f"{home_of(name)}/.ssh")


def _folders_differ(read: Look, name: str) -> _Differences:
    found: _Differences = []
    for folder in _folders(name):
        entry = read.entry(_at(read, folder))
        if entry is None:
            return found  # the file of keys in it is missing, too
        if entry.st_mode != stat.S_IFDIR | 0o755 or _not_roots(read, entry.st_uid):
            found.append((folder, "another owner or mode", "root, 0755"))
    return found


def _file_differs(read: Look, path: str, text: str, mode: int) -> _Differences:
    entry = read.entry(_at(read, path))
    if entry is None:
        return [(path, "missing", "present")]
    if not stat.S_ISREG(entry.st_mode) or _not_roots(read, entry.st_uid):
        return [(path, "not root's file", "root's")]
    if read.text(_at(read, path)) != text:
        return [(path, "another text", "the declared one")]
    have = stat.S_IMODE(entry.st_mode)
    return [(f"{path} mode", f"{have:04o}", f"{mode:04o}")] if have != mode else []


def _not_roots(read: Look, uid: int) -> bool:
    return uid != read.places.root.stat().st_uid


def _at(read: Look, path: str) -> Path:
    return read.places.root / path.lstrip("/")
