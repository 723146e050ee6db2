"""From a bare node to a running engine and back: one connection, one exec, whatever the node's shell is like."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgectl.control.deploy.caps import Caps
from edgectl.control.deploy.line import Line
from edgectl.control.deploy.transfer import Progress
from edgectl.control.link.blobs import send_blobs
from edgectl.control.link.bootstrap import open_session
from edgectl.control.link.lost import LinkLost
from edgectl.control.link.runtime import RuntimeArchive
from edgectl.control.link.secret import Secret
from edgectl.wire.errors import NotReady, Unreachable
from tests.unit.control.deploy.silent import Silent

if TYPE_CHECKING:
    from tests.link.conftest import Sshd, Start

# Behaves like sudo as far as the link goes: -n never asks; -S takes one line a try; a wrong one asks again.
_SUDO = r"""#!/bin/sh
mode=$(cat "$(dirname "$0")/mode")
case "$1" in
-n) shift; [ "$mode" = free ] && exec "$@"; echo "sudo: a password is required" >&2; exit 1;;
-kSp) shift 2;;
*) echo "usage: $*" >&2; exit 2;;
esac
tries=0
while [ $tries -lt 3 ]; do
  IFS= read -r given || { echo "sudo: no password was provided" >&2; exit 1; }
  if [ "$given" = "right \$HOME 'quoted\" \\x" ]; then
    [ "$mode" = stranger ] && { echo "clerk is not in the sudoers file." >&2; exit 1; }
    exec "$@"
  fi
  echo "Sorry, try again." >&2; tries=$((tries + 1))
