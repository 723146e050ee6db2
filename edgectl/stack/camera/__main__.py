"""`python3 -m edgectl.stack.camera --config FILE`: watch, ask, tell, end on SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from edgectl.stack.camera.settings import read
from edgectl.stack.ops import clock
from edgectl.stack.ops.board import OWN, Board
from edgectl.stack.ops.door import PORT, Door
from edgectl.wire.chain import CONFIG

VERSION = "1"  # of the service


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM. What is wrong with the settings is said at the port of operations, where the chain looks."""
    parser = argparse.ArgumentParser(prog="edgectl-camera", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("/etc/vision/camera.json"), help="the settings, JSON")
    parser.add_argument("--host", default="", help="address of the port of operations (all)")
    parser.add_argument("--ops-port", type=int, default=PORT, help="where /status and /canary are answered")
    options = parser.parse_args(argv)

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    store_clock = clock.from_env()
    board = Board("camera", VERSION, store_clock)
    door = Door(board, host=options.host, port=options.ops_port)
    door.serve()
    try:
        from edgectl.stack.camera.service import Service

        service = Service(read(options.config), board, store_clock)
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


if __name__ == "__main__":
    sys.exit(main())
