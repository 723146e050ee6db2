"""Twelve drawn events strike a store, nobody helps, every law holds; sixty with `nox -s long`. See docs/storm.md.

The seed is a fixed one: what CI has seen can be seen again. `nox -s storm` draws another each time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from edgectl.sandbox.bundle import Supplies
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from tests.e2e.conftest import PREFIX, STORES_UP
from tests.storm import events, tables
from tests.storm.baseline import baseline
from tests.storm.judge import broken
from tests.storm.prepare import Ground, ground
from tests.storm.storm import degraded, storm

pytestmark = pytest.mark.e2e
_STORE = f"{PREFIX}-storm"
_SEED = 12


@pytest.fixture(scope="module")
def on(box: Sandbox, supplies: Supplies) -> Iterator[Ground]:
    """Yield a store of its own with two GPUs, one required; the tests below go on with it in their order."""

    def up(store: SandboxStore) -> None:
        STORES_UP[_STORE] = store

    try:
        with ground(box, _STORE, supplies, up) as found:
            yield found
    finally:
        STORES_UP.pop(_STORE, None)


@pytest.mark.parametrize(
    "count", [events.SHORT_STORM, pytest.param(60, marks=pytest.mark.long)], ids=lambda count: f"{count}-events"
)
def test_a_storm(on: Ground, count: int) -> None:
    """No entrypoint without proof, nobody left dead, a proven one after each event that ended one, half within 30 s."""
    rows = storm(on, events.draw(_SEED, count), _say)
    _say(f"{tables.table(rows)}\n{tables.summary(rows)}")
    assert broken(rows) == (), f"seed {_SEED}, {count} events\n{tables.table(rows)}"
    assert len(rows) == count


def test_one_gpu_of_two_lost(on: Ground) -> None:
    """It serves with the other one, says so with exit 9 and the lost one's name, and is whole when that is back."""
    assert degraded(on, _say).wrong == ""


@pytest.mark.long  # that the storm finds something where the guard is away
def test_without_the_guard_pods_are_left_dead(on: Ground) -> None:
    """The storm has teeth: the same late plugin leaves a pod dead where no guard is. Last: there is no way back."""
    (row,) = baseline(on, 1, _say)
    assert row.dead_left, tables.table([row])
    assert "UnexpectedAdmissionError" in row.dead_left[0]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