done
exit 1
"""
_SHELLS = [
    shell
    for shell in ("sh", "bash", "dash", "zsh", "fish", "csh", "tcsh", "ksh", "busybox sh")
    if shutil.which(shell.split()[0])
]


@dataclass
class Heard(Silent):
    """What is told of a transfer."""

    shown: list[Progress] = field(default_factory=list)

    def sending(self, look: Callable[[], Progress]) -> None:
        """Remember it."""
        self.shown.append(look())


_PASSWORD = Secret("right $HOME 'quoted\" \\x")


def test_the_engine_is_sent_once(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """A bare node gets the engine, complete and compiled; the next session finds it and sends nothing."""
    with open_session(sshd.target, engine, state=state) as session:
        assert session.engine_sent
        first = session.frames.receive()
        assert first["argv"] == ["session"]
        session.frames.send("echo", text="after the archive nothing is left over")
        assert session.frames.receive()["text"] == "after the archive nothing is left over"
    folder = Path(state, "runtimes", engine.hex)
    assert [path.name for path in folder.parent.iterdir()] == [engine.hex]
    assert list(folder.rglob("__pycache__/frame*.pyc"))
    before = _picture(folder)
    with open_session(sshd.target, engine, state=state) as session:
        assert not session.engine_sent
        session.frames.receive()
        session.frames.send("echo")
        session.frames.receive()
        cost = session.link_bytes
    assert _picture(folder) == before
    assert cost <= 16 * 1024, "an empty session costs at most 16 KB on the wire"
    assert cost < 6 * 1024, "it cost 4.5 KB when this was written"
    assert sshd.log.count("Accepted publickey") == 2
    assert sshd.log.count("Starting session") == 2


def test_two_first_sessions_at_once(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """Two operators who meet on a bare node both get their session, and one engine lies there."""
    greetings: list[dict[str, object]] = []

    def go() -> None:
        with open_session(sshd.target, engine, state=state) as session:
            greetings.append(session.frames.receive())

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(greetings) == 3
    assert [path.name for path in Path(state, "runtimes").iterdir()] == [engine.hex]


def test_what_a_killed_bootstrap_left_is_removed(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """A half unpacked engine is never run and does not stay."""
    gone = subprocess.Popen(["true"])
    gone.wait(10)
    runtimes = Path(state, "runtimes")
    (runtimes / f"{engine.hex}.new-{gone.pid}" / "edgectl").mkdir(parents=True)
    (runtimes / f"{engine.hex}.new-{os.getpid()}").mkdir()
    with open_session(sshd.target, engine, state=state) as session:
        session.frames.receive()
    assert sorted(path.name for path in runtimes.iterdir()) == [engine.hex, f"{engine.hex}.new-{os.getpid()}"]


def test_a_chatty_login_is_skipped(start: Start, engine: RuntimeArchive, state: str) -> None:
    """What motd and shell start-up files print is kept as evidence, and confuses nothing."""
    noise = "printf 'Welcome to the store!\\nedgectl-lin is not ours\\nlast login: today'; echo noise >&2"
    sshd = start(command=f'{noise}; exec sh -c "$SSH_ORIGINAL_COMMAND"')
    for _ in range(2):
        with open_session(sshd.target, engine, state=state) as session:
            session.frames.receive()
            assert session.noise.startswith("Welcome to the store!\nedgectl-lin is not ours\nlast login: today")
            assert session.channel.stderr() == "noise\n"


def test_a_login_that_runs_no_commands(start: Start, engine: RuntimeArchive, state: str) -> None:
    """A shell that does not run the command is a sentence with what it said instead."""
    sshd = start(command="echo This account is not available; echo bye >&2; exit 1")
    with pytest.raises(Unreachable, match=r"did not run our command \(exit 1\)") as caught:
        open_session(sshd.target, engine, state=state)
    assert "printed: This account is not available" in caught.value.details
    assert "error output: bye" in caught.value.details


def test_a_login_that_never_stops_printing(start: Start, engine: RuntimeArchive, state: str) -> None:
    """Endless noise is given up, not stored."""
    sshd = start(command="yes this is a very talkative login")
    with pytest.raises(Unreachable, match="prints more than 256 KiB"):
        open_session(sshd.target, engine, state=state)


@pytest.mark.parametrize("shell", _SHELLS)
def test_any_login_shell_passes_the_command_on(start: Start, engine: RuntimeArchive, state: str, shell: str) -> None:
    """The command line is one line of plain quoted words."""
    sshd = start(command=f'exec {shell} -c "$SSH_ORIGINAL_COMMAND"')
    for _ in range(2):
        with open_session(sshd.target, engine, state=state) as session:
            assert session.frames.receive()["op"] == "hello"


def test_no_python(start: Start, engine: RuntimeArchive, state: str, tmp_path: Path) -> None:
    """A node without Python is not ready, and told what to install."""
    _program(tmp_path / "bin/id", "#!/bin/sh\necho 0\n")
    (tmp_path / "bin/sh").symlink_to("/bin/sh")
    sshd = start(command=f'PATH={tmp_path}/bin; exec sh -c "$SSH_ORIGINAL_COMMAND"')
    with pytest.raises(NotReady, match=r"node-1 has no Python 3; edgectl needs Python 3\.10") as caught:
        open_session(sshd.target, engine, state=state)
    assert "apt-get install python3" in caught.value.hint


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ("echo 3.9.2", r"has Python 3\.9\.2; edgectl needs"),
        ("echo Illegal instruction >&2; exit 132", "has Python Illegal"),
    ],
)
def test_a_python_that_will_not_do(
    start: Start, engine: RuntimeArchive, state: str, tmp_path: Path, python: str, sentence: str
) -> None:
    """A Python that is too old, or broken, is named as it was found; nothing is sent."""
    _program(tmp_path / "bin/python3", f"#!/bin/sh\n{python}\n")
    _program(tmp_path / "bin/id", "#!/bin/sh\necho 0\n")
    sshd = start(path=tmp_path / "bin")
    with pytest.raises(NotReady, match=sentence):
        open_session(sshd.target, engine, state=state)
    assert not Path(state).exists()


@pytest.mark.parametrize("mode", ["free", "password"])
def test_sudo(start: Start, engine: RuntimeArchive, state: str, tmp_path: Path, mode: str) -> None:
    """A user who is not root becomes root by sudo, without or with a password; the engine's input begins clean."""
    sshd = _with_sudo(start, tmp_path, mode)
    for _ in range(2):
        with open_session(replace(sshd.target, password=_PASSWORD), engine, state=state) as session:
            assert session.frames.receive()["op"] == "hello"
            session.frames.send("echo", first=True)
            assert session.frames.receive() == {"op": "echo", "first": True}
    assert _PASSWORD.reveal() not in sshd.log


