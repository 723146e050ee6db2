"""`python3 -m edgectl.stack.drift --config FILE`: watch how frames and answers move, end on SIGTERM."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import Clock
from edgectl.stack.ops.stand import Standing, stand

VERSION = "1"  # of the service


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM. What is wrong with the settings is said at the port of operations, where the chain looks."""
    return stand("drift", VERSION, _service, argv, about=__doc__)


def _service(config: Path, board: Board, clock: Clock) -> Standing:
    from edgectl.stack.drift.service import Service  # here: the port answers before what takes a while is imported
    from edgectl.stack.drift.settings import read
    from edgectl.stack.ops.bus import Bus

    settings = read(config)
    bus = Bus(f"drift-{uuid.uuid4().hex[:8]}", board, host=settings.bus.host, port=settings.bus.port)
    return Service(settings, board, clock, bus)


if __name__ == "__main__":
    sys.exit(main())
