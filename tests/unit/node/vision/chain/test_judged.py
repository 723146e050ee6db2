"""The sentence: how far the chain is well, where it ends, since when, why; and what counts as not ready."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgectl.node.vision.chain.declared import zone_of
from edgectl.node.vision.chain.judged import judge, when
from edgectl.node.vision.chain.memory import Memory
from edgectl.node.vision.chain.said import Said, words
from edgectl.wire.chain import CLOCK, DEGRADED, MODEL, NETWORK, NOT_READY, READY, RESOURCE, Crossing, State
from edgectl.wire.verdict import UNKNOWN
from tests.unit.node.vision.chain.store import CASES, CHAIN, WALL, bus_down, down, says, seen, well, without_canary

BERLIN = zone_of("Europe/Berlin")


def test_the_sentence_of_the_issue() -> None:
    """How far it is well, the first broken link, since when in the store's own time, and the reason."""
    state = State(NOT_READY, "its TLS certificate expired", CLOCK)
    asked = without_canary(says(well(), "uplink", "sink", state), "uplink")
    kept = Memory("b").after(words(well()), 0).after(words(asked), 60).links
    look = judge("n", CHAIN, kept, asked.canary, wall=lambda at: WALL + at, zone=BERLIN, now=120)
    start = when(WALL + 60, WALL + 120, BERLIN)
    assert look.reason == f"bus delivers; sink not reached since {start}: its TLS certificate expired"
    assert look.word == DEGRADED


def test_how_much_room_is_left_stands_at_the_uplink() -> None:
    """Also while the sink is away: that events wait for it is no fault of the uplink's, and nobody else's."""
    waits = says(well(), "uplink", "queue", State(READY, "1,204 events wait, room for 31 h"))
    asked = without_canary(says(waits, "uplink", "sink", State(NOT_READY, "refuses", NETWORK)), "uplink")
    look = seen(asked)
    assert look.links[[link.name for link in look.links].index("uplink")].reason == "1,204 events wait, room for 31 h"
    assert [link.name for link in look.broken] == ["sink"]


def test_times_are_the_stores_own() -> None:
    """The clock time is enough on the same day; where the zone is not known it is UTC, and says so."""
    now = 1_795_800_000.0  # 2026-11-27 17:20 UTC
    assert when(now - 600, now, BERLIN) == "18:10"
    assert when(now - 600, now, zone_of("no such place")) == "17:10 UTC"
    assert when(now - 86400, now, BERLIN) == "2026-11-26 18:20"
    assert zone_of(None) is zone_of("") is zone_of(7)


@pytest.mark.parametrize(("how", "says_so"), [("missing", "camera missing since"), ("silent", "camera silent since")])
def test_silent_missing_and_not_ready_are_told_apart(how: str, says_so: str) -> None:
    """Whoever reads it knows whether there is anybody to ask."""
    asked = replace(down(well(), "camera", how), canary=None)
    assert says_so in seen(asked).reason
    asked = says(well(), "camera", "", State(NOT_READY, "no camera delivers"))
    assert "camera not ready since" in seen(asked).reason


def test_a_required_link_takes_what_it_rests_on_with_it() -> None:
    """Where the sink is required, a silent uplink leaves the store not ready; else it is degraded."""
    asked = CASES["uplink silent"].breaks(well())
    assert seen(asked).word == DEGRADED
    chain = replace(CHAIN, required=("sink",))
    assert seen(asked, chain=chain).word == NOT_READY
    assert seen(CASES["sink black hole"].breaks(well()), chain=chain).word == NOT_READY


def test_a_broken_bus_is_told_once() -> None:
    """Camera, uplink and drift each say it; it is one broken link, and what is behind it is not asked."""
    look = seen(bus_down(well()))
    assert [link.name for link in look.broken] == ["bus"]
    assert {link.name: link.reason for link in look.links if link.word == "not asked"} == dict.fromkeys(
        ("uplink", "sink", "drift"), "bus is broken"
    )


