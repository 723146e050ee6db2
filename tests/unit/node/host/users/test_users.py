"""Accounts of deploy users: made, kept, shut out; no stranger's account is touched, no link is followed."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Status
from edgectl.node.host.users import accounts as pure
from edgectl.node.host.users.step import SUDOERS, Users
from edgectl.node.io.programs import Ran
from edgectl.wire.host import User
from edgectl.wire.launch import LAUNCHER, authorized, home_of, keys_of, sudoers
from tests.unit.node.fake import FakeNode, ran

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"
EDGE, OPS = User("edge", (f"{KEY} ci",)), User("ops", (KEY,))
HEAD = """\
Matching Defaults entries for {name} on node-1:
    env_reset, mail_badpass, secure_path=/usr/local/sbin\\:/usr/local/bin\\:/usr/sbin\\:/usr/bin, use_pty

Runas and Command-specific defaults for {name}:
    Defaults!/usr/local/sbin/edgectl-launch env_reset, !setenv, !use_pty, !requiretty

User {name} may run the following commands on node-1:
"""
RULE = f'    (root) NOPASSWD: {LAUNCHER} ""\n'


@dataclass
class System:
    """The node's accounts: what useradd, usermod and sudo do to a folder's files."""

    node: FakeNode
    more: str = ""  # what other files of sudo's allow
    reads: bool = True  # whether sudo reads the folder of ours
    sudo: bool = True
    breaks_at: int = -1  # the change that fails
    rows: dict[str, list[str]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=lambda: {"sudo": [], "docker": []})

    def __post_init__(self) -> None:
        self.node.on_run, self.node.on_change = self.run, self.change
        self.rows["root"] = ["0", "/root", "/bin/bash", "*", ""]
        self.write()

    def write(self) -> None:
        """Write the three files."""
        etc = self.node.places.root / "etc"
        etc.mkdir(parents=True, exist_ok=True)
        rows = self.rows.items()
        (etc / "passwd").write_text("".join(f"{n}:x:{r[0]}:{r[0]}::{r[1]}:{r[2]}\n" for n, r in rows))
        (etc / "shadow").write_text("".join(f"{n}:{r[3]}:20000:0:99999:7::{r[4]}:\n" for n, r in rows))
        (etc / "group").write_text("".join(f"{n}:x:9:{','.join(who)}\n" for n, who in self.groups.items()))

    def change(self, *argv: str) -> Ran:
        """Change an account."""
        if len(self.node.changes) - 1 == self.breaks_at:
            return ran(code=1, err=f"{argv[0]}: cannot lock /etc/passwd; try again later.")
        name, words = argv[-1], dict(itertools.pairwise(argv))
        row = self.rows.setdefault(name, ["998", "", "", "!", ""])
        for place, option in ((1, "--home-dir"), (2, "--shell"), (3, "--password"), (4, "--expiredate")):
            row[place] = words.get(option, row[place])
        if "--groups" in words:
            for who in self.groups.values():
                who[:] = [one for one in who if one != name]
        self.write()
        return ran()

    def run(self, *argv: str) -> Ran:
        """Judge and tell as sudo does."""
        if argv[0] == "visudo":
            text = Path(argv[-1]).read_text()
            return ran() if text.endswith('""\n') else ran(code=1, err="syntax error")
        if not self.sudo:
            return ran("sudo is not installed\n", code=2)
        place = self.node.places.root / SUDOERS.lstrip("/")
        rules = place.read_text() if place.exists() and self.reads else ""
        out = ""
        for name in argv[2:]:
            listed = (RULE if f"{name} ALL=" in rules else "") + (f"    {self.more}\n" if self.more else "")
            told = f"{HEAD.format(name=name)}{listed}" if listed else f"User {name} is not allowed to run sudo on n.\n"
            out += f"user {name}\n{told}"
        return ran(out)


@pytest.fixture
def system(tmp_path: Path) -> System:
    """Return a node without deploy users."""
    return System(FakeNode(tmp_path))


def made(system: System, *users: User) -> None:
    """Converge, and check that nothing is left to do."""
    step = Users(users)
    seen = step.probe(system.node)
    assert seen.status is Status.DRIFTED
    step.apply(system.node, seen)
    seen = step.probe(system.node)
    assert (seen.status, seen.reason) == (Status.CURRENT, ", ".join(user.name for user in users) or "none"), seen


def at(system: System, path: str) -> Path:
    return system.node.places.root / path.lstrip("/")


def test_an_account_is_made_and_only_starts_the_launcher(system: System) -> None:
    """Law: no password, no groups, keys that start one program, and one rule for it; all of it root's."""
    made(system, EDGE)
    assert system.rows["edge"][1:] == ["/etc/edgectl/users/edge", "/bin/sh", "*", ""]
    assert (
        at(system, keys_of("edge"))
        .read_text()
        .endswith(f'restrict,command="sudo -n /usr/local/sbin/edgectl-launch" {KEY}\n')
    )
    rules = at(system, SUDOERS).read_text()
    assert rules.endswith('edge ALL=(root) NOPASSWD: /usr/local/sbin/edgectl-launch ""\n')
    assert (at(system, SUDOERS).stat().st_mode & 0o777, at(system, keys_of("edge")).stat().st_mode & 0o777) == (
        0o440,
        0o644,
    )
    for folder in ("/etc/edgectl", "/etc/edgectl/users", home_of("edge"), f"{home_of('edge')}/.ssh"):
        found = at(system, folder).stat()
        assert (found.st_uid, found.st_mode & 0o777) == (os.getuid(), 0o755)
    changes = len(system.node.changes)
    assert Users((EDGE,)).probe(system.node).status is Status.CURRENT
    assert len(system.node.changes) == changes


