"""Short histories of a store, each with one thing that happens last, and how they may end when a fault strikes in it.

`tests/sim/outcomes.yaml` is the declaration; nothing here decides what is right.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from edgectl.control.deploy.offer import Offer
from edgectl.wire.delta import DELTA
from edgectl.wire.payload import Payload
from tests.sim import stock
from tests.sim.facts import Facts
from tests.sim.world import World

_RAM = Path("/dev/shm")  # noqa: S108 - a RAM disk: thousands of small files that are synced
PAYLOADS: dict[str, Payload] = {
    name: one
    for one in (stock.A, stock.A2, stock.B, stock.B_BASE, stock.BAD, stock.BAD_BASE, stock.R, stock.R2, stock.BAD_R)
    for name in (stock.NAMES[one.digest],)
}
NOTHING = "nothing"


@dataclass(frozen=True)
class History:
    """What was deployed before, what happens last ("deploy B", "rollback A", "heal"), and how it may end.

    `restarts` is how often its machine restarts in it, where nothing goes wrong.
    `travels` is the form in which its blobs cross a thin line, in packets smaller than they are; "": as it comes.
    """

    name: str
    given: tuple[str, ...]
    last: str
    again: tuple[str, ...]
    alone: tuple[str, ...]
    travels: str = ""
    restarts: int = 0

    @property
    def offer(self) -> Offer | None:
        """Return what the operator presses last; None for a heal."""
        word, _, name = self.last.partition(" ")
        if word == "heal":
            return None
        offer = stock.named(PAYLOADS[name]) if self.travels == DELTA else stock.offer(PAYLOADS[name])
        return replace(offer, blobs={}, sources={}) if word == "rollback" else offer


def histories() -> list[History]:
    """Read the declaration."""
    doc: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "outcomes.yaml").read_text())
    return [
        History(
            name,
            tuple(row["given"]),
            row["last"],
            tuple(row["again"]),
            tuple(row["alone"]),
            row.get("travels", ""),
            row.get("restarts", 0),
        )
        for name, row in doc.items()
    ]


def state(world: World) -> str:
    """Return what a store runs: `B`, or `bad'/A` for the apps of A on the base of bad'."""
    slots = world.slots
    current = slots.current
    if current is None:
        return NOTHING
    base, apps = stock.NAMES[current.envelope.payload], stock.NAMES[slots.apps_of(current).envelope.payload]
    return base if base == apps else f"{base}/{apps}"


@dataclass
class Kept:
    """A world at rest, to begin from again and again."""

    folder: Path
    facts: Facts
    boot: str

    @contextmanager
    def world(self, *, is_thin: bool = False) -> Iterator[World]:
        """Wake a copy, at the end of a thin line or not."""
        folder = Path(tempfile.mkdtemp(dir=_RAM))
        try:
            shutil.copytree(self.folder, folder / "node", symlinks=True)
            _relink(folder / "node", self.folder)
            world = World(folder / "node", copy.deepcopy(self.facts), self.boot, is_thin=is_thin)
            with world.alive():
                yield world
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _relink(root: Path, before: Path) -> None:
    """Point absolute links of the original into the copy."""
    for link in root.rglob("*"):
        if link.is_symlink() and str(link.readlink()).startswith(str(before)):
            target = str(link.readlink()).replace(str(before), str(root))
            link.unlink()
            link.symlink_to(target)


@contextmanager
def given(names: tuple[str, ...]) -> Iterator[Kept]:
    """Deploy these, one after the other, and keep the result."""
    folder = Path(tempfile.mkdtemp(dir=_RAM))
    try:
        world = World(folder / "node")
        with world.alive():
            for name in names:
                pressed = world.deploy(stock.offer(PAYLOADS[name]))
                assert pressed.exit == 0, (name, pressed)
            world.settle()
            assert world.facts.wrong == []
        yield Kept(world.folder, world.facts, world.boot)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
