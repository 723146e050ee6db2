"""`python3 -m edgectl.stack.inference`: listen, load, warm up, be ready, end on SIGTERM."""

from __future__ import annotations

import argparse
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

VERSION = "1"  # of the service; the model has its own


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM; 1 when the model cannot be loaded."""
    note_start(os.environ)  # before the imports that take a while
    from edgectl.stack.inference.server import Server

    parser = argparse.ArgumentParser(prog="edgectl-inference", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("/models"), help="folder of <name>/<version>/model.onnx")
    parser.add_argument("--model", default="", help="which one, where the folder holds several")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104 - a pod's own address
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(argv)

    began = time.monotonic()
    server = Server((options.host, options.port), version=VERSION)
    # As process 1 of its container it has no default action for SIGTERM. shutdown() waits for the loop: not in here.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.drain, daemon=True).start())
    threading.Thread(target=_load, args=(server, options.models, options.model, began), daemon=True).start()
    with server:
        server.serve_forever(poll_interval=0.1)
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


def _load(server: Server, folder: Path, named: str, began: float) -> None:
    try:
        from edgectl.stack.inference.model import Model, find

        name, version, file = find(folder, named)
        model = Model(name, version, file)
        model.warm()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the model ends the service with a sentence
        sys.stderr.write(f"cannot serve: {error}\n")
        server.fail()
        return
    server.serve_model(model)
    sys.stderr.write(f"ready: {name} version {version} on {model.provider} after {time.monotonic() - began:.1f} s\n")


if __name__ == "__main__":
    sys.exit(main())
