"""A node that hands blobs out to the others: one session with it, which ends what it does.

Owns that session: begun with what the two ends know each other by, kept alive, closed. Must not know who takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from edgectl.control.deploy.answered import need
from edgectl.control.link.lost import LinkLost
from edgectl.control.link.onetime import OneTime, one_time
from edgectl.control.link.session import Session
from edgectl.wire.errors import EdgectlError
from edgectl.wire.frame import FrameError

_LONGEST_SECONDS = 6 * 3600.0
_BEAT_SECONDS = 20.0  # a node that hears nothing for 180 s ends by itself


class Share:
    """One node's. `digests` is what it hands out."""

    def __init__(self, session: Session, address: str, port: int, known: OneTime, digests: frozenset[str]) -> None:
        self.digests = digests
        self._session = session
        self._address = address
        self._port = port
        self._known = known
        self._over = Event()
        Thread(target=self._beat, daemon=True).start()

    @classmethod
    def begin(cls, connect: Callable[[], Session], address: str, digests: Collection[str]) -> Share:
        """Let a node listen on its address. Raises Unreachable, NotReady."""
        session, known = connect(), one_time()
        try:
            need(session.frames.receive(), "hello")
            session.frames.send(
                "share",
                address=address,
                certificate=known.certificate,
                key=known.key.reveal(),
                token=known.token.reveal(),
                blobs=sorted(digests),
                seconds=_LONGEST_SECONDS,
            )
            frame = session.frames.receive()
            need(frame, "sharing")
            return cls(session, address, int(frame["port"]), known, frozenset(digests))
        except FrameError as error:
            session.close()
            raise LinkLost("the link broke off", details=(str(error),)) from error
        except BaseException:
            session.close()
            raise

    def is_alive(self) -> bool:
        """Tell whether it still hands out, as far as is known."""
        return not self._over.is_set() and self._session.is_alive()

    def told(self, part: Collection[str], least: float) -> dict[str, Any]:
        """Return what a taker must know; it holds the token."""
        return {
            "address": self._address,
            "port": self._port,
            "certificate": self._known.certificate,
            "token": self._known.token.reveal(),
            "blobs": sorted(part),
            "least": least,
        }

    def end(self) -> None:
        """End it: the node's process ends with its session, and the listening with that."""
        self._over.set()
        self._session.close()

    def _beat(self) -> None:
        with suppress(FrameError, EdgectlError):
            while not self._over.wait(_BEAT_SECONDS):
                self._session.frames.send("beat")
        self._over.set()
