"""The trust that a node keeps while deploys fail, go back, and are struck: the newest ever given, never torn."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.node import recipe as real_recipe
from edgectl.node.trust import step as real
from edgectl.wire.errors import Exit
from edgectl.wire.trust import Trust
from tests.laws.fake_store import mutant
from tests.sim import stock
from tests.sim.faults import FAULTS
from tests.sim.histories import Kept
from tests.sim.world import World

_RAM = Path("/dev/shm")  # noqa: S108 - a RAM disk
V1 = Trust(1, 1000, (), ())
V2 = Trust(2, 2000, (), ("SHA256:" + "x" * 43,))
RUNS = replace(stock.A, trust=V1)
GOOD = replace(stock.B, trust=V2)
BAD = replace(stock.BAD, trust=V2)
_OUTLAST = 6
STRIKES = ("power cut", "power cut, unsynced lost", "kill session", "kill engine", "link reset", "disk full")


def version(world: World) -> int:
    """Return the version that the node keeps, from a whole file."""
    doc = json.loads((world.places.trust / "trust.json").read_bytes())
    return int(doc["trust"]["version"])


@contextmanager
def running() -> Iterator[Kept]:
    """Keep a store that runs with the first trust."""
    folder = Path(tempfile.mkdtemp(dir=_RAM))
    try:
        world = World(folder / "node")
        with world.alive():
            assert world.deploy(stock.offer(RUNS)).exit == Exit.OK
            world.settle()
            assert version(world) == 1
        yield Kept(world.folder, world.facts, world.boot)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def goes_back(start: Kept) -> None:
    """Let a deploy that revokes a key fail, and the node heal; then deploy the older payload again."""
    with start.world() as world:
        assert world.deploy(stock.offer(BAD)).exit == Exit.NOT_READY
        assert version(world) == 2
        world.heal()
        assert (world.ended[-1]["exit"], version(world)) == (Exit.OK, 2)
        assert world.deploy(stock.offer(GOOD)).exit == Exit.OK
        assert world.deploy(stock.offer(RUNS)).exit == Exit.OK
        world.heal()
        assert (world.ended[-1]["exit"], version(world)) == (Exit.OK, 2)


def test_a_revoked_key_never_comes_back() -> None:
    """Law: neither a failed deploy that is taken back, nor a heal, nor a rollback brings an older trust back."""
    with running() as start:
        goes_back(start)


@pytest.mark.parametrize("fault", STRIKES)
def test_old_or_new(fault: str) -> None:
    """Law: whatever strikes, at each event around the file itself, it is whole, and in the end the newest."""
    with running() as start:
        with start.world() as world:
            world.deploy(stock.offer(BAD))
            world.settle()
            events = [what for _, what in world.events]
        near = {number + by for number, what in enumerate(events) if "trust.json" in what for by in (-1, 0, 1, 2)}
        assert near, "the file is written nowhere"
        for at in sorted(near):
            with start.world() as world:
                world.strikes_at, world.fault = at, FAULTS[fault]
                world.press(stock.offer(BAD))
                world.processes.run(4000, until=lambda world=world: bool(world.struck))  # type: ignore[misc]
                world.kill("operator")
                world.settle()
                world.disk.full = False
                seen = version(world)
                for _ in range(_OUTLAST):
                    world.heal()
                    assert version(world) >= seen, (fault, at, world.struck)
                    seen = version(world)
                assert world.ended[-1]["exit"] == Exit.OK, (fault, at, world.struck)


def test_the_law_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded fault: a step that makes what its payload says true, as others do, brings the revoked key back."""
    faulty: Any = mutant(
        real,
        ("if kept.version < want:", "if kept.version != want:"),
        (" or kept.version < self.trust.version else kept", " or True else kept"),
    )
    faulty.Trusted.__module__ = real.__name__
    monkeypatch.setattr(real_recipe, "Trusted", faulty.Trusted)
    monkeypatch.setattr("tests.sim.twins.Trusted", faulty.Trusted)
    with pytest.raises(AssertionError), running() as start:
        goes_back(start)
