"""The watchdog's eye on the chain: who hears of a new verdict, and that nothing waits for it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from edgectl.node.converge import journal as journals
from edgectl.node.converge.lock import Lock
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.outbox.queue import VERDICT, entries
from edgectl.node.vision.chain import memory as memories
from edgectl.node.vision.chain.declared import Declared
from edgectl.node.vision.chain.looked import Clocks, looked
from edgectl.node.vision.chain.memory import Memory
from edgectl.node.vision.chain.said import Asked
from edgectl.node.watch.chain import CONDITION, EVERY_SECONDS, KIND, ChainWatch
from edgectl.wire.chainlook import ChainLook
from tests.unit.node.fake import BOOT, FakeNode
from tests.unit.node.outbox.test_drain import Store, made
from tests.unit.node.vision.chain.store import CASES, CHAIN, WALL, bus_down, well

DECLARED = Declared("node-1", CHAIN)


class Watched:
    """A node whose chain is data; each `look` is half a minute later."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = made(folder)
        self.node = FakeNode(folder)
        self.node.kube.objects["/api/v1/nodes/node-1"] = {"status": {}}
        self.asked = well()
        self.fails = False
        self.now = 1000.0
        self.watch = ChainWatch(
            self.store.places,
            hands=lambda: self.node,
            looking=self._looking,
            monotonic=lambda: self.now,
            wall=lambda: WALL + self.now,
        )

    def _looking(self, look: object, declared: Declared, memory: Memory) -> tuple[ChainLook, Memory]:
        del look
        clocks = Clocks(lambda: self.now, lambda: WALL + self.now, self._sleep)
        return looked(self.node, declared, memory, asking=self._ask, clocks=clocks)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _ask(self, *_: object) -> Asked:
        if self.fails:
            raise LookFailed("the API is away")
        return self.asked

    def look(self, asked: Asked | None = None) -> None:
        """Look once more."""
        self.asked = asked or self.asked
        self.now += EVERY_SECONDS
        self.watch.look(DECLARED)

    @property
    def runs(self) -> list[str]:
        """The verdicts that were journalled, oldest first."""
        paths = reversed(journals.runs(self.store.places.journal, KIND))
        return [journals.read(path, 0)[0][-1]["word"] for path in paths]

    @property
    def upward(self) -> list[dict[str, object]]:
        """The verdicts that wait to be told."""
        found = [entry for entry in entries(self.store.places.outbox) if entry.kind == VERDICT]
        return [json.loads(entry.read()) for entry in found]

    @property
    def condition(self) -> dict[str, str]:
        """The Node's condition."""
        conditions = self.node.kube.objects["/api/v1/nodes/node-1"]["status"]["conditions"]
        return next(one for one in conditions if one["type"] == CONDITION)

    @property
    def events(self) -> list[str]:
        """The reasons of Events about the node."""
        objects = self.node.kube.objects
        return [str(item["reason"]) for path, item in objects.items() if "/events/" in path]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """Return a node whose chain is watched."""
    return Watched(tmp_path)


def test_a_verdict_is_told_when_it_changes_and_only_then(watched: Watched) -> None:
    """Well, well, broken, broken, well: two lines in the journal and upward, each change an Event of the Node."""
    for asked in (well(), well(), bus_down(well()), bus_down(well()), well(), well()):
        watched.look(asked)
    assert watched.runs == ["not ready", "ready"]
    assert [(said["kind"], said["word"], said["exit"]) for said in watched.upward] == [
        ("chain", "not ready", 5),
        ("chain", "ready", 0),
    ]
    assert "bus silent" in str(watched.upward[0]["reason"])
    assert watched.events == ["ChainReady", "ChainNotReady", "ChainReady"]


def test_another_link_is_another_verdict(watched: Watched) -> None:
    """A sentence that only says it in other words is not; the condition has the newest."""
    watched.look()
    watched.look(CASES["sink expired"].breaks(well()))
    first = watched.condition
    assert (first["status"], first["reason"]) == ("True", "ChainDegraded")
    watched.look(CASES["sink black hole"].breaks(well()))
    assert watched.runs == ["degraded"]
    watched.look(CASES["drift silent"].breaks(CASES["sink expired"].breaks(well())))
    assert watched.runs == ["degraded", "degraded"]


def test_the_memory_outlives_the_watchdog(watched: Watched) -> None:
    """What is believed lies on tmpfs, with when it began; a new watchdog tells nothing twice."""
    watched.look()
    watched.look(bus_down(well()))
    kept = memories.read(watched.store.places, BOOT)
    assert kept.links["bus"].word == "not ready"
    watched.watch = replace_watch(watched)
    watched.look()
    assert memories.read(watched.store.places, BOOT).links["bus"].since == kept.links["bus"].since
    assert watched.runs == ["not ready"]


def replace_watch(watched: Watched) -> ChainWatch:
    """Return a watchdog that has just started."""
    return ChainWatch(watched.store.places, hands=lambda: watched.node, looking=watched._looking)


def test_a_run_of_the_engine_goes_first(watched: Watched) -> None:
    """While somebody holds the store nothing is journalled; the next look tells."""
    watched.look()
    lock = Lock(watched.store.places.run, {"kind": "deploy", "run": "x", "since": ""})
    assert lock.acquire()
    with lock:
        watched.look(bus_down(well()))
    assert watched.runs == []
    assert watched.condition["reason"] == "ChainNotReady"
    watched.look()
    assert watched.runs == ["not ready"]


def test_an_api_that_is_away_changes_no_belief(watched: Watched) -> None:
    """What could not be looked at is not broken, and not well."""
    watched.look()
    before = watched.store.places.chain.read_bytes()
    watched.fails = True
    watched.look()
    assert watched.store.places.chain.read_bytes() == before


def test_metrics(watched: Watched) -> None:
    """Links, hops and the verdict for Prometheus, beside the GPUs' file."""
    watched.look(CASES["sink silent"].breaks(well()))
    text = watched.store.places.chain_metrics.read_text()
    assert "edgectl_chain_ready 1\n" in text
    assert "edgectl_chain_degraded 1\n" in text
    assert 'edgectl_chain_link_ready{link="sink"} 0\n' in text
    assert 'edgectl_chain_link_ready{link="bus"} 1\n' in text
    watched.look(well())
    watched.look(well())
    assert 'edgectl_chain_hop_seconds{hop="inference"} 0.041\n' in watched.store.places.chain_metrics.read_text()


def test_the_watchdog_does_not_wait_for_it(watched: Watched) -> None:
    """A look that hangs holds up no tick, and no second look is begun beside it."""
    go, begun = Event(), []

    def hangs(*_: object) -> tuple[ChainLook, Memory]:
        begun.append(watched.now)
        go.wait(10)
        raise LookFailed("late")

    watched.store.declare(None)
    watch = ChainWatch(watched.store.places, hands=lambda: watched.node, looking=hangs, monotonic=lambda: watched.now)
    watch.tick()
    assert not begun  # nothing is declared
    watch._renewed = lambda: replace(DECLARED)  # type: ignore[method-assign]
    for _ in range(5):
        watched.now += EVERY_SECONDS
        watch.tick()
    assert watch._thread is not None
    go.set()
    watch._thread.join(10)
    assert len(begun) == 1
