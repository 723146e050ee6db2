"""What a service is told: one file of JSON, read strictly; and what all of them are told of the bus."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edgectl.wire.document import from_json

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BusAddress:
    """Where the bus is: the store's MQTT broker."""

    host: str = "bus"
    port: int = 1883


def read(kind: type[T], file: Path) -> T:
    """Return what a file says; ValueError is a sentence."""
    try:
        doc = json.loads(file.read_bytes())
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from error
    return from_json(kind, doc)
