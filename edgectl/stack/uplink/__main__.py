"""`python3 -m edgectl.stack.uplink --config FILE`: take events from the bus, keep them, send them; end on SIGTERM."""

from __future__ import annotations

import sys
from pathlib import Path

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import Clock
from edgectl.stack.ops.stand import Standing, stand

VERSION = "1"  # of the service


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM. What is wrong with the settings is said at the port of operations, where the chain looks."""
    return stand("uplink", VERSION, _service, argv, about=__doc__)


def _service(config: Path, board: Board, clock: Clock) -> Standing:
    from edgectl.stack.uplink.config import read  # here: the port answers before what takes a while is imported
    from edgectl.stack.uplink.service import Uplink

    return Uplink(read(config), board, clock)


if __name__ == "__main__":
    sys.exit(main())
