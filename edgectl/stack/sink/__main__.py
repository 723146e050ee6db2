"""`python3 -m edgectl.stack.sink --port 8080 --db FILE`: take events, say how many; end on SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sqlite3
import ssl
import sys
import threading
from pathlib import Path

from edgectl.stack.ops.board import Board
from edgectl.stack.ops.clock import from_env
from edgectl.stack.ops.door import PORT, Door
from edgectl.stack.ops.metrics import counter
from edgectl.stack.sink.batch import Batch
from edgectl.stack.sink.ledger import MEMORY, Count, Ledger
from edgectl.stack.sink.server import Sink

NAME, VERSION = "sink", "1"


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM; 2 when it cannot begin."""
    parser = argparse.ArgumentParser(prog="edgectl-sink", description=__doc__)
    parser.add_argument("--host", default="", help="address to listen on, for both ports (all)")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--ops-port", type=int, default=PORT, help="of /live, /ready, /status, /metrics")
    parser.add_argument("--db", default=MEMORY, help="SQLite file of what was taken (in memory)")
    parser.add_argument("--token-file", type=Path, help="who sends must know its content")
    parser.add_argument("--cert", type=Path, help="PEM; with --key: TLS")
    parser.add_argument("--key", type=Path)
    options = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    taken = counter("vision_sink_events_total", "Events that came, by whether they were new", ("new",))

    def note(_batch: Batch, count: Count) -> None:
        taken.labels("yes").inc(count.events)
        taken.labels("no").inc(count.duplicates)

    try:
        clock = from_env()
        board = Board(NAME, VERSION, clock)
        tls = None
        if options.cert is not None:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(options.cert, options.key)
        token = options.token_file.read_text().strip() if options.token_file else ""
        ledger = Ledger(options.db)
        sink = Sink((options.host, options.port), ledger, clock, token=token, tls=tls, taken=note)
    except (OSError, ValueError, sqlite3.Error) as error:
        sys.stderr.write(f"the sink cannot begin: {error}\n")
        return 2
    door = Door(board, host=options.host, port=options.ops_port)
    door.serve()
    sink.serve()
    board.ready()
    stop.wait()
    sink.close()
    door.close()
    ledger.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
