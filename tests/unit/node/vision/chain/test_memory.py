"""What is believed: a blip is no outage, a model fault is one at once, and what comes and goes is not well."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.node.io.places import Places
from edgectl.node.vision.chain import memory as memories
from edgectl.node.vision.chain.memory import Memory, slowed
from edgectl.node.vision.chain.said import UNASKED, Said
from edgectl.wire.chain import (
    CLOCK,
    CONFIG,
    DEGRADED,
    INPUT,
    KINDS,
    MODEL,
    NETWORK,
    NOT_READY,
    READY,
    RESOURCE,
    WORST,
    Crossing,
)
from edgectl.wire.document import to_json

OK = Said(READY)


def bad(kind: str = NETWORK, word: str = NOT_READY) -> Said:
    """Return a fault."""
    return Said(word, "no answer", kind)


def story(looks: Iterable[tuple[float, Said]]) -> list[str]:
    """Return what is believed of one link after each look."""
    memory, believed = Memory("b"), []
    for at, said in looks:
        memory = memory.after({"bus": said}, at)
        believed.append(memory.links["bus"].word)
    return believed


@pytest.mark.parametrize("kind", [NETWORK, RESOURCE, INPUT, ""])
def test_one_look_is_no_outage(kind: str) -> None:
    """A fault that may heal itself is believed after the second look; one good look in between forgives nothing."""
    assert story([(0, OK), (30, bad(kind)), (60, OK), (90, OK)]) == [READY] * 4
    assert story([(0, OK), (30, bad(kind)), (31, bad(kind))]) == [READY, READY, NOT_READY]
    assert story([(0, OK), (30, bad(kind)), (60, OK), (90, bad(kind))]) == [READY, READY, READY, NOT_READY]
    assert story([(0, OK), (30, bad(kind)), (60, OK), (90, OK), (120, bad(kind))]) == [READY] * 5


@pytest.mark.parametrize("kind", [MODEL, CONFIG, CLOCK])
def test_what_no_waiting_mends_is_believed_at_once(kind: str) -> None:
    """A wrong model is wrong in the first look; and mended in the first one, too."""
    assert story([(0, OK), (30, bad(kind)), (60, OK)]) == [READY, NOT_READY, READY]


def test_two_looks_at_one_moment_are_one() -> None:
    """Two who look at once (a person, the watchdog) are no second opinion; ten seconds are, whoever looked."""
    assert story([(0, OK), (30, bad()), (30.1, bad()), (30.2, bad())]) == [READY] * 4
    looks = [(0.0, OK), *((30 + tenth / 10, bad()) for tenth in range(4)), (40.0, bad())]
    assert story(looks)[-1] == NOT_READY


def test_it_is_over_after_two_good_looks() -> None:
    """One good look ends no outage."""
    assert story([(0, OK), (30, bad()), (60, bad()), (90, OK), (120, bad()), (150, OK), (180, OK)]) == [
        READY,
        READY,
        NOT_READY,
        NOT_READY,
        NOT_READY,
        NOT_READY,
        READY,
    ]


def test_what_was_never_well_is_not_believed_to_be() -> None:
    """The first look of a boot is believed as it is."""
    assert story([(0, bad()), (1, bad())]) == [NOT_READY, NOT_READY]


def test_since_is_when_it_began() -> None:
    """Since is the first of the looks that were bad, not the one that was believed; another reason does not move it."""
    memory = Memory("b").after({"bus": OK}, 0).after({"bus": bad()}, 30).after({"bus": bad()}, 60)
    assert memory.links["bus"].since == 30
    memory = memory.after({"bus": Said(NOT_READY, "refused", NETWORK)}, 90)
    assert (memory.links["bus"].since, memory.links["bus"].reason) == (30, "refused")
    memory = Memory("b")
    for at, said in ((0, OK), (30, bad()), (31, OK), (60, bad())):
        memory = memory.after({"bus": said}, at)
    assert (memory.links["bus"].word, memory.links["bus"].since) == (NOT_READY, 60)  # it was well in between


def test_what_flaps_needs_a_quiet_minute() -> None:
    """A link that has broken three times within ten minutes is well after a minute without, and says how often."""
    looks = [(0.0, OK)]
    for start in (10.0, 110.0, 210.0):
        looks += [(start, bad()), (start + 2, bad()), (start + 30, OK), (start + 32, OK)]
    memory, words = Memory("b"), []
    for at, said in looks:
        memory = memory.after({"bus": said}, at)
        words.append(memory.links["bus"].word)
    assert words[4] == words[8] == READY
    assert words[-1] == NOT_READY
    assert "comes and goes, 3 times within 10 min" in memory.links["bus"].reason
    assert not memory.unsettled  # one more look in a second would not tell
    memory = memory.after({"bus": OK}, 290)
    assert memory.links["bus"].word == NOT_READY
    assert memory.after({"bus": OK}, 301).links["bus"].word == READY


def test_a_doubt_asks_for_one_more_look() -> None:
    """Whoever looks once looks again where a second look may tell; where nothing is new there is no doubt."""
    memory = Memory("b").after({"bus": OK}, 0)
    assert not memory.unsettled
    memory = memory.after({"bus": bad()}, 30)
    assert (memory.unsettled, memory.links["bus"].doubt) == (True, "no answer")
    memory = memory.after({"bus": bad()}, 31)
    assert not memory.unsettled
    assert memory.after({"bus": OK}, 60).unsettled


def test_what_was_not_asked_stays_as_it_was() -> None:
    """What nobody can tell of is as it was; links that are no more are forgotten, a mute service's cameras are not."""
    memory = Memory("b").after({"camera": OK, "camera:front": OK, "sink": bad(CLOCK), "old": OK}, 0)
    memory = memory.after({"camera": bad(), "sink": UNASKED}, 30)
    assert set(memory.links) == {"camera", "camera:front", "sink"}
    assert memory.links["sink"].word == NOT_READY
    assert set(memory.after({"camera": OK, "sink": OK}, 60).links) == {"camera", "sink"}
    fresh = Memory("b").after({"sink": UNASKED}, 0)
    assert fresh.after({"sink": bad()}, 30).links["sink"].word == NOT_READY


