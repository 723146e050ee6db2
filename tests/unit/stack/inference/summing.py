"""A server on loopback whose model adds up."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edgectl.stack.inference.batch import Batching
from edgectl.stack.inference.loaded import Loaded, Place
from edgectl.stack.inference.protocol import Array, Tensor
from edgectl.stack.inference.serve import Service
from edgectl.stack.inference.server import Server
from edgectl.stack.inference.tiers import Tiers


def adder(session: Any = None) -> Loaded:
    """Return a model that adds up."""
    inputs, outputs = (Tensor("x", "FP32", (-1, 2)),), (Tensor("sum", "FP32", (-1,)),)
    place = Place("adder", "3", Path("/models/adder/3"))
    return Loaded(place, inputs, outputs, "none", Tiers(session or Sum()), None, {}, 0)


class Sum:
    """Its session."""

    broken = False

    def infer(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Add up."""
        if self.broken:
            raise RuntimeError("out of memory")
        return {"sum": np.asarray(arrays["x"].sum(axis=1))}


@contextmanager
def serving() -> Iterator[Server]:
    """Serve on loopback, without a model yet."""
    service = Service(Batching(room=4, delay_seconds=0))
    with Server(("127.0.0.1", 0), service, version="test", inside=2) as server:
        threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True),
            threading.Thread(target=service.run, daemon=True),
        ]
        for thread in threads:
            thread.start()
        yield server
        server.shutdown()
        service.close()
        for thread in threads:
            thread.join(timeout=5)
