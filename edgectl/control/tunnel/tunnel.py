"""A tunnel's life: a session, a reader of the cluster, a local port, and another session when the link is lost.

Owns: when it dials again, and that the reader goes with the tunnel. Must not know who uses the port.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self

from edgectl.control.deploy.answered import need
from edgectl.control.link.link import Link
from edgectl.control.link.lost import WrongHostKey
from edgectl.control.link.session import Session
from edgectl.control.tunnel import access, forward, kubeconfig
from edgectl.wire.errors import EdgectlError, NotReady, Unreachable
from edgectl.wire.frame import FrameError

Open = Callable[[], Session]
_LOOK_SECONDS = 0.25
_SETTLES_SECONDS = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0


class Tunnel:
    """An open tunnel. Use as a context manager: port, file and reader go with the block.

    `tell` is given sentences about the link. `path` is where the kubeconfig goes, None: the usual place.
    """

    def __init__(
        self, store: str, connect: Open, *, tell: Callable[[str], object], path: Path | None = None, port: int = 0
    ) -> None:
        if path is not None:
            kubeconfig.check(path)
        self.store = store
        self._connect = connect
        self._tell = tell
        self._listener = forward.listen(port)
        self.port: int = self._listener.getsockname()[1]
        self.path = path or kubeconfig.usual(store, self.port)
        self.session: Session | None = None
        self.access: access.Access | None = None
        self.failed: EdgectlError | None = None  # why it is not dialled any more
        self._ended = threading.Event()
        self._up = threading.Event()
        self._forward: forward.Forward | None = None
        self._keeper = threading.Thread(target=self._keep, name="tunnel's link", daemon=True)

    def open(self, *, who: str, seconds: float) -> Self:
        """Connect, come as a reader, write the file, take connections."""
        try:
            self.session = session = self._dial()
            with _spoken():
                self.access = access.ask(session, who=who, seconds=seconds)
            session.link.forward(forward.HOST, self.access.port, what="the Kubernetes API").close()
            kubeconfig.write(self.path, kubeconfig.text(self.store, self.access, self.port))
            self._forward = forward.Forward(self._listener, self._link, port=self.access.port, tell=self._tell)
            self._forward.start()
            self._up.set()
            self._keeper.start()
        except BaseException:
            self.close()
            raise
        return self

    @property
    def ends(self) -> datetime:
        """When the reader's time is over."""
        assert self.access is not None  # noqa: S101 - it is open
        return datetime.fromisoformat(self.access.until)

    def wait(self, seconds: float) -> bool:
        """Wait, where something has broken off, until the link stands again, at most so long.

        A moment at least: a connection ends before its link is known to be lost. Raises when nobody dials any more.
        """
        deadline = time.monotonic() + seconds
        while not self._ended.wait(_SETTLES_SECONDS):
            if self.failed is not None:
                raise self.failed
            if self._up.is_set() and self.is_up():
                return True
            if time.monotonic() > deadline:
                return False
        return False

    def is_up(self) -> bool:
        """Tell whether the link stands, as far as is known."""
        return self._link() is not None

    def close(self) -> None:
        """End it: the reader first, so that its token opens nothing any more."""
        self._ended.set()
        if self._forward is not None:
            self._forward.close()
        self._listener.close()
        kubeconfig.remove(self.path)
        session, held = self.session, self.access
        if session is not None:
            try:
                if held is not None:
                    access.give_back(session, held)
            except (EdgectlError, FrameError):
                self._tell(f"the link is gone: the tunnel's token ends by itself at {held.until if held else '?'}")
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _link(self) -> Link | None:
        session = self.session
        return session.link if session is not None and session.link.is_alive() else None

    def _dial(self) -> Session:
        session = self._connect()
        try:
            with _spoken():
                need(session.frames.receive(), "hello")
        except BaseException:
            session.close()
            raise
        return session

    def _keep(self) -> None:
        """Watch the link; when it is lost, say so and dial again until it stands or another machine answers."""
        while not self._ended.wait(_LOOK_SECONDS):
            if self._link() is not None:
                continue
            self._up.clear()
            if self.session is not None:
                self._tell(f"{self.session.link.lost().message}; dialling again")
            pause, said, began = _FIRST_PAUSE, "", time.monotonic()
            while not self._ended.is_set() and not self._up.is_set():
                try:
                    session = self._dial()
                    if self._ended.is_set():
                        session.close()
                        return
                    self.session = session
                    self._tell(f"the link is back after {time.monotonic() - began:.0f} s; the port is the same")
                    self._up.set()
                except (Unreachable, NotReady) as error:
                    if isinstance(error, WrongHostKey):
                        self.failed = error
                        self._tell(error.message)
                        return
                    if error.message != said:
                        said = error.message
                        self._tell(said)
                    self._ended.wait(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                except EdgectlError as error:
                    self.failed = error
                    self._tell(error.message)
                    return


class _spoken:  # noqa: N801 - used as a statement
    """A broken conversation is a node that was not reached."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FrameError):
            raise Unreachable("the link broke off", hint="run the same command again", details=(str(error),)) from error
