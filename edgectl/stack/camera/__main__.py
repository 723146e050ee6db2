"""`python3 -m edgectl.stack.camera --config FILE`: watch, ask, tell, end on SIGTERM."""

from __future__ import annotations

import sys
from pathlib import Path

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import Clock
from edgectl.stack.ops.stand import Standing, stand

VERSION = "1"  # of the service


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM. What is wrong with the settings is said at the port of operations, where the chain looks."""
    return stand("camera", VERSION, _service, argv, about=__doc__)


def _service(config: Path, board: Board, clock: Clock) -> Standing:
    from edgectl.stack.camera.service import Service  # here: the port answers before what takes a while is imported
    from edgectl.stack.camera.settings import read

    return Service(read(config), board, clock)


if __name__ == "__main__":
    sys.exit(main())
