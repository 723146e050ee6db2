"""Values of secrets under faults: old or new, never torn, never a mix; the same command again brings the new ones."""

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

from edgectl.control.deploy.offer import Offer
from edgectl.control.link.secret import Secret
from edgectl.node import push
from edgectl.node.secrets import values as real
from edgectl.wire.errors import Exit
from edgectl.wire.payload import Payload, StoreSecret
from tests.laws.fake_store import mutant
from tests.sim import stock
from tests.sim.faults import FAULTS
from tests.sim.histories import Kept
from tests.sim.world import World

_RAM = Path("/dev/shm")  # noqa: S108 - a RAM disk
APP = StoreSecret("app", ("vision",), {"A": "1", "B": "1"})
S = replace(stock.A, secrets=(APP,))
MORE = replace(stock.B, secrets=(APP, StoreSecret("more", ("vision",), {"C": "1"})))
BAD = replace(stock.BAD, secrets=())
OLD = {"app": {"A": "old-a", "B": "old-b"}}
NEW = {"app": {"A": "new-a", "B": "new-b"}}
NEW_MORE = {**NEW, "more": {"C": "new-c"}}
_OUTLAST = 6
_STRIDE = 15  # all of it takes minutes
STRIKES = ("power cut", "power cut, unsynced lost", "kill session", "kill engine", "link reset", "disk full")


def offer(of: Payload, values: dict[str, dict[str, str]]) -> Offer:
    """Return what a deploy of it offers."""
    hidden = {name: {key: Secret(value) for key, value in keys.items()} for name, keys in values.items()}
    return replace(stock.offer(of), values=hidden)


def kept(world: World) -> Any:
    """Return the node's file as it lies on the disk."""
    return json.loads(world.places.secret_values.read_bytes())


@contextmanager
def running() -> Iterator[Kept]:
    """Keep a store that runs S with the old values."""
    folder = Path(tempfile.mkdtemp(dir=_RAM))
    try:
        world = World(folder / "node")
        with world.alive():
            assert world.deploy(offer(S, OLD)).exit == Exit.OK
            world.settle()
        yield Kept(world.folder, world.facts, world.boot)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def strike(start: Kept, last: Offer, new: Any, *, at: int, fault: str) -> None:
    """Let one fault strike at one event of a deploy, and nobody try again; then the timer, then the same command."""
    with start.world() as world:
        world.strikes_at, world.fault = at, FAULTS[fault]
        process = world.press(last).process
        assert process is not None
        world.processes.run(4000, until=lambda: bool(world.struck) or process.done)
        world.kill("operator")
        world.settle()
        world.disk.full = False
        assert kept(world) in (OLD, new), f"{fault} at {at} {world.struck}: {kept(world)}"
        for _ in range(_OUTLAST):
            world.heal()
            if world.ended[-1]["exit"] == Exit.OK:
                break
        assert world.ended[-1]["exit"] == Exit.OK, (fault, at, world.struck)
        pressed = world.deploy(last)
        world.settle()
        assert pressed.exit == Exit.OK, (fault, at, world.struck, pressed.error)
        assert kept(world) == new
        writes = world.facts.writes
        world.heal()
        assert (world.facts.writes, world.ended[-1]["exit"]) == (writes, Exit.OK)


@pytest.mark.parametrize(("of", "new"), [(S, NEW), (MORE, NEW_MORE)], ids=["same-payload", "another-payload"])
@pytest.mark.parametrize("fault", STRIKES)
def test_old_or_new(of: Payload, new: Any, fault: str) -> None:
    """Law: whatever strikes, at each event around the file itself, and here and there in the rest of the deploy."""
    with running() as start:
        with start.world() as world:
            world.deploy(offer(of, new))
            world.settle()
            events = [what for _, what in world.events]
        near = {number + by for number, what in enumerate(events) if "values.json" in what for by in (-1, 0, 1)}
        assert near, "the file is written nowhere"
        for at in sorted(near | set(range(0, len(events), _STRIDE))):
            strike(start, offer(of, new), new, at=at, fault=fault)


def test_a_candidate_that_fails_leaves_what_is_needed() -> None:
    """A payload without secrets is tried and rejected: what is put back finds its values."""
    with running() as start, start.world() as world:
        assert world.deploy(offer(BAD, {})).exit == Exit.NOT_READY
        assert kept(world) == OLD
        world.heal()
        assert world.ended[-1]["exit"] == Exit.OK


def test_a_node_that_has_lost_them_says_so() -> None:
    """Exit 6 of the run by its name, until a deploy brings them again."""
    with running() as start, start.world() as world:
        world.places.secret_values.unlink()
        world.heal()
        assert world.ended[-1]["exit"] == Exit.FAILED
        assert world.deploy(offer(S, NEW)).exit == Exit.OK
        assert kept(world) == NEW


def test_the_law_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded fault: a file that is written in place is found torn or lost."""
    old = "    write_atomic(places.secret_values, canonical(kept), mode=0o600)\n"
    new = (
        "    import os\n"
        "    file = os.open(places.secret_values, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)\n"
        "    os.close(file)\n"
        "    write_atomic(places.secret_values, canonical(kept), mode=0o600)\n"
    )
    faulty: Any = mutant(real, (old, new))
    monkeypatch.setattr(push, "keep_values", faulty.keep_values)
    with pytest.raises((AssertionError, ValueError)):
        test_old_or_new(S, NEW, "kill session")
