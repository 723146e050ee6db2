"""From a connection of a deploy user to a running engine: by the node's launcher, the one thing that his sudo allows.

Owns the operator's half of that handshake, and the launcher's text for whoever puts it onto a node beforehand. Must not
know whose key signs.
"""

from __future__ import annotations

import json
from contextlib import suppress
from importlib import resources
from typing import Any

from edgectl.control.link.handshake import Handshake
from edgectl.control.link.link import Link
from edgectl.control.link.runtime import RuntimeArchive
from edgectl.control.link.session import Session
from edgectl.control.link.target import Started
from edgectl.wire.errors import NotReady, Refused, Unreachable
from edgectl.wire.frame import FrameError
from edgectl.wire.launch import COMMAND, LAUNCHER, answered, asked

_START_SECONDS = 30.0  # login, sudo, Python
_UNPACK_SECONDS = 120.0  # a few hundred small files, each synced, on a slow disk


def launcher_text() -> str:
    """Return the launcher: on a node /usr/local/sbin/edgectl-launch, root's, 0755."""
    return resources.files("edgectl.node.launch").joinpath("launcher.py").read_text(encoding="utf-8")


class Launching:
    """One handshake with a node's launcher."""

    def __init__(self, link: Link, runtime: RuntimeArchive) -> None:
        self.link = link
        self.target = link.target
        self.runtime = runtime
        self.channel = link.run(COMMAND, patience_seconds=_START_SECONDS)
        self.handshake = Handshake(self.channel)

    def run(self, patience_seconds: float) -> Session:
        """Go through the handshake to its end. Raises Refused, Unreachable, NotReady, and what signing raises."""
        sent = False
        with suppress(FrameError):  # what the node says instead is read next
            self.channel.write(asked(self.runtime.hex))
        word, rest = self._line(_START_SECONDS)
        if word == "sign":
            sent = rest == "absent"
            self._answer(self._signed(), self.runtime.data if sent else b"")
            word, rest = self._line(_UNPACK_SECONDS)
        if word != "run":
            raise self._problem(word, rest)
        self.channel.patience_seconds = patience_seconds
        return Session(self.link, self.channel, self.runtime, engine_sent=sent, noise=self.handshake.noise)

    def _signed(self) -> Started:
        if self.target.sign is None:
            raise Refused(f"{self.target.where} wants a signature", hint="edgectl keys list", docs="users")
        return self.target.sign(self.runtime.digest, len(self.runtime.tar))

    def _answer(self, given: Started, packed: bytes) -> None:
        self.channel.patience_seconds = _UNPACK_SECONDS
        with suppress(FrameError):
            self.channel.write(answered(given.name, given.statement, given.signature, packed))

    def _line(self, seconds: float) -> tuple[str, str]:
        line = self.handshake.next(seconds=seconds)
        if line is None:
            user = self.target.user
            raise Unreachable(
                f"{self.target.where} let us in, but {user} could not start {LAUNCHER} there",
                hint=f"a node's first deploy is root's: it makes the account {user} and lays the launcher "
                f"(ssh.user: root, once; edgectl image does it before), then {user} may deploy",
                details=self._evidence(),
                docs="users",
            )
        return line

    def _problem(self, word: str, rest: str) -> Refused | NotReady | Unreachable:
        said: dict[str, Any] = {}
        with suppress(ValueError, TypeError):
            said = dict(json.loads(rest))
        if word == "refused" and said.get("message"):
            message = f"{self.target.node}: {said['message']}"
            return Refused(message, hint=str(said.get("hint", "")), details=self._evidence(), docs="users")
        if word == "failed":
            return NotReady(
                f"{self.target.node} cannot start the engine: {said.get('message', rest)} ({said.get('path', '?')})",
                hint="see to the disk on the node (df -h, df -i, mount), then run this again",
                details=self._evidence(),
            )
        return Unreachable(
            f'{self.target.where} answered in a way that this edgectl does not know: "{word} {rest}"'[:300],
            details=self._evidence(),
        )

    def _evidence(self) -> tuple[str, ...]:
        """Return what the node has printed, both streams."""
        self.channel.finish()
        streams = (("printed", self.handshake.noise), ("error output", self.channel.stderr()))
        return tuple(f"{name}: {text.strip()[-1000:]}" for name, text in streams if text.strip())