def test_whatever_somebody_changes_is_put_back(system: System) -> None:
    """A password, a shell, a day, a group, a key, a mode, an owner's folder, a rule: seen, named, undone."""
    made(system, EDGE)
    row = system.rows["edge"]
    breaks: dict[str, Callable[[], object]] = {
        "edge password": lambda: row.__setitem__(3, "$6$x"),
        "edge shell": lambda: row.__setitem__(2, "/bin/bash"),
        "edge ends": lambda: row.__setitem__(4, "1"),
        "edge groups": lambda: system.groups["docker"].append("edge"),
        keys_of("edge"): lambda: at(system, keys_of("edge")).write_text(KEY),
        f"{keys_of('edge')} mode": lambda: at(system, keys_of("edge")).chmod(0o666),
        f"{home_of('edge')}/.ssh": lambda: at(system, f"{home_of('edge')}/.ssh").chmod(0o777),
        SUDOERS: lambda: at(system, SUDOERS).write_text("edge ALL=(ALL) NOPASSWD: ALL\n"),
    }
    for what, breaking in breaks.items():
        breaking()
        system.write()
        seen = Users((EDGE,)).probe(system.node)
        assert [row[0] for row in seen.differences] == [what], (what, seen)
        made(system, EDGE)


def test_a_folder_that_sshd_cannot_pass_is_put_right(system: System) -> None:
    """Law: each folder on the way to the keys is 0755: sshd reads them as the user. Seeded: only writers count."""
    made(system, EDGE)
    for folder in ("/etc/edgectl", "/etc/edgectl/users", home_of("edge"), f"{home_of('edge')}/.ssh"):
        at(system, folder).chmod(0o700)
        seen = Users((EDGE,)).probe(system.node)
        assert seen.differences == ((folder, "another owner or mode", "root, 0755"),)
        made(system, EDGE)


def test_a_link_in_the_place_of_keys_is_no_file(system: System) -> None:
    """What lies there instead is replaced, and never written through."""
    made(system, EDGE)
    other = at(system, "/etc/shadow")
    before = other.read_text()
    place = at(system, keys_of("edge"))
    place.unlink()
    place.symlink_to(other)
    assert Users((EDGE,)).probe(system.node).status is Status.DRIFTED
    made(system, EDGE)
    assert (place.is_symlink(), other.read_text()) == (False, before)


def test_nobodys_account_is_taken_over(system: System) -> None:
    """Law: an account with another home, or root's number, is refused by name and stays as it is."""
    for row in (["1000", "/home/edge", "/bin/bash", "$6$x", ""], ["0", home_of("edge"), "/bin/sh", "*", ""]):
        system.rows["edge"] = row
        system.write()
        seen = Users((EDGE,)).probe(system.node)
        assert (seen.status, seen.is_gate) == (Status.FAILED, True)
        assert "edge is an account that edgectl has not made" in seen.reason
    assert Users(()).probe(system.node).status is Status.CURRENT, "nor is it shut out"


