"""Two operators, a timer, faults and any interleaving: what is always true of the store, and how it ends.

The history checker: one engine at a time, sequences never go back, and each "done" is true of the node.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edgectl.node import cancel
from edgectl.wire.errors import Exit, Locked
from tests.sim import stock
from tests.sim.faults import FAULTS, clean
from tests.sim.histories import NOTHING, PAYLOADS, state
from tests.sim.world import Pressed, World

_RAM = Path("/dev/shm")  # noqa: S108 - a RAM disk
_MOST_AT_ONCE = 3
_OUTLAST = 8


class Store(RuleBasedStateMachine):
    """One store and everything that happens to it."""

    @initialize(seed=st.integers(0, 1 << 16), often=st.sampled_from([0.0, 0.02, 0.2]))
    def begin(self, seed: int, often: float) -> None:
        """Bring up a bare node; `often` is how often a process loses its turn in the middle of its work."""
        self.folder = Path(tempfile.mkdtemp(dir=_RAM))
        self.stack = ExitStack()
        self.world = World(self.folder / "node")
        turns = random.Random(seed)  # noqa: S311 - a reproducible interleaving, no secret
        self.world.preempt = lambda: turns.random() < often
        self.stack.enter_context(self.world.alive())
        self.newest = self.cuts = 0

    @precondition(lambda self: len(self.world.processes.alive("operator")) < _MOST_AT_ONCE)
    @rule(who=st.sampled_from([stock.ADA, stock.GRACE]), what=st.sampled_from(sorted(PAYLOADS)))
    def press(self, who: Any, what: str) -> None:
        """Let somebody deploy something; nobody waits for it."""
        self.world.press(stock.offer(PAYLOADS[what], who))

    @rule(seconds=st.sampled_from([0.005, 0.1, 2.0, 30.0, 400.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.world.processes.run(seconds)

    @rule(fault=st.sampled_from(sorted(FAULTS)), after=st.integers(0, 80))
    def strike(self, fault: str, after: int) -> None:
        """Let a fault strike soon."""
        self.world.strikes_at, self.world.fault = len(self.world.events) + after, FAULTS[fault]
        self.world.disk.full, self.world.harm = False, ""

    @precondition(lambda self: self.world.on)
    @rule()
    def timer(self) -> None:
        """Let the timer fire."""
        self.world.start_engine()

    @precondition(lambda self: self.world.on and not self.world.processes.alive("cancel"))
    @rule()
    def cancel(self) -> None:
        """Let somebody cancel."""
        self.world.processes.spawn("cancel", "node", lambda: cancel.ask(self.world.places, "grace@desk"))

    @invariant()
    def nothing_is_broken(self) -> None:
        """Check what must hold at any time."""
        if not hasattr(self, "world"):
            return
        assert self.world.facts.wrong == []
        sequence, cuts = self.world.slots.sequence, self.world.cuts
        assert sequence >= self.newest or cuts > self.cuts, "a sequence was given twice"
        self.newest, self.cuts = sequence, cuts  # what was not yet synced, and told to nobody, a cut may take back
        for pressed in self.world.pressed:
            _true(pressed)

    def teardown(self) -> None:
        """Let everything come to rest without further faults: the store is what it says it is."""
        if not hasattr(self, "world"):
            return
        world = self.world
        try:
            world.strikes_at, world.disk.full, world.harm = -1, False, ""
            world.settle()
            for _ in range(_OUTLAST):
                world.heal()
                if world.ended and world.ended[-1]["exit"] == Exit.OK:
                    break
            found = state(world)
            candidate = world.slots.candidate
            assert candidate is None or found == NOTHING, "only a first candidate is never given up"
            if found != NOTHING:
                writes = world.facts.writes
                world.heal()
                assert world.facts.writes == writes, "it does not come to rest"
            end = world.facts.end()
            self.nothing_is_broken()
        finally:
            self.stack.close()
            shutil.rmtree(self.folder, ignore_errors=True)
        if found != NOTHING and "/" not in found:
            assert end == clean(found), f"the machine is not what {found} looks like"


def _true(pressed: Pressed) -> None:
    """Check that what an operator was told is so."""
    if pressed.outcome is not None and pressed.exit == Exit.OK:
        verdict = pressed.outcome.verdict
        assert verdict["payload"] == pressed.offer.payload, "it was told of somebody else's deploy"
        assert verdict["serving"] == verdict["apps"] == verdict["sequence"], "it was told ready of what does not run"
    if isinstance(pressed.error, Locked):
        assert "@" in pressed.error.message or "has changed since" in pressed.error.message, pressed.error.message


TestStore = Store.TestCase
TestStore.settings = settings(
    max_examples=60,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
