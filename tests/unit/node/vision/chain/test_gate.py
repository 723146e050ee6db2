"""The gate at a deploy's end: what is not yet, what is never, what is degraded, and what no deploy is judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.node.converge.loop import Clock, converge, plan
from edgectl.node.converge.protocol import LookFailed, Status, Step
from edgectl.node.vision.chain import memory as memories
from edgectl.node.vision.chain.asked import LIMIT_SECONDS
from edgectl.node.vision.chain.declared import Declared
from edgectl.node.vision.chain.gate import Delivers, observed
from edgectl.node.vision.chain.looked import AGAIN_SECONDS, Clocks, looked
from edgectl.node.vision.chain.memory import FALLS, QUIET_SECONDS, Memory
from edgectl.node.vision.chain.said import Asked, Said, words
from edgectl.wire.chain import CLOCK, DEGRADED, MODEL, NETWORK, NOT_READY, State
from edgectl.wire.chainlook import ChainLook, Link
from tests.unit.node.fake import BOOT, FakeNode
from tests.unit.node.vision.chain.store import CASES, CHAIN, WALL, says, well

DECLARED = Declared("node-1", CHAIN)


class World:
    """A chain as data, and a clock of its own; `at` says what is wrong when."""

    def __init__(self, folder: Path, at: Callable[[float], Asked]) -> None:
        self.node = FakeNode(folder)
        self.node.places.run.mkdir(parents=True)
        self.now = 1000.0
        self.at = at
        self.looks = 0
        self.clocks = Clocks(lambda: self.now, lambda: WALL + self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _ask(self, *_: object) -> Asked:
        self.looks += 1
        return self.at(self.now - 1000.0)

    def gate(self, *, settles: bool = False) -> Delivers:
        """Return the gate of one run."""

        def looking(look: object, declared: Declared, memory: Memory) -> tuple[ChainLook, Memory]:
            del look
            return looked(self.node, declared, memory, asking=self._ask, clocks=self.clocks)

        return Delivers(DECLARED, needs=(), settles=settles, looking=looking, clocks=self.clocks)

    def remembers(self, asked: Asked, *, since: float) -> None:
        """Let the watchdog have seen this for so long."""
        memory = Memory(BOOT).after(words(asked), self.now - since)
        memories.keep(self.node.places, memory.after(words(asked), self.now - since + 1))

    def converges(self, *, settles: bool = False) -> tuple[str, str, float]:
        """Run the gate as a deploy does; returns its end, the verdict's word, and how long it took."""
        began = self.now
        verdict = converge(
            (self.gate(settles=settles),),
            self.node,
            self.node,
            say=lambda *_: None,
            clock=Clock(lambda: self.now, self._sleep),
        )
        return verdict.steps[0].status, verdict.word, self.now - began


def broken(name: str) -> Asked:
    """Return a look at a store with one fault."""
    return CASES[name].breaks(well())


def test_a_chain_that_delivers_passes_in_one_look(tmp_path: Path) -> None:
    """One look, no wait, the way of a frame as its reason."""
    world = World(tmp_path, lambda _: well())
    seen = world.gate().probe(world.node)
    assert (seen.status, seen.reason) == (Status.CURRENT, "camera -> inference -> bus -> uplink -> sink 214 ms")
    assert (world.looks, seen.degraded, seen.absent) == (1, "", "")
    assert not isinstance(world.gate(), Step)


def test_it_writes_nothing(tmp_path: Path) -> None:
    """A gate changes nothing on the node: the watchdog alone remembers."""
    world = World(tmp_path, lambda _: broken("bus silent"))
    world.gate().probe(world.node)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not world.node.changes


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.word == NOT_READY])
def test_a_required_link_is_waited_for_until_the_limit(tmp_path: Path, name: str) -> None:
    """Not yet, for as long as the gate's wait lasts; a wrong answer of the model is never, at once."""
    world = World(tmp_path, lambda _: broken(name))
    status, word, took = world.converges(settles=True)
    assert (status, word) == ("failed", "not ready")
    assert took < 2 if name == "model wrong answer" else took >= 60


def test_a_required_link_that_comes_is_enough(tmp_path: Path) -> None:
    """What is started late passes when it is there."""
    world = World(tmp_path, lambda at: broken("bus silent") if at < 15 else well())
    status, word, took = world.converges(settles=True)
    assert (status, word) == ("current", "ready")
    assert 15 <= took < 20


