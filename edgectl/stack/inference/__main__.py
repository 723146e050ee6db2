"""`python3 -m edgectl.stack.inference`: listen, load, warm up, be ready, follow the registry, end on SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgectl.stack.inference.server import Server
    from edgectl.stack.inference.settings import Settings
    from edgectl.stack.ops.board import Board
    from edgectl.stack.ops.clock import Clock

VERSION = "2"  # of the service; the model has its own


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM; 1 when there will be no model."""
    began = time.monotonic()
    note_start(os.environ)  # before the imports that take a while
    from edgectl.stack.inference.batch import Batching
    from edgectl.stack.inference.serve import Service
    from edgectl.stack.inference.server import Server
    from edgectl.stack.inference.settings import settings
    from edgectl.stack.ops.board import Board
    from edgectl.stack.ops.clock import from_env
    from edgectl.stack.ops.door import Door

    told = settings(argv, __doc__)
    clock = from_env()
    board = Board("inference", VERSION, clock)
    service = Service(Batching(told.max_batch, told.max_delay_ms / 1e3, told.queue), audit=told.audit, say=say)
    server = Server(
        (told.host, told.port),
        service,
        version=VERSION,
        deadline_seconds=told.deadline_ms / 1e3,
        inside=told.queue,
    )
    door = Door(board, host=told.host, port=told.ops_port)
    door.serve()
    # As process 1 of its container it has no default action for SIGTERM. shutdown() waits for the loop: not in here.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.drain, daemon=True).start())
    stop = threading.Event()
    threading.Thread(target=service.run, daemon=True, name="batches").start()
    threading.Thread(target=_follow, args=(server, told, board, clock, stop, began), daemon=True, name="watch").start()
    with server:
        server.serve_forever(poll_interval=0.1)
    stop.set()
    service.close()
    door.close()
    return 1 if server.failed else 0


def note_start(env: Mapping[str, str]) -> None:
    """Add this start to the file that EDGECTL_START_LOG names, for tests and audits; a failure is only said."""
    path = env.get("EDGECTL_START_LOG", "")
    if not path:
        return
    pod, gpus = env.get("HOSTNAME") or "-", env.get("NVIDIA_VISIBLE_DEVICES") or "-"
    try:
        with Path(path).open("a", encoding="utf-8") as log:
            log.write(f"{time.monotonic_ns()} entrypoint {pod} {gpus}\n")
    except OSError as error:
        sys.stderr.write(f"this start could not be noted in {path}: {error.strerror}\n")


def say(line: str) -> None:
    """Write a line for the log."""
    sys.stderr.write(f"{line}\n")


def _follow(server: Server, told: Settings, board: Board, clock: Clock, stop: threading.Event, began: float) -> None:
    """Load, and follow the registry; whatever ends this thread ends the service."""
    try:
        from edgectl.stack.inference import word
        from edgectl.stack.inference.attempts import Attempts
        from edgectl.stack.inference.check import Check
        from edgectl.stack.inference.registry import Registry
        from edgectl.stack.inference.tiers import Band
        from edgectl.stack.inference.versions import Terms
        from edgectl.stack.inference.watch import EVERY_SECONDS, Watch

        service = server.service
        terms = Terms(told.provider, Band(told.unsure_low, told.unsure_high), told.memory_mib << 20)
        registry = Registry(Path(told.models), told.model)
        attempts = Attempts(Path(told.attempts) if told.attempts else None)
        watch = Watch(registry, service, clock=clock, terms=terms, attempts=attempts, say=say, began=began)
        check = Check(service, clock)
        threading.Thread(target=check.run, args=(stop,), daemon=True, name="check").start()
        while True:
            watch.tick()
            word.say(board, service, watch, provider=told.provider)
            if stop.wait(EVERY_SECONDS):
                return
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the model ends the service with a sentence
        say(f"cannot serve: {error}")
        server.fail()


if __name__ == "__main__":
    sys.exit(main())
