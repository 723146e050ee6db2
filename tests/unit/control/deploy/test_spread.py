"""Which blobs cross the line, and who waits for whom: for any store, each once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgectl.control.deploy.everywhere import together
from edgectl.control.deploy.look import Seen
from edgectl.control.deploy.spread import over_line, wave
from edgectl.node.share import serve
from edgectl.report.looked import planned

BLOBS = "abcdef"
LACKS = st.dictionaries(
    st.sampled_from(["node-1", "node-2", "node-3", "node-4"]), st.frozensets(st.sampled_from(BLOBS))
)


@given(LACKS, st.frozensets(st.sampled_from(BLOBS)))
def test_no_blob_is_carried_twice(lacks: dict[str, frozenset[str]], held: frozenset[str]) -> None:
    """Law: waves end, everybody is in one, and what nobody held crosses the line once; a plan counts the same."""
    left, have, carried = dict(lacks), set(held), []
    while names := wave(sorted(lacks), left, have):
        for name in names:
            carried += sorted(left[name] - have)
        for name in names:
            have |= left.pop(name)
    assert not left
    assert sorted(carried) == sorted(set(carried))
    assert set(carried) == set().union(*lacks.values()) - held
    assert over_line([dict.fromkeys(lacks[name], 5) for name in sorted(lacks)], held) == dict.fromkeys(carried, 5)


def test_the_lead_goes_first_and_strangers_with_it() -> None:
    """Who needs the same waits for it; who needs something else of the line, or nothing, does not."""
    lacks = {"node-1": "ab", "node-2": "a", "node-3": "x", "node-4": "h"}
    assert wave(["node-1", "node-2", "node-3", "node-4"], lacks, "h") == ["node-1", "node-3", "node-4"]


def test_no_more_at_once_than_a_neighbour_answers() -> None:
    """Law: in a store of twelve nodes nobody is turned away by the lead and takes all of it from the line."""
    left, sizes = {f"node-{number:02}": "ab" for number in range(2, 13)}, []
    while names := wave(sorted(left), left, "ab"):
        sizes.append(len(names))
        for name in names:
            del left[name]
    assert max(sizes) <= serve._CONNECTIONS
    assert sum(sizes) == 11


def _seen(missing: dict[str, int], offered: str = "abc") -> Seen:
    found = Seen(verdict={"exit": 5, "reason": ""}, offered=frozenset(offered), missing=missing)
    found.missing_blobs, found.missing_bytes = len(missing), sum(missing.values())
    return found


def test_a_plan_counts_the_line_once() -> None:
    """Law: two bare nodes send what one does; the rest is said to go between them. Seeded fault: the sum of both."""
    seen = together(_seen({"a": 100, "b": 50, "c": 7}), {"node-2": _seen({"a": 100, "b": 20}, "ab")})
    assert (seen.missing_blobs, seen.missing_bytes, seen.neighbour_bytes) == (3, 157, 120)
    assert "send      3 blobs, 157 B" in planned("store-042", seen, 157)
    assert "between   its nodes 120 B, over the store's network" in planned("store-042", seen, 157)


def test_a_plan_knows_what_another_node_holds() -> None:
    """A lead that is bare beside an agent that is not: the line brings what the agent has not; it is still a change."""
    seen = together(_seen({"a": 100, "c": 7}), {"node-2": _seen({}, "ab")})
    assert (seen.missing_bytes, seen.neighbour_bytes) == (7, 100)
    seen = together(_seen({"a": 100}), {"node-2": _seen({}, "ab")})
    assert (seen.missing_bytes, seen.neighbour_bytes, seen.exit) == (0, 100, 10)
    assert "send" not in planned("store-042", seen, 157)


def test_one_node_alone_has_no_neighbours() -> None:
    """The numbers of a single node are its own."""
    seen = together(_seen({"a": 100}), {})
    assert (seen.missing_bytes, seen.neighbour_bytes) == (100, 0)
