"""What a run's events mean in time: each node's steps by its own seconds, whatever comes in between."""

from __future__ import annotations

from typing import Any

from edgectl.control.deploy.recorded import seconds_of, steps_of


def said(step: str, word: str, at: Any, node: str = "") -> dict[str, Any]:
    """Return an event."""
    return {"kind": "step", "step": step, "word": word, "at": at, **({"node": node} if node else {})}


def test_a_step_goes_from_the_end_of_the_one_before_it() -> None:
    """With the spans in which it changed and waited."""
    run = {"kind": "run", "at": 0.0}
    second = [said("b", "changing", 1.5), said("b", "waiting", 2.0), said("b", "changed", 5.0)]
    found = list(steps_of([run, said("a", "ok", 1.0), *second]))
    assert [(one.item["step"], one.began, one.ended) for one in found] == [("a", 0.0, 1.0), ("b", 1.0, 5.0)]
    assert found[1].spans == (("changing", 1.5, 2.0), ("waiting", 2.0, 5.0))


def test_two_nodes_do_not_mix() -> None:
    """Law: a follower's events between the lead's move no step of the lead. Seeded: one clock for all."""
    lead = said("a", "waiting", 1.0), said("a", "ok", 3.0)
    other = said("x", "ok", 90.0, "n2"), said("y", "ok", 95.0, "n2")
    events = [lead[0], other[0], lead[1], other[1]]
    found = {one.item["step"]: (one.node, one.began, one.ended) for one in steps_of(events)}
    assert found == {"x": ("n2", 0.0, 90.0), "a": ("", 0.0, 3.0), "y": ("n2", 90.0, 95.0)}


def test_what_never_came_to_rest_is_told() -> None:
    """A run that was cut, or a step that gave way to another: the last word stands."""
    left = list(steps_of([said("a", "waiting", 1.0), said("b", "changing", 4.0), {"kind": "verdict", "at": 9.0}]))
    ends = [(one.item["step"], one.item["word"], one.ended) for one in left]
    assert ends == [("a", "waiting", 1.0), ("b", "changing", 9.0)]
    assert list(steps_of([])) == []


def test_no_number_is_no_time() -> None:
    """A node's nonsense moves nothing."""
    for value in (None, "3", float("nan"), float("inf"), -1, True, [1]):
        assert seconds_of(value) == 0.0
    assert seconds_of(3) == 3.0