def test_three_slow_frames_of_five_are_slow() -> None:
    """One slow frame says nothing; three of the last five name the slowest hop; frames that stop do not count."""
    fast, slow = (
        Crossing("c", "sink", {"camera": 5.0, "sink": 100.0}),
        Crossing("c", "sink", {"camera": 5.0, "sink": 900.0}),
    )
    stopped = Crossing("c", "camera", {"camera": 5000.0}, "no")
    memory = Memory("b")
    for canary in (slow, fast, slow, stopped, fast):
        memory = memory.timed(canary, 500.0)
        assert not memory.is_slow
    memory = memory.timed(slow, 500.0)
    assert memory.is_slow
    said = slowed({"camera": OK, "sink": OK}, memory, slow, 500.0)
    assert (said["sink"].word, said["sink"].how, said["camera"].word) == (DEGRADED, "slow", READY)
    assert "905 ms" in said["sink"].reason
    assert slowed({"sink": bad()}, memory, slow, 500.0)["sink"] == bad()


SAIDS = st.builds(Said, st.sampled_from(WORST), st.just("why"), st.sampled_from(["", *KINDS]))


@given(st.lists(st.tuples(st.floats(0.6, 60), SAIDS), min_size=1, max_size=30), SAIDS)
def test_what_lasts_is_believed_in_the_end(looks: list[tuple[float, Said]], last: Said) -> None:
    """Whatever was before: what is said long enough is what is believed, since is not in the future, doubts end."""
    memory, now = Memory("b"), 0.0
    for pause, said in looks:
        now += pause
        memory = memory.after({"bus": said}, now)
    for _ in range(5):
        now += 30
        memory = memory.after({"bus": last}, now)
    kept = memory.links["bus"]
    assert (kept.word, kept.doubt) == (last.word, "")
    assert kept.since <= now
    assert len(kept.falls) <= 2 * memories.FALLS


def test_it_outlives_the_watchdog_and_no_boot(tmp_path: Path) -> None:
    """The note is for this boot; what cannot be read is no memory, and no crash."""
    places = Places(tmp_path)
    places.run.mkdir(parents=True)
    memory = Memory("b").after({"bus": bad()}, 3)
    memories.keep(places, memory)
    assert memories.read(places, "b") == memory
    assert memories.read(places, "another") == Memory("another")
    for text in ("", "[]", "{}", json.dumps({**to_json(memory), "links": {"bus": {}}}), "\0"):
        places.chain.write_text(text)
        assert not memories.read(places, "b").links
