"""How the end of a link looks: silence, a cut, a crash, a stop. Against a real OpenSSH server."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edgectl.control.link.bootstrap import open_session
from edgectl.control.link.lost import LinkLost
from edgectl.wire.errors import Bug

if TYPE_CHECKING:
    from edgectl.control.link.runtime import RuntimeArchive
    from tests.link.conftest import Sshd


def test_a_frozen_server_is_noticed_within_20_seconds(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """With the limits as they are, a peer that says nothing is given up in time, though its kernel acknowledges."""
    with open_session(sshd.target, engine, state=state) as session:
        session.frames.receive()
        sshd.freeze()
        began = time.monotonic()
        with pytest.raises(LinkLost, match=r"has said nothing for (18|19) s") as caught:
            session.frames.receive()
        assert 17 < time.monotonic() - began < 20
        assert "re-attaches" in caught.value.hint


def test_a_frozen_server_is_noticed_while_sending(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """A writer whose bytes nobody takes any more is freed too."""
    with open_session(replace(sshd.target, silence_seconds=3.0), engine, state=state) as session:
        session.frames.receive()
        sshd.freeze()
        session.frames.send("blob", bytes=64 << 20)
        with pytest.raises(LinkLost, match=r"has said nothing for \d s"):
            session.frames.send_bytes(bytes(64 << 20))


def test_a_quiet_but_living_server_is_kept(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """Silence of the engine alone is no loss: the server answers the probe."""
    with open_session(replace(sshd.target, silence_seconds=2.0), engine, state=state) as session:
        session.frames.receive()
        before = session.link.received_bytes
        time.sleep(3)
        assert session.link.received_bytes > before
        session.frames.send("echo", a=1)
        assert session.frames.receive()["a"] == 1


def test_a_killed_server_is_a_lost_link_at_once(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """A connection that is closed under the session is a lost link, not an end of the answer."""
    with open_session(sshd.target, engine, state=state) as session:
        session.frames.receive()
        for pid in sshd.children():
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(LinkLost, match="node-1"):
            session.frames.receive()
        with pytest.raises(LinkLost):
            session.frames.send("echo")
        assert time.monotonic() - began < 3


def test_a_crash_of_the_engine_is_a_bug_with_its_traceback(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """An engine that dies of itself is not taken for a bad line: coming back would not help."""
    with open_session(sshd.target, engine, state=state) as session:
        session.frames.receive()
        session.frames.send("crash")
        with pytest.raises(Bug, match=r"ended by itself \(exit 1\)") as caught:
            session.frames.receive()
        assert "RuntimeError: crashed on purpose" in caught.value.details


def test_a_stopped_engine_is_a_lost_link(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """An engine that is killed from outside (a reboot, say) is worth coming back to."""
    with open_session(sshd.target, engine, state=state) as session:
        session.frames.receive()
        session.frames.send("die")
        with pytest.raises(LinkLost, match="was stopped"):
            session.frames.receive()


def test_patience_ends_a_wait_for_a_hung_engine(sshd: Sshd, engine: RuntimeArchive, state: str) -> None:
    """An engine that hangs behind a living server is given up when the patience ends."""
    with open_session(sshd.target, engine, state=state) as session:
        session.frames.receive()
        session.channel.patience_seconds = 0.3
        with pytest.raises(LinkLost, match=r"the command has said nothing for 0\.3 s"):
            session.frames.receive()
