"""Each link broken in each way, singly and in every pair: the one upstream is named, and nothing is told twice."""

from __future__ import annotations

from itertools import combinations

import pytest

from edgectl.node.vision.chain.links import parts
from edgectl.wire.chain import DEGRADED, NOT_READY, READY
from edgectl.wire.chainlook import NOT_ASKED
from tests.unit.node.vision.chain.store import CASES, CHAIN, Case, seen, well

LINKS = ("gpu", "model", "inference", "camera", "camera:front", "bus", "uplink", "sink", "drift", "pos", "printer")
PAIRS = [pair for pair in combinations(CASES, 2) if CASES[pair[0]].link != CASES[pair[1]].link]


def test_a_store_with_nothing_wrong() -> None:
    """Ready, every link there, in order, with the way of a frame and its time."""
    look = seen(well())
    assert (look.word, look.exit, look.first) == (READY, 0, "")
    assert look.reason == "camera -> inference -> bus -> uplink -> sink 214 ms"
    assert tuple(link.name for link in look.links) == LINKS
    assert {link.word for link in look.links} == {READY}


def test_every_link_has_a_case() -> None:
    """No link of the chain is left out of the tables below."""
    assert {case.link for case in CASES.values()} == set(LINKS)
    assert len(CASES) >= 20


@pytest.mark.parametrize("name", CASES)
def test_one_broken_link_is_named(name: str) -> None:
    """Whatever the others say of it, one fault is one broken link: that one, by its kind; downstream is not asked."""
    case = CASES[name]
    look = seen(case.breaks(well()))
    assert (look.first, look.word) == (case.link, case.word), look.reason
    assert [link.name for link in look.broken] == [case.link]
    (broken,) = look.broken
    assert broken.kind == case.kind
    assert f"{case.link} " in look.reason
    assert "also:" not in look.reason
    below = {link.name for link in look.links if link.word == NOT_ASKED}
    rest = {part.name for part in parts(CHAIN, LINKS) if case.link in part.rests}
    assert rest <= below if broken.word == NOT_READY else not below


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_of_two_the_upstream_one_is_named(one: str, other: str) -> None:
    """The first that does not work at all is named, else the first that works less; the other is listed or not asked.

    In whichever order the two have come. What only a silent service could tell of is not known, and not claimed.
    """
    first, second = sorted((CASES[one], CASES[other]), key=lambda case: LINKS.index(case.link))
    for look in (
        seen(CASES[other].breaks(CASES[one].breaks(well()))),
        seen(CASES[one].breaks(CASES[other].breaks(well()))),
    ):
        words = {link.name: link for link in look.links}
        assert tuple(words) == LINKS
        known = [case for case in (first, second) if not _hidden(case, first if case is second else second)]
        severe = [case for case in known if words[case.link].word == NOT_READY]
        assert look.first == (severe or known)[0].link, look.reason
        for case in known:
            listed = case.link in look.reason.partition("(also: ")[2]
            assert case.link == look.first or listed or words[case.link].word == NOT_ASKED, look.reason
        assert look.word == (NOT_READY if NOT_READY in {case.word for case in known} else DEGRADED)
        assert {link.name for link in look.broken} <= {case.link for case in known}, look.reason


def _hidden(case: Case, other: Case) -> bool:
    """Tell whether one fault cannot be known while the other lasts."""
    silences = {"inference", "camera", "uplink", "drift"} & {other.link} if not other.by else set()
    if case.by == "canary":  # no frame comes so far
        return other.link in {"gpu", "model", "inference", "camera", "bus", "uplink"} and _stops(other)
    return case.by in silences


def _stops(case: Case) -> bool:
    (broken,) = seen(case.breaks(well())).broken
    return broken.word == NOT_READY
