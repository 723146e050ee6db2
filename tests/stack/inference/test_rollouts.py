"""Candidates beside what runs, with real models in a real registry: they pass, or fail and harm nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgectl.stack.inference.serve import Service
from tests.stack.inference.models import nan, reference, scale
from tests.stack.inference.shelf import Shelf, Store, open_store
from tests.unit.stack.inference.fakes import Hand

PICTURE = {"image": np.full((1, 3, 4, 4), 0.5, dtype=np.float32)}


def ask(service: Service) -> tuple[float, str, bool]:
    said = service.ask(PICTURE, deadline_seconds=10)
    return float(said.outputs["out"][0, 0, 0, 0]), said.version, said.candidate


def until(store: Store, word: str) -> dict[str, Any]:
    """Ask on until the rollout has this word, and return its figures."""
    ends, pause = time.monotonic() + 30, threading.Event()
    while True:
        for _ in range(4):
            ask(store.service)
        facts: dict[str, Any] = store.look().facts["rollout"]
        if facts["word"] == word:
            return facts
        assert time.monotonic() < ends, facts
        pause.wait(0.001)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path)
    made.current(made.good("1.3", 2))
    return made


@pytest.mark.parametrize("strategy", ["canary", "shadow", "blue-green"])
def test_a_good_candidate_passes_and_is_switched_to_without_being_loaded_again(shelf: Shelf, strategy: str) -> None:
    """Law: it says passed; the node then makes it current; the very session that has passed runs."""
    with open_store(shelf) as store:
        store.look()
        candidate = shelf.good("1.4", 2.02)
        shelf.rollout(candidate, strategy=strategy)
        store.look()
        facts = until(store, "passed")
        assert facts["agreement"] == 1.0
        assert facts["frames"] >= 10
        lane = store.service.stage.lane
        assert lane is not None
        shelf.current(candidate)
        status = store.look()
        assert store.service.stage.current is lane.candidate
        assert store.service.stage.lane is None
        assert ask(store.service) == (float(np.float32(0.5) * np.float32(2.02)), "1.4", False)
        assert status.state.word == "ready"
        shelf.end_rollout()
        assert store.look().facts["rollout"] is None


def test_blue_green_keeps_the_old_version_warm_for_the_soak(shelf: Shelf) -> None:
    """Law: after the switch the way back costs no loading, for as long as it soaks; then the old one goes."""
    hand = Hand()
    with open_store(shelf, clock=hand) as store:
        store.look()
        old = store.service.stage.current
        green, blue = shelf.good("1.4", 2), shelf.good("1.3", 2)
        shelf.rollout(green, strategy="blue-green", soak_seconds=100)
        for _ in range(3):
            hand.time += 60
            store.look()
            for _ in range(20):
                ask(store.service)
        until(store, "passed")
        shelf.current(green)
        store.look()
        assert [(role, one.version) for role, one in store.watch.loaded] == [("current", "1.4"), ("spare", "1.3")]
        shelf.current(blue)
        store.look()
        assert store.service.stage.current is old
        shelf.current(green)
        store.look()
        hand.time += 101
        store.look()
        assert [role for role, _ in store.watch.loaded] == ["current"]


BAD: list[tuple[str, Callable[[Shelf], str]]] = [
    ("agrees in 0.0%", lambda shelf: shelf.good("1.4", 3)),
    ("no finite numbers", lambda shelf: shelf.put("1.4", nan())),
    ("golden answer", lambda shelf: shelf.put("1.4", scale(2), known=reference(2, off=1))),
    ("its inputs", lambda shelf: shelf.put("1.4", scale(2, shape=["batch", 3, 8, 8]))),
    ("no model that can be loaded", lambda shelf: shelf.put("1.4", b"no model")),
]


@pytest.mark.parametrize("strategy", ["canary", "shadow", "blue-green"])
@pytest.mark.parametrize(("sentence", "make"), BAD)
def test_a_bad_candidate_fails_and_stays_so(
    shelf: Shelf, strategy: str, sentence: str, make: Callable[[Shelf], str]
) -> None:
    """Law: it is named, asked no more, and tried no more under that id; no question has failed; another id is tried."""
    with open_store(shelf) as store:
        store.look()
        shelf.rollout(make(shelf), strategy=strategy)
        store.look()
        facts = until(store, "failed")
        assert sentence in facts["reason"]
        assert {ask(store.service) for _ in range(10)} == {(1.0, "1.3", False)}
        status = store.look()
        assert (status.links["candidate"].word, status.links["candidate"].kind) == ("ready", "")
        assert status.facts["rollout"]["word"] == "failed"
        assert [role for role, _ in store.watch.loaded] == ["current"]
        shelf.end_rollout()
        assert store.look().state.word == "ready"
        shelf.rollout(make(shelf), strategy=strategy)
        assert store.look().facts["rollout"]["reason"] == facts["reason"]
        shelf.rollout(shelf.good("1.5", 2), id="r2", strategy=strategy)
        store.look()
        until(store, "passed")


def test_a_rollout_that_cannot_be_read_stops_nothing(shelf: Shelf) -> None:
    """Law: it is named, and what runs runs on."""
    with open_store(shelf) as store:
        store.look()
        (shelf.models / "scaler" / "rollout.json").write_text("{")
        status = store.look()
        assert (status.state.word, status.links["model"].kind) == ("degraded", "config")
        assert "rollout" in status.links["model"].reason
        assert ask(store.service)[0] == 1.0


def test_a_candidate_that_is_not_there_has_failed(shelf: Shelf) -> None:
    with open_store(shelf) as store:
        store.look()
        shelf.rollout("1.9-0123456789ab")
        assert store.look().facts["rollout"]["word"] == "failed"


def test_never_more_than_two_versions_and_a_candidate(shelf: Shelf) -> None:
    """Law: whatever comes in whatever order, memory holds the running one, one kept warm, and one candidate."""
    import random

    drawn = random.Random(5)  # noqa: S311 - an order, no secret
    hand = Hand()
    folders = [shelf.good(f"2.{number}", 2) for number in range(5)]
    with open_store(shelf, clock=hand) as store:
        for step in range(80):
            match drawn.randrange(4):
                case 0:
                    shelf.current(drawn.choice(folders))
                case 1:
                    strategy = drawn.choice(["canary", "shadow", "blue-green"])
                    shelf.rollout(drawn.choice(folders), id=f"r{step}", strategy=strategy, min_frames=1)
                case 2:
                    hand.time += 10
                case _:
                    for _ in range(5):
                        ask(store.service) if store.version else None
            status = store.look()
            roles = [role for role, _ in store.watch.loaded]
            assert len(roles) == len(set(roles)) <= 3
            assert status.state.word == "ready", status.state
            assert ask(store.service)[0] == 1.0
