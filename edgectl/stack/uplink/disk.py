"""What the board says of the disk: who writes tells how it went."""

from __future__ import annotations

import sys

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import Clock
from edgectl.stack.uplink.damage import StoreFailed
from edgectl.stack.uplink.store import Store
from edgectl.wire.chain import RESOURCE

LINK = "disk"
_TOLD_SECONDS = 3600.0


class Disk:
    """Call `failed` or `well` after each write."""

    def __init__(self, board: Board, store: Store, clock: Clock, path: str) -> None:
        self._board, self._store, self._clock, self._path = board, store, clock, path
        self._last = ""

    def failed(self, error: StoreFailed) -> None:
        """Note that nothing was written."""
        if str(error) != self._last:
            self._last = str(error)
            sys.stderr.write(f"{error}\n")
        self._board.degraded(LINK, str(error), RESOURCE)

    def well(self) -> None:
        """Note that something was; a file that was damaged is told of for an hour."""
        if self._last:
            sys.stderr.write(f"{self._path} is written again\n")
            self._last = ""
        moved = self._store.moved
        if moved is None:
            self._board.ready(LINK, self._path)
            return
        name, at = moved
        told = f"{self._path} was damaged and lies beside it as {name}: what waited in it was not sent"
        if self._clock.now() - at < _TOLD_SECONDS:
            self._board.degraded(LINK, told, RESOURCE, since=at)
        else:
            self._board.ready(LINK, told)