@pytest.mark.parametrize(
    ("mode", "password", "sentence"),
    [
        ("password", None, "sudo wants .* password, and none is configured"),
        ("password", Secret("wrong"), "sudo refused the password of"),
        ("password", Secret(""), "sudo refused the password of"),
        ("stranger", _PASSWORD, "may not use sudo"),
    ],
)
def test_sudo_that_refuses(
    start: Start,
    engine: RuntimeArchive,
    state: str,
    tmp_path: Path,
    mode: str,
    password: Secret | None,
    sentence: str,
) -> None:
    """Each way in which sudo says no is a sentence of its own, at once, and the password is in none of them."""
    sshd = _with_sudo(start, tmp_path, mode)
    with pytest.raises(Unreachable, match=sentence) as caught:
        open_session(replace(sshd.target, password=password), engine, state=state)
    if password is not None and password.reveal():
        assert password.reveal() not in repr(caught.value.to_json())
    assert not Path(state).exists()


def test_no_sudo_at_all(start: Start, engine: RuntimeArchive, state: str, tmp_path: Path) -> None:
    """A user who is not root on a node without sudo is told so."""
    _program(tmp_path / "bin/id", "#!/bin/sh\necho 1000\n")
    (tmp_path / "bin/sh").symlink_to("/bin/sh")
    sshd = start(command=f'PATH={tmp_path}/bin; exec sh -c "$SSH_ORIGINAL_COMMAND"')
    with pytest.raises(Unreachable, match="is not root and there is no sudo"):
        open_session(sshd.target, engine, state=state)


def test_a_disk_that_takes_no_more(start: Start, engine: RuntimeArchive, state: str) -> None:
    """A write that fails while unpacking is a sentence with the error, the place and the room; no half engine stays."""
    sshd = start(command='ulimit -f 1; exec sh -c "$SSH_ORIGINAL_COMMAND"')
    with pytest.raises(NotReady, match=r"node-1 cannot keep the engine in .*: File too large \(\d+ KiB") as caught:
        open_session(sshd.target, engine, state=state)
    assert "df -h" in caught.value.hint
    assert "(errno 27)" in caught.value.details[0]
    assert list(Path(state, "runtimes").iterdir()) == []


def test_a_place_that_cannot_be_made(sshd: Sshd, engine: RuntimeArchive) -> None:
    """A state folder that cannot be made is the node's fault, named."""
    with pytest.raises(NotReady, match="cannot keep the engine in /proc/edgectl: No such file or directory"):
        open_session(sshd.target, engine, state="/proc/edgectl")


