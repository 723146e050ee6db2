"""From a target to a running engine: one connection, one exec, frames from then on.

Owns the order of the handshake (sudo, Python, engine there or sent) and the sentence for each way it can end.
Must not know what the engine is asked to do.
"""

from __future__ import annotations

import functools
import json
import re
from contextlib import suppress
from importlib import resources
from typing import Any

from edgectl.control.link.command import GO, Request
from edgectl.control.link.connect import connect
from edgectl.control.link.handshake import Handshake
from edgectl.control.link.launcher import Launching
from edgectl.control.link.link import Link
from edgectl.control.link.lost import LinkLost
from edgectl.control.link.runtime import RuntimeArchive
from edgectl.control.link.session import Session
from edgectl.control.link.target import Target
from edgectl.wire.errors import NotReady, Unreachable
from edgectl.wire.frame import FrameError

STATE = "/var/lib/edgectl"
_OLDEST = (3, 10)
_SHELL_SECONDS = 30.0  # login, shell start-up files, sudo; PAM waits a few seconds after a wrong password
_UNPACK_SECONDS = 120.0  # a few hundred small files, each synced, on a slow disk


def open_session(
    target: Target,
    runtime: RuntimeArchive,
    *,
    state: str = STATE,
    arguments: tuple[str, ...] = ("session",),
    patience_seconds: float = 300.0,
) -> Session:
    """Connect and start the engine, sending it first where it is not yet.

    `patience_seconds` is how long the engine may be silent later
    (session.channel.patience_seconds changes it).
    Raises Unreachable (network, host key, log-in, sudo, LinkLost) and NotReady (Python, disk of the node); where the
    node's launcher is the way in, Refused too.
    """
    link = connect(target)
    try:
        if target.sign is not None:
            return Launching(link, runtime).run(patience_seconds)
        return _Start(link, runtime, state=state, arguments=arguments).run(patience_seconds)
    except BaseException:
        link.close()
        raise


@functools.cache
def _program() -> bytes:
    return resources.files("edgectl.node").joinpath("bootstrap.py").read_bytes()


class _Start:
    """One handshake."""

    def __init__(self, link: Link, runtime: RuntimeArchive, *, state: str, arguments: tuple[str, ...]) -> None:
        self.link = link
        self.target = link.target
        self.runtime = runtime
        self.state = state
        request = Request(
            folder=f"{state}/runtimes/{runtime.hex}",
            program_bytes=len(_program()),
            has_password=self.target.password is not None,
            arguments=arguments,
        )
        self.channel = link.run(request.text(), patience_seconds=_SHELL_SECONDS)
        self.handshake = Handshake(self.channel)

    def run(self, patience_seconds: float) -> Session:
        """Go through the handshake to its end."""
        sent = False
        word, rest = self._line(_SHELL_SECONDS)
        if word == "password":
            self._send_password()
            word, rest = self._line(_SHELL_SECONDS)
        if word == "absent":
            sent = True
            self._check_python(rest)
            self._send_engine()
            word, rest = self._line(_UNPACK_SECONDS)
        if word != "run":
            raise self._problem(word, rest)
        self.channel.patience_seconds = patience_seconds
        return Session(self.link, self.channel, self.runtime, engine_sent=sent, noise=self.handshake.noise)

    def _line(self, seconds: float) -> tuple[str, str]:
        try:
            line = self.handshake.next(seconds=seconds)
        except LinkLost as error:
            error.details = (*error.details, *self._evidence())
            raise
        if line is None:
            status = self.channel.exit_status(seconds=5)
            raise Unreachable(
                f"{self.target.where} let us in but did not run our command "
                f"(exit {status if status is not None else 'unknown'})",
                hint=f"does {self.target.user} have a normal login shell there, and does "
                f"`ssh {self.target.user}@{self.target.host} true` work?",
                details=self._evidence(),
            )
        return line

    def _send_password(self) -> None:
        """Once for the test, once for the session; then the line that says where the session's own bytes begin."""
        if self.target.password is None:
            raise self._problem("sudo", "password")
        secret = self.target.password.reveal().encode()
        with suppress(FrameError):
            self.channel.write(secret + b"\n" + secret + b"\n" + GO)

    def _send_engine(self) -> None:
        self.channel.patience_seconds = _UNPACK_SECONDS
        with suppress(FrameError):  # what the node says instead is read next
            data = self.runtime.data
            self.channel.write(_program() + b"%d\n" % len(data) + data)

    def _check_python(self, found: str) -> None:
        match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", found)
        if match is None or (int(match[1]), int(match[2])) < _OLDEST:
            raise self._problem("python", found)

    def _problem(self, word: str, rest: str) -> Unreachable | NotReady:
        if word == "sudo":
            return self._sudo_problem(rest)
        if word == "python":
            named = "no Python 3" if rest == "none" else f"Python {rest[:200] or '(no version)'}"
            return NotReady(
                f"{self.target.node} has {named}; edgectl needs Python 3.10 or newer there",
                hint="install it on the node (Debian 12, Ubuntu 22.04 and newer have it): apt-get install python3",
                details=self._evidence(),
            )
        if word == "failed":
            return self._unpack_problem(rest)
        return Unreachable(
            f'{self.target.where} answered in a way that this edgectl does not know: "{word} {rest}"'[:300],
            details=self._evidence(),
        )

    def _unpack_problem(self, rest: str) -> NotReady:
        said: dict[str, Any] = {}
        with suppress(ValueError):
            said = json.loads(rest)
        free = said.get("free_bytes")
        room = f" ({free // 1024} KiB and {said.get('free_files')} files free)" if isinstance(free, int) else ""
        return NotReady(
            f"{self.target.node} cannot keep the engine in {self.state}: {said.get('message', rest)}{room}",
            hint=f"see to the disk that holds {self.state} on the node (df -h, df -i, mount), then run this again",
            details=(f"failed at {said.get('path', '?')} (errno {said.get('errno')})", *self._evidence()),
        )

    def _sudo_problem(self, rest: str) -> Unreachable:
        user, node = self.target.user, self.target.node
        what, _, said = rest.partition(" ")
        hint = f"put {user} in the sudo group on the node, or log in as root"
        if what == "missing":
            message = f"{node}: {user} is not root and there is no sudo"
            hint = "install sudo on the node, or log in as root"
        elif "sudoers" in said or "not allowed" in said or "may not run" in said:
            message = f"{node}: {user} may not use sudo"
        elif what == "password":
            message = f"{node}: sudo wants {user}'s password, and none is configured"
            hint = f"give edgectl the sudo password, or allow {user} to use sudo without one (NOPASSWD)"
        elif "assword" in said or "try again" in said or not said:
            message = f"{node}: sudo refused the password of {user}"
            hint = "check the sudo password; nothing was changed"
        else:
            message = f"{node}: sudo does not let {user} become root"
        return Unreachable(message, hint=hint, details=(*((f"sudo said: {said}",) if said else ()), *self._evidence()))

    def _evidence(self) -> tuple[str, ...]:
        """Return what the node has printed, both streams."""
        self.channel.finish()
        streams = (("printed", self.handshake.noise), ("error output", self.channel.stderr()))
        return tuple(f"{name}: {text.strip()[-1000:]}" for name, text in streams if text.strip())
