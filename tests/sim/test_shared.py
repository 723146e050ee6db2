"""The simulated store ends every step of the shared history as the real node does (tests/e2e/test_shared.py)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.deploy.offer import Offer
from edgectl.control.deploy.rollback import offer_of, target
from edgectl.node.converge import journal
from edgectl.node.session import _history
from edgectl.wire.document import canonical, digest_of
from edgectl.wire.payload import Payload
from tests.sim import stock
from tests.sim.shared import Ended, go_through, name_of
from tests.sim.world import World


def payload(*, base: str = "1", app: str = "one", bad: bool = False) -> Payload:
    """Return one whose app differs by its values alone, as a changed inventory makes it; packages it has none."""
    made = stock.payload(base=base)
    made = replace(made, nodes=tuple(replace(node, host=replace(node.host, os=None)) for node in made.nodes))
    values: dict[str, Any] = {"app": app, "bad": bad}
    plugin, vision = made.releases
    return replace(made, releases=(plugin, replace(vision, values=values, digest=digest_of(canonical([values])))))


PAYLOADS = {
    "A": payload(),
    "B": payload(app="two"),
    "bad": payload(app="worse", bad=True),
    "B'": payload(base="2", app="two"),
    "bad'": payload(base="2", app="worse", bad=True),
}
NAMES = {one.digest: name for name, one in PAYLOADS.items()}


@dataclass
class Simulated:
    """The simulated store."""

    world: World
    names: dict[str, str] = field(default_factory=lambda: NAMES)

    def deploy(self, name: str) -> Ended:
        """Press."""
        return self._press(stock.offer(PAYLOADS[name]))

    def rollback(self) -> Ended:
        """Press what `edgectl rollback` presses."""
        return self._press(offer_of(target(_history(self.world.places)), stock.ADA))

    def heal(self) -> Ended:
        """Let the timer fire."""
        self.world.heal()
        newest = journal.newest(*self.world.places.journals)
        assert newest is not None
        data = journal.read(newest, 0)[0][-1]["data"]
        return self._ended(data["exit"], tuple(data["changed"]), None)

    def harm(self, what: str) -> None:
        """Change a fact by hand."""
        self.world.facts.put({"app": "release/vision", "base": "host-files"}[what], "by hand")

    def _press(self, offer: Offer) -> Ended:
        pressed = self.world.deploy(offer)
        self.world.settle()
        assert pressed.outcome is not None, pressed.error
        return self._ended(pressed.exit, pressed.outcome.changed, pressed.outcome.verdict.get("returned"))

    def _ended(self, code: int, changed: tuple[str, ...], returned: dict[str, Any] | None) -> Ended:
        slots = self.world.slots
        current = slots.current
        assert current is not None
        runs = name_of(self.names, current.envelope.payload, slots.apps_of(current).envelope.payload)
        return Ended(code, changed, runs, str((returned or {}).get("word", "")))


@pytest.fixture
def simulated(tmp_path: Path) -> Any:
    """Yield a simulated store that runs A."""
    world = World(tmp_path / "node")
    with world.alive():
        store = Simulated(world)
        assert store.deploy("A").runs == "A"
        yield store


def test_it_goes_through_the_history(simulated: Simulated) -> None:
    """Exit codes, changes, what runs and how going back went: step by step as declared."""
    go_through(simulated)
    assert simulated.world.facts.wrong == []