def test_a_damaged_archive_is_not_unpacked(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """Bytes that are not what their name says are refused by the node."""
    lying = RuntimeArchive("sha256:" + "0" * 64, engine.tar)
    with pytest.raises(NotReady, match="the archive came damaged"):
        open_session(sshd.target, lying, state=state)
    assert not list(Path(state).rglob("*.py"))


def test_error_output_is_drained_and_bounded(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """Any amount of error output stops nothing; its last 64 KiB are kept."""
    with open_session(sshd.target, engine, state=state) as session:
        session.frames.receive()
        for _ in range(4):
            session.frames.send("echo", stderr="0123456789abcde\n" * 65536)
            session.frames.receive()
        session.frames.send("echo", stderr="the end")
        session.frames.receive()
        session.channel.finish()
        assert session.channel.exit_status(seconds=10) == 0
        tail = session.channel.stderr(seconds=10)
        assert len(tail) == 64 * 1024
        assert tail.endswith("the end")


def test_blobs_arrive_whole_across_new_keys(start: Start, engine: RuntimeArchive, state: str, tmp_path: Path) -> None:
    """Many megabytes go both ways, also while the server exchanges keys anew again and again."""
    sshd = start("RekeyLimit 1M")
    data = os.urandom(1 << 20) * 12
    (tmp_path / "blob").write_bytes(data)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    with open_session(sshd.target, engine, state=state) as session:
        session.frames.receive()
        gone: list[int] = []
        wanted = [{"digest": digest, "have_bytes": 5}]
        sources = {digest: tmp_path / "blob"}
        count = len(data) - 5
        assert send_blobs(session.frames, wanted, sources, progress=lambda _, sent: gone.append(sent)) == count
        received = 0
        while (answer := session.frames.receive())["op"] == "blob":
            assert answer["offset"] == 5 + received
            received += answer["received"]
        assert (answer["op"], received, sum(gone)) == ("sent", count, count)
        session.frames.send("pour", bytes=12 << 20)
        poured: list[int] = []
        session.frames.receive_bytes(session.frames.receive()["bytes"], lambda piece: poured.append(len(piece)))
        assert sum(poured) == 12 << 20


def _with_sudo(start: Start, tmp_path: Path, mode: str) -> Sshd:
    _program(tmp_path / "bin/sudo", _SUDO)
    _program(tmp_path / "bin/id", "#!/bin/sh\necho 1000\n")
    (tmp_path / "bin/mode").write_text(mode)
    return start(path=tmp_path / "bin")


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _picture(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((str(path), path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*"))


def test_bytes_arrive_under_the_limit_and_are_told_as_they_do(
    sshd: Sshd, engine: RuntimeArchive, state: str, tmp_path: Path
) -> None:
    """Law: the limit holds on a real link, progress ends at all bytes, and none of them waits in the system then."""
    data = os.urandom(2_000_000)
    (tmp_path / "blob").write_bytes(data)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    line, heard = Line(Caps(asked=2_000_000.0)), Heard()
    with open_session(sshd.target, engine, state=state) as session:
        session.frames.receive()
        before, began = session.link.sent_bytes, time.monotonic()
        wanted = [{"digest": digest, "size": len(data), "have_bytes": 0}]
        line.send("node-1", session, wanted, {digest: tmp_path / "blob"}, heard, lambda *_: None)
        seconds = time.monotonic() - began
        assert 0.95 <= seconds <= 15, "no faster than the limit, and not for ever"
        assert session.queued_bytes < 1024, "SSH's own words (52 bytes as it reads an answer) may be on their way"
        assert session.link.sent_bytes - before <= len(data) * 1.02, "SSH's own share is small, also in small pieces"
        received = 0
        while (answer := session.frames.receive())["op"] == "blob":
            received += answer["received"]
        assert received == len(data)
    assert [one.sent_bytes for one in heard.shown] == sorted(one.sent_bytes for one in heard.shown)
    assert heard.shown[-1].is_done


def test_what_a_frozen_server_has_not_taken_is_not_called_sent(
    sshd: Sshd, engine: RuntimeArchive, state: str, tmp_path: Path
) -> None:
    """Law: bytes in the sender's own queue when the link dies have not arrived, however many were written."""
    data = os.urandom(64 << 20)
    (tmp_path / "blob").write_bytes(data)
    line, heard = Line(), Heard()
    with open_session(replace(sshd.target, silence_seconds=2.0), engine, state=state) as session:
        session.frames.receive()
        sshd.freeze()
        wanted = [{"digest": "sha256:a", "size": len(data), "have_bytes": 0}]
        given: list[int] = []
        with pytest.raises(LinkLost):
            line.send(
                "node-1", session, wanted, {"sha256:a": tmp_path / "blob"}, heard, lambda _, sent: given.append(sent)
            )
    assert line.transfer.now().sent_bytes == heard.shown[-1].sent_bytes < len(data)
