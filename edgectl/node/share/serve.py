"""Hand blobs out to the other nodes of the store, for the length of one deploy.

Owns the listening: who is answered (whoever shows the token, within seconds), with what (the blobs that were named, no
other), and when it ends: with the session, after its time, or when nobody asks. Nothing is written.
"""

from __future__ import annotations

import hmac
import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import BoundedSemaphore, Event, Lock, Thread
from typing import Any

from edgectl.node.io.places import Places
from edgectl.node.share.pinned import serving
from edgectl.wire.errors import NotReady
from edgectl.wire.frame import FrameError, Frames

LONGEST_SECONDS = 6 * 3600.0
IDLE_SECONDS = 300.0  # also how long a taker may be busy with its own disk
_GREET_SECONDS = 10.0  # for the handshake, and again for the question
_QUESTION_BYTES = 1024 * 1024
_CONNECTIONS = 8
_TICK_SECONDS = 0.25
_CHUNK = 256 * 1024
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def share(places: Places, frames: Frames, frame: dict[str, Any]) -> None:
    """Say on which port, then hand out until the operator says anything but that it is there, or is gone.

    Ends the session, too. Raises NotReady when it cannot be begun.
    """
    try:
        given = Share(places, str(frame["token"]), frame["blobs"])
        context = serving(str(frame["certificate"]), str(frame["key"]))
        listener = _listening(str(frame["address"]))
    except (OSError, ValueError) as error:
        raise NotReady(
            f"this node cannot listen for its neighbours: {getattr(error, 'strerror', None) or error}",
            hint="is the node's address in the inventory one of its own?",
        ) from error
    over = Event()
    with listener:
        frames.send("sharing", port=listener.getsockname()[1])
        Thread(target=_hear, args=(frames, over), daemon=True).start()
        given.run(listener, context, over, seconds=min(float(frame["seconds"]), LONGEST_SECONDS))
    raise FrameError("the share has ended")  # and the session with it: its input is being read elsewhere


def _hear(frames: Frames, over: Event) -> None:
    with suppress(FrameError):
        while frames.receive()["op"] == "beat":
            pass
    over.set()


def _listening(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.bind((address, 0))
        listener.listen(_CONNECTIONS)
        listener.settimeout(_TICK_SECONDS)
    except OSError:
        listener.close()
        raise
    return listener


class Share:
    """Blobs by digest, for whoever shows the token."""

    def __init__(
        self,
        places: Places,
        token: str,
        digests: Iterable[str],
        *,
        clock: Callable[[], float] = time.monotonic,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._digests = frozenset(map(str, digests))
        if not token or not all(_DIGEST.fullmatch(digest) for digest in self._digests):
            raise ValueError("a share needs a token, and digests")
        self._places = places
        self._token = token.encode()
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._busy = clock()
        self._free = BoundedSemaphore(_CONNECTIONS)
        self._lock = Lock()
        self._open: set[socket.socket] = set()
        self._is_over = False

    def run(self, listener: socket.socket, context: ssl.SSLContext, over: Event, *, seconds: float) -> None:
        """Answer until it is over; then nobody is answered any more, and nobody is connected."""
        deadline = self._clock() + seconds
        try:
            while not over.is_set() and self._clock() < min(deadline, self._busy + self._idle_seconds):
                try:
                    raw, _ = listener.accept()
                except TimeoutError:
                    continue
                except OSError:  # too many open files, say
                    over.wait(_TICK_SECONDS)
                    continue
                if self._free.acquire(blocking=False):
                    Thread(target=self._serve, args=(raw, context), daemon=True).start()
                else:
                    raw.close()
        finally:
            listener.close()
            with self._lock:
                self._is_over = True
                left = list(self._open)
            for sock in left:
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not SSL's own: that would go on without TLS

    def _serve(self, raw: socket.socket, context: ssl.SSLContext) -> None:
        try:
            # A stranger's nonsense is no event: nothing of it is said or written.
            with suppress(OSError, FrameError, ValueError, KeyError, TypeError, AttributeError, OverflowError), raw:
                raw.settimeout(_GREET_SECONDS)
                with context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False) as tls:
                    self._while_open(tls)
        finally:
            self._free.release()

    def _while_open(self, tls: ssl.SSLSocket) -> None:
        with self._lock:
            if self._is_over:
                return
            self._open.add(tls)
        try:
            tls.do_handshake()
            self._answer(tls)
        finally:
            with self._lock:
                self._open.discard(tls)

    def _answer(self, tls: ssl.SSLSocket) -> None:
        """Give what is asked for, from where it is asked for; who asks for anything else hears nothing."""
        frames = Frames(_question(tls), tls.sendall)
        asked = frames.receive()
        if asked["op"] != "take" or not hmac.compare_digest(str(asked["token"]).encode(), self._token):
            return
        wanted = [(str(item["digest"]), int(item["have_bytes"])) for item in asked["blobs"]]
        if not {digest for digest, _ in wanted} <= self._digests:
            return
        tls.settimeout(IDLE_SECONDS)
        for digest, have in wanted:
            self._give(frames, digest, have)
        frames.send("sent")

    def _give(self, frames: Frames, digest: str, have: int) -> None:
        """Send the rest of one blob; what is not here (any more) is left out."""
        try:
            file = self._places.blob(digest).open("rb")
        except OSError:
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            if not 0 <= have <= size:
                return
            file.seek(have)
            frames.send("blob", digest=digest, offset=have, bytes=size - have)
            left = size - have
            while left:
                self._busy = self._clock()
                data = file.read(min(left, _CHUNK))
                if not data:
                    raise OSError("a blob became shorter")
                frames.send_bytes(data)
                left -= len(data)
        self._busy = self._clock()


def _question(tls: ssl.SSLSocket) -> Callable[[int], bytes]:
    """Return how to read one short question: a stranger has seconds and a megabyte for it, in all."""
    until = time.monotonic() + _GREET_SECONDS
    left = _QUESTION_BYTES

    def read(count: int) -> bytes:
        nonlocal left
        tls.settimeout(max(until - time.monotonic(), 0.001))
        data = tls.recv(min(count, left + 1))
        left -= len(data)
        if left < 0:
            raise FrameError("a question is too long")
        return data

    return read
