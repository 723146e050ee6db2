"""Each link of a real store broken in each way, and in pairs: named rightly, nothing else is, and well again then."""

from __future__ import annotations

import os
import random
from itertools import combinations
from pathlib import Path

import pytest

from tests.stack.chain.fault import Fault
from tests.stack.chain.faults import FAULTS
from tests.stack.chain.law import HEALED_SECONDS, NAMED_SECONDS, is_well, named, well
from tests.stack.chain.rig import Rig

LINKS = ("gpu", "model", "inference", "camera", "camera:front", "bus", "uplink", "sink", "drift")
OWN = ("till", "switch", "printer", "shelves")
SEED, DRAWN = 184, 12  # faults that take long are drawn by other seeds
DOCS = Path(__file__).parents[3] / "docs" / "chain.md"


def _possible(one: Fault, other: Fault) -> bool:
    """Tell whether two faults can be there at the same time, and are two."""
    return one.link != other.link and not one.uses & other.uses


PAIRS = [pair for pair in combinations(FAULTS, 2) if _possible(FAULTS[pair[0]], FAULTS[pair[1]])]
SOME = random.Random(os.environ.get("EDGECTL_SEED", SEED)).sample(PAIRS, DRAWN)  # noqa: S311 - drawn, not secret
MANY = [pytest.param(*pair, marks=[] if pair in SOME else [pytest.mark.long]) for pair in PAIRS]


def strike(rig: Rig, *faults: Fault, looks: int = 1) -> str:
    """Let faults be there together, see them named, mend them, see the store well; returns the sentence."""
    watch = well(rig)
    broken: list[Fault] = []
    try:
        for fault in faults:
            broken.append(fault)
            fault.breaks(rig)
        look = watch.until(named(*faults), NAMED_SECONDS, looks=looks)
    finally:
        for fault in broken:
            fault.heals(rig)
    watch.until(is_well, HEALED_SECONDS, looks=looks)
    return look.reason


def test_what_is_tried() -> None:
    """No link of the chain is left out, and every fault is another one."""
    assert {fault.link for fault in FAULTS.values()} == {*LINKS, *OWN}
    assert len({(fault.link, fault.word, fault.kind, fault.says) for fault in FAULTS.values()}) >= 20
    assert len(PAIRS) > 400


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_named(rig: Rig, name: str) -> None:
    """By its link, its kind and its cause, in one sentence; no other link is called broken; mended, all is well."""
    print(f"\n{name}: {strike(rig, FAULTS[name])}")  # noqa: T201 - the sentence is what people come for


@pytest.mark.parametrize(("one", "other"), MANY)
def test_of_two_the_upstream_one_is_named(rig: Rig, one: str, other: str) -> None:
    """What does not work at all before what works less, upstream first; the other one is listed, or not asked."""
    faults = [FAULTS[one], FAULTS[other]]
    if hash_of(one, other) % 2:
        faults.reverse()
    print(f"\n{one} + {other}: {strike(rig, *faults)}")  # noqa: T201 - as above


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_lasts_is_named_all_the_time(rig: Rig, name: str) -> None:
    """Whatever the others come to notice of it, in twelve looks in a row."""
    strike(rig, FAULTS[name], looks=12)


def test_the_docs_list_every_fault() -> None:
    """With the words that its sentence has."""
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| ")]
    for name, fault in FAULTS.items():
        assert any(name in row and all(part in row for part in fault.says) for row in rows), name


def hash_of(one: str, other: str) -> int:
    """Return a number that is the same in every process."""
    return sum(map(ord, one + other))
