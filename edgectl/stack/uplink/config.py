"""What the uplink is told: where the bus and the sink are, when it may send, how much it may keep.

Owns: the shape of its configuration, the defaults, and the sentence about what is wrong with one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgectl.stack.ops.settings import BusAddress
from edgectl.stack.ops.settings import read as told
from edgectl.stack.uplink.hours import Hours, Window
from edgectl.stack.uplink.target import Target

MIB = 1024 * 1024
OLDEST, NEWEST = DROPS = ("oldest", "newest")


@dataclass(frozen=True, slots=True)
class SinkAt:
    """Who takes the events, and how they are sent."""

    url: str = "http://sink:8080/events"
    token_file: str = ""  # its content is the bearer token, read for each request
    ca_file: str = ""  # instead of the system's authorities
    batch_events: int = 500
    batch_bytes: int = 256 * 1024  # of JSON lines, before they are compressed
    every_seconds: float = 5.0
    timeout_seconds: float = 10.0
    windows: tuple[Window, ...] = ()  # none: always
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class StoreAt:
    """Where events wait, and how many of them may."""

    path: str = "/data/uplink.db"
    budget_bytes: int = 1024 * MIB
    budget_events: int = 1_000_000
    keep_free_bytes: int = 256 * MIB  # of the disk, for others: the file does not grow into them
    drop: str = OLDEST  # over budget; "newest": no receipt, so it stays with its camera


@dataclass(frozen=True, slots=True)
class Config:
    """All of it; each part has its defaults."""

    bus: BusAddress = field(default_factory=BusAddress)
    sink: SinkAt = field(default_factory=SinkAt)
    store: StoreAt = field(default_factory=StoreAt)


def read(path: Path) -> Config:
    """Return a file's configuration; ValueError says what is wrong with it."""
    config = told(Config, path)
    try:
        check(config)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return config


def check(config: Config) -> None:
    """Raise ValueError for what cannot work."""
    sink, store = config.sink, config.store
    Target.of(sink.url)
    Hours(sink.windows, sink.timezone)
    for name, value in (
        ("sink.batch_events", sink.batch_events),
        ("sink.batch_bytes", sink.batch_bytes),
        ("sink.every_seconds", sink.every_seconds),
        ("sink.timeout_seconds", sink.timeout_seconds),
        ("store.budget_events", store.budget_events),
    ):
        if value <= 0:
            raise ValueError(f"{name} is more than 0, not {value}")
    if store.budget_bytes < MIB:
        raise ValueError(f"store.budget_bytes is at least {MIB}, not {store.budget_bytes}")
    if store.drop not in DROPS:
        raise ValueError(f'store.drop is "{OLDEST}" or "{NEWEST}", not {store.drop!r}')