def test_what_has_come_and_gone_is_waited_for_until_it_is_believed_again(tmp_path: Path) -> None:
    """The gate's wait is clearly longer than the quiet minute: a good candidate is not turned down for its link's past.

    Its services have just been started: the first good look comes late, and looks take their time.
    """
    world = World(tmp_path, lambda at: broken("bus silent") if at < 12 else well())
    memory = Memory(BOOT)
    for fall in range(FALLS):
        for look, asked in enumerate((well(), well(), broken("bus silent"), broken("bus silent"))):
            memory = memory.after(words(asked), world.now - 250 + fall * 80 + look * 10)
    memories.keep(world.node.places, memory)
    ask = world.at

    def slow(at: float) -> Asked:
        world.now += 0.4
        return ask(at)

    world.at = slow
    status, word, took = world.converges(settles=True)
    assert (status, word) == ("current", "ready")
    assert took > 12 + QUIET_SECONDS
    limit = world.gate().wait.limit_seconds
    assert limit > QUIET_SECONDS + 2 * (2 * LIMIT_SECONDS + AGAIN_SECONDS)  # each look asks twice, where it doubts


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.word == DEGRADED])
def test_a_link_that_is_not_required_settles_in_a_run(tmp_path: Path, name: str) -> None:
    """A deploy and a heal give it twenty seconds, then the store is degraded; a look takes it as it is."""
    world = World(tmp_path, lambda _: broken(name))
    status, word, took = world.converges(settles=True)
    assert (status, word) == ("current", "degraded")
    assert 19 <= took <= 22
    assert world.converges()[2] <= 2


def test_what_is_known_to_last_is_not_waited_for(tmp_path: Path) -> None:
    """Where the watchdog has seen a sink broken for longer, a deploy goes on at once."""
    world = World(tmp_path, lambda _: broken("sink silent"))
    world.remembers(broken("sink silent"), since=300)
    status, word, took = world.converges(settles=True)
    assert (status, word) == ("current", "degraded")
    assert took < 2


def test_a_link_that_was_well_in_between_is_broken_since_now(tmp_path: Path) -> None:
    """A camera's blip half a minute ago does not make its next one an old fault, for which nothing is waited."""
    late = says(well(), "camera", "inference", State(DEGRADED, "refused", NETWORK))
    world = World(tmp_path, lambda at: late if at < 2 else well())
    memory = Memory(BOOT)
    for ago, asked in ((300, well()), (60, late), (30, well())):
        memory = memory.after(words(asked), world.now - ago)
    memories.keep(world.node.places, memory)
    assert world.converges(settles=True)[:2] == ("current", "ready")


def test_a_deploy_that_breaks_a_link_does_not_pass_on_old_belief(tmp_path: Path) -> None:
    """Though the watchdog has seen it well, one bad look is looked at again before anything passes."""
    world = World(tmp_path, lambda _: broken("bus silent"))
    world.remembers(well(), since=300)
    assert world.gate().probe(world.node).status is Status.IN_PROGRESS
    assert world.looks == 2


def test_a_blip_is_not_told(tmp_path: Path) -> None:
    """A look that meets a blip looks once more, and says that all is well."""
    world = World(tmp_path, lambda at: broken("bus silent") if at < 0.5 else well())
    world.remembers(well(), since=300)
    seen = plan((world.gate(),), world.node, lambda *_: None, Clock(lambda: world.now, lambda _: None))
    assert seen.word == "ready"


def test_what_lies_beyond_the_store_is_no_deploys_fault(tmp_path: Path) -> None:
    """A sink that the network does not reach, and users' own, degrade the store and turn no deploy down."""
    for name, beyond in (
        ("sink silent", True),
        ("sink expired", True),
        ("other dependency", True),
        ("drift silent", False),
    ):
        world = World(tmp_path / name, lambda _, name=name: broken(name))  # type: ignore[misc]
        seen = world.gate().probe(world.node)
        assert (bool(seen.absent), bool(seen.degraded)) == (beyond, not beyond), name
    asked = says(well(), "uplink", "sink", State(NOT_READY, "HTTP 401: the token is refused", "config"))
    world = World(tmp_path / "token", lambda _: asked)
    assert world.gate().probe(world.node).degraded


def test_only_a_wrong_answer_is_never() -> None:
    """A model that is not loaded yet may come."""
    links = (Link("model", NOT_READY, "x", MODEL),)
    look = ChainLook("n", NOT_READY, "model not as declared", "model", links)
    assert observed(look).status is Status.IN_PROGRESS
    assert observed(replace(look, never=True)).status is Status.FAILED


def test_an_api_that_does_not_answer_is_not_a_broken_chain(tmp_path: Path) -> None:
    """Could not look is never fine, and never the same as looked and wrong."""

    def fails(_: float) -> Asked:
        raise LookFailed("the Kubernetes API does not answer")

    world = World(tmp_path, fails)
    with pytest.raises(LookFailed):
        world.gate().probe(world.node)


def test_said_words_are_used() -> None:
    """The table above breaks what it says (a case that breaks nothing would prove nothing)."""
    assert all(case.breaks(well()) != well() for case in CASES.values())
    assert Said(NOT_READY, "", CLOCK) != Said(NOT_READY, "", NETWORK)


def test_settling_ends_though_something_else_breaks_each_time(tmp_path: Path) -> None:
    """A deploy waits its twenty seconds once, not anew for each link."""
    names = ("sink expired", "drifted")
    world = World(tmp_path, lambda at: broken(names[int(at // 8) % 2]))
    status, word, took = world.converges(settles=True)
    assert (status, word) == ("current", "degraded")
    assert took <= 23