def test_an_edge_lies_with_its_downstream_end() -> None:
    """A bus that works for the node and not for the camera is broken there, and the frame that stops makes it so."""
    state = State(DEGRADED, "not authorised", NETWORK)
    look = seen(without_canary(says(well(), "camera", "bus", state), "inference"))
    assert (look.first, look.word) == ("bus", NOT_READY)
    assert "camera does not reach it: not authorised" in look.reason


def test_a_service_is_not_blamed_for_what_it_needs() -> None:
    """A board says `degraded` for each link that is; the chain names the link alone."""
    asked = says(well(), "camera", "camera:front", State(DEGRADED, "no frames", "input"))
    asked = says(asked, "camera", "", State(DEGRADED, "camera:front: no frames", "input"))
    assert [link.name for link in seen(asked).broken] == ["camera:front"]
    asked = says(well(), "camera", "", State(DEGRADED, "slow disk", "resource"))
    assert [link.name for link in seen(asked).broken] == ["camera"]


def test_a_shorter_chain() -> None:
    """A chart without bus, uplink and sink has none of these links; the canary frame's way ends where it ends."""
    asked = well()
    camera = {"camera": asked.services["camera"], "inference": asked.services["inference"]}
    crossing = Crossing("c", "inference", {"camera": 1.0, "inference": 9.0}, "there is no bus")
    short = replace(asked, services=camera, bus=None, dependencies={}, canary=crossing)
    kept = Memory("b").after(words(short), 0).links
    look = judge("n", CHAIN, kept, crossing, wall=lambda at: at, zone=BERLIN, now=0)
    assert (look.word, look.reason) == (READY, "camera -> inference 10 ms")
    assert [link.name for link in look.links] == ["gpu", "model", "inference", "camera", "camera:front"]


def test_nothing_to_ask_is_not_ready() -> None:
    """Nothing passes on an empty list."""
    look = judge("n", CHAIN, {}, None, wall=lambda at: at, zone=BERLIN, now=0)
    assert (look.word, look.exit) == (UNKNOWN, 5)


def test_a_sink_that_nobody_speaks_of_is_not_ready() -> None:
    """An uplink of somebody's own that says nothing of its sink leaves it unproven, until a canary frame arrives."""
    asked = well()
    heard = asked.services["uplink"].status
    assert heard is not None
    mute = replace(heard, links={})
    asked = replace(asked, services={**asked.services, "uplink": replace(asked.services["uplink"], status=mute)})
    assert seen(asked).word == READY
    look = seen(replace(asked, canary=None))
    assert (look.first, look.word) == ("sink", DEGRADED)


def test_a_camera_without_canary_frames() -> None:
    """A service that sends none is no fault; one that cannot is degraded."""
    assert seen(replace(well(), canary=None)).word == READY
    look = seen(replace(well(), canary=None, no_canary=Said(DEGRADED, "HTTP 500", NETWORK)))
    assert (look.first, look.word) == ("camera", DEGRADED)


def test_another_version_that_answers_is_the_models_matter() -> None:
    """It serves on: degraded, and perhaps about to be switched; where inference says why, that is the sentence."""
    other = Said(DEGRADED, "detector 2 answers, 3 is not loaded yet", RESOURCE)
    look = seen(replace(well(), golden=other))
    assert (look.word, look.first, [link.name for link in look.broken]) == (DEGRADED, "model", ["model"])
    assert look.reason.endswith(other.reason)
    refused = State(DEGRADED, "detector 3 is refused: NaN; 2 serves on", MODEL)
    look = seen(says(replace(well(), golden=other), "inference", "model", refused))
    (broken,) = look.broken
    assert (broken.name, broken.kind, broken.reason) == ("model", MODEL, refused.reason)


def test_a_sink_that_takes_events_is_not_called_not_reached() -> None:
    """It says so itself, by the uplink: slow, or a clock that differs; a canary frame that is late changes nothing."""
    asked = says(well(), "uplink", "sink", State(DEGRADED, "takes one event in 3.0 s: slow", NETWORK))
    for one in (asked, without_canary(asked, "uplink")):
        look = seen(one)
        assert (look.word, look.first) == (DEGRADED, "sink")
        assert "sink degraded since" in look.reason
