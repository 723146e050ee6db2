"""`python3 -m edgectl.stack.uplink --config FILE`: take events from the bus, keep them, send them; end on SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import from_env
from edgectl.stack.ops.door import PORT, Door
from edgectl.stack.uplink.config import read
from edgectl.stack.uplink.service import NAME, Uplink

VERSION = "1"
TICK_SECONDS = 1.0


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM; 2 when the configuration is wrong."""
    parser = argparse.ArgumentParser(prog="edgectl-uplink", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON, see docs/uplink.md")
    parser.add_argument("--host", default="", help="address of the port of operations (all)")
    parser.add_argument("--ops-port", type=int, default=PORT, help="of /live, /ready, /status, /metrics")
    options = parser.parse_args(argv)
    try:
        config, clock = read(options.config), from_env()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    board = Board(NAME, VERSION, clock)
    door = Door(board, host=options.host, port=options.ops_port)
    door.serve()
    uplink = Uplink(config, board, clock)
    uplink.start()
    while not stop.wait(TICK_SECONDS):
        uplink.tick()
    uplink.stop()
    door.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