def test_who_is_declared_no_more_is_shut_out(system: System) -> None:
    """Law: keys and rule go, the account ends and stays; the others are left alone; declared again, it is back."""
    made(system, EDGE, OPS)
    made(system, OPS)
    assert not at(system, keys_of("edge")).exists()
    assert "edge ALL" not in at(system, SUDOERS).read_text()
    assert system.rows["edge"][2:] == ["/usr/sbin/nologin", "*", "1"]
    assert system.rows["ops"][2:] == ["/bin/sh", "*", ""]
    made(system, EDGE, OPS)
    made(system)
    assert not at(system, SUDOERS).exists()
    assert Users(()).probe(system.node).reason == "none"


@pytest.mark.parametrize("breaks_at", range(4))
def test_killed_anywhere_the_next_run_goes_on(system: System, breaks_at: int) -> None:
    """Law: what a failed program leaves half is seen, and the same step ends it."""
    made(system, EDGE)
    system.breaks_at = len(system.node.changes) + breaks_at
    step, users = Users((OPS,)), (OPS,)
    for _ in range(3):
        seen = step.probe(system.node)
        if seen.status is Status.CURRENT:
            break
        with suppress(ApplyFailed):
            step.apply(system.node, seen)
    assert step.probe(system.node).status is Status.CURRENT
    assert at(system, SUDOERS).read_text() == sudoers(user.name for user in users)


def test_what_sudo_makes_of_it_counts(system: System) -> None:
    """A folder that sudo does not read, a file that allows more, no sudo: said, and none of them is fine."""
    made(system, EDGE)
    system.more = "(ALL) NOPASSWD: ALL"
    seen = Users((EDGE,)).probe(system.node)
    assert (seen.status, seen.absent) == (
        Status.CURRENT,
        "sudo allows deploy users more than edgectl (edge: (ALL) NOPASSWD: ALL)",
    )
    system.more, system.reads = "", False
    seen = Users((EDGE,)).probe(system.node)
    assert (seen.status, "does /etc/sudoers read" in seen.reason) == (Status.FAILED, True)
    system.sudo = False
    seen = Users((EDGE,)).probe(system.node)
    assert (seen.status, "sudo is not installed here" in seen.reason) == (Status.FAILED, True)
    system.node.on_run = lambda *_: ran(code=1, err="sudo: PERM_SUDOERS: setresuid(-1, 1, -1): denied")
    with pytest.raises(LookFailed, match="PERM_SUDOERS"):
        Users((EDGE,)).probe(system.node)


def test_a_file_that_sudo_cannot_read_is_never_put_there(system: System) -> None:
    """One of those would shut everybody out of sudo. Without visudo nothing is written either."""
    for answer, why in (
        (ran(code=1, err="/run/edgectl/sudoers:3:1: syntax error"), "sudo would not take .* syntax error"),
        (ran(code=127, err="visudo: No such file or directory"), "sudo is not installed"),
    ):
        system.node.on_run = lambda *_, answer=answer: answer
        step = Users((EDGE,))
        with pytest.raises(ApplyFailed, match=why):
            step.apply(system.node, step.probe(system.node))
        assert not at(system, SUDOERS).exists()
        assert not list(system.node.places.run.glob("*"))


def test_comments_and_options_of_keys_do_not_pass() -> None:
    """Only kind and key are written: nothing that stands behind them reaches a file of root's."""
    lines = authorized((f'{KEY} x" command="id', f"{KEY} ci"))
    assert lines.count(KEY) == 2
    assert 'command="id' not in lines


@pytest.mark.parametrize(
    ("told", "may"),
    [
        (f"user edge\n{HEAD.format(name='edge')}{RULE}", {"edge": ()}),
        (f"user edge\n{HEAD.format(name='edge')}{RULE}    (ALL : ALL) ALL\n", {"edge": ("(ALL : ALL) ALL",)}),
        (f"user edge\n{HEAD.format(name='edge')}    (root) NOPASSWD: {LAUNCHER}\n", {}),  # with any arguments
        ("user edge\nUser edge is not allowed to run sudo on node-1.\n", {}),
        ("user edge\nsudo: unknown user: edge\n", {}),
        ("", {}),
    ],
)
def test_sudos_words(told: str, may: dict[str, tuple[str, ...]]) -> None:
    """What is not said is not allowed."""
    assert pure.rights(told) == may
