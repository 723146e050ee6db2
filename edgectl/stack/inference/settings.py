"""What the service can be told: a JSON file (--config), and a flag for each key, which wins."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from edgectl.wire.document import from_json

_PROVIDERS = ("auto", "cpu", "cuda")
_ABOUT = {
    "models": "folder of NAME/VERSION/model.onnx, or a node's registry",
    "model": "which one, where the folder holds several",
    "host": "address to listen on",
    "port": "where questions are answered",
    "ops_port": "where /live, /ready, /status and /metrics are",
    "max_batch": "frames that run as one at most; 1: each question runs alone",
    "max_delay_ms": "how long a question waits for others at most",
    "queue": "requests that are inside at once; more are answered 503",
    "deadline_ms": "how long a request is worth an answer, when it does not say (parameters.timeout)",
    "memory_mib": "files of all loaded versions together at most; 0: no limit",
    "provider": "where models run: auto, cpu, or cuda (then it is degraded where there is no CUDA)",
    "attempts": "folder that outlives a crash: what has ended the service twice while it was loaded is refused",
    "unsure_low": "the fast model is believed below it: there is nothing",
    "unsure_high": "the fast model is believed above it: there is something",
    "audit": "share of the fast model's sure frames that the full one is asked about, too, for drift",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it."""

    models: str = "/models"
    model: str = ""
    host: str = "0.0.0.0"  # noqa: S104 - a pod's own address
    port: int = 8000
    ops_port: int = 9100
    max_batch: int = 8
    max_delay_ms: float = 2.0
    queue: int = 64
    deadline_ms: float = 5000.0
    memory_mib: int = 0
    provider: str = "auto"
    attempts: str = "/tmp/edgectl-loading"  # noqa: S108 - the pod's own, gone with it
    unsure_low: float = 0.2
    unsure_high: float = 0.8
    audit: float = 0.02


def settings(argv: Sequence[str] | None, about: str | None) -> Settings:
    """Return what a command line says; ends the program with a sentence when it says nothing that holds."""
    parser = argparse.ArgumentParser(prog="edgectl-inference", description=about)
    parser.add_argument("--config", type=Path, help="a JSON file of these keys, with _ for -")
    default = Settings()
    for item in fields(Settings):
        kind, name = type(getattr(default, item.name)), item.name.replace("_", "-")
        parser.add_argument(f"--{name}", type=kind, help=f"{_ABOUT[item.name]} ({getattr(default, item.name)!r})")
    given = vars(parser.parse_args(argv))
    file: Path | None = given.pop("config")
    try:
        base = from_json(Settings, json.loads(file.read_bytes())) if file is not None else default
        return checked(replace(base, **{name: value for name, value in given.items() if value is not None}))
    except (OSError, ValueError) as error:
        parser.error(f"{file}: {error}" if file is not None else str(error))


def checked(found: Settings) -> Settings:
    """Return settings that can be kept; ValueError says which cannot."""
    wrong: list[tuple[bool, Any]] = [
        (found.max_batch < 1, "max_batch is at least 1"),
        (not 0 <= found.max_delay_ms <= 1000, "max_delay_ms is from 0 to 1000"),  # noqa: PLR2004
        (found.queue < 1, "queue is at least 1"),
        (not found.deadline_ms > 0, "deadline_ms is more than 0"),
        (found.memory_mib < 0, "memory_mib is 0 or more"),
        (found.provider not in _PROVIDERS, f"provider is one of {', '.join(_PROVIDERS)}"),
        (not 0 <= found.unsure_low <= found.unsure_high <= 1, "0 <= unsure_low <= unsure_high <= 1"),
        (not 0 <= found.audit <= 1, "audit is a share, 0 to 1"),
    ]
    for bad, sentence in wrong:
        if bad:
            raise ValueError(sentence)
    return found
