"""How a service stands: its port of operations first, then its settings and itself; until SIGTERM.

Owns: the command line of services that read one file, and that settings which cannot be meant end nothing: they are
said where the chain looks. Must not know what any service does.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from edgectl.stack.ops import clock as clocks
from edgectl.stack.ops.board import OWN, Board
from edgectl.stack.ops.clock import Clock
from edgectl.stack.ops.door import PORT, Door, Route
from edgectl.wire.chain import CONFIG


class Standing(Protocol):
    """What a service is to its port and its end."""

    @property
    def routes(self) -> Mapping[str, Route]:
        """Return what it answers at the port of operations, beside what each does."""

    def start(self) -> None:
        """Work, in threads of its own."""

    def end(self) -> None:
        """Work no more."""


def stand(
    name: str,
    version: str,
    make: Callable[[Path, Board, Clock], Standing],
    argv: list[str] | None,
    *,
    about: str | None,
) -> int:
    """Serve until SIGTERM. `make` reads the settings; its ValueError says what is wrong with them."""
    parser = argparse.ArgumentParser(prog=f"edgectl-{name}", description=about)
    parser.add_argument("--config", type=Path, default=Path(f"/etc/vision/{name}.json"), help="the settings, JSON")
    parser.add_argument("--host", default="", help="address of the port of operations (all)")
    parser.add_argument("--ops-port", type=int, default=PORT, help="where /status is answered")
    options = parser.parse_args(argv)

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    clock = clocks.from_env()
    board = Board(name, version, clock)
    door = Door(board, host=options.host, port=options.ops_port)
    door.serve()
    try:
        service = make(options.config, board, clock)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        board.not_ready(OWN, str(error), CONFIG)
        ended.wait()
    else:
        door.routes.update(service.routes)
        service.start()
        ended.wait()
        service.end()
    door.close()
    return 0
