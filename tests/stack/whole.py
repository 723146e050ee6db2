"""The whole stack as its pods run it: each service a process of its own, a real Mosquitto between them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.stack.broker import Broker
from tests.stack.process import ROOT, Process

MODELS = ROOT / "templates" / "models"
NAMES = ("inference", "sink", "uplink", "drift", "camera")
Config = Mapping[str, Any]


class Whole:
    """`more` lies over what /etc/vision/SERVICE.json would say; `env` is that of all services."""

    def __init__(self, folder: Path, *, more: Mapping[str, Config] = {}, env: Mapping[str, str] = {}) -> None:
        self.broker = Broker(folder)
        bus = {"host": self.broker.host, "port": self.broker.port}
        self.port, taken = free_port(), free_port()
        (folder / "data").mkdir()
        configs: dict[str, dict[str, Any]] = {
            "inference": {"models": str(MODELS), "host": "127.0.0.1", "port": self.port},
            "uplink": {
                "bus": bus,
                "sink": {"url": f"http://127.0.0.1:{taken}/events", "every_seconds": 0.2},
                "store": {"path": str(folder / "uplink.db"), "keep_free_bytes": 0},
            },
            "drift": {"bus": bus, "data": str(folder / "data")},
            "camera": {
                "bus": bus,
                "inference": {"url": f"http://127.0.0.1:{self.port}"},
                "cameras": {"door": {"source": "synthetic:1", "fps": 10}},
            },
        }
        flags = {"sink": ["--host", "127.0.0.1", "--port", str(taken)]}
        for name, config in configs.items():
            file = folder / f"{name}.json"
            file.write_text(json.dumps({**config, **more.get(name, {})}))
            flags[name] = ["--config", str(file)]
        self.services = {
            name: Process(f"edgectl.stack.{name}", flags[name], folder, {**env, "OTEL_SERVICE_NAME": name})
            for name in NAMES
        }

    def start(self) -> None:
        """Begin all of them at once, as a deploy does; returns when each says something of itself."""
        for service in self.services.values():
            service.start()
        self.until(
            lambda: all(service.status() for service in self.services.values()), "not all have begun", seconds=60
        )

    def stop(self) -> dict[str, int]:
        """End all of them as Kubernetes does; returns their exit statuses."""
        ended = {name: service.stop() for name, service in self.services.items() if service.running is not None}
        self.broker.stop()
        return ended

    def kill(self) -> None:
        """End all of them."""
        for service in self.services.values():
            service.kill()
        self.broker.stop()

    def until(self, true: Callable[[], bool], what: str, *, seconds: float = 30.0) -> None:
        """Wait until something is so."""
        ends = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < ends, f"{what}: {self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        """Return what all have said."""
        return "\n".join(service.log.read_text() for service in self.services.values() if service.log.exists())
