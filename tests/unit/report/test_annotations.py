"""Workflow commands of GitHub: at the line of the inventory; no word of a node's becomes a command."""

from __future__ import annotations

from edgectl.report.annotations import of_document, of_error
from edgectl.wire.errors import InvalidInput, Unreachable


def test_each_place_of_an_error_is_annotated() -> None:
    """Law: file, line and column; the line that is quoted below is none of its own."""
    error = InvalidInput(
        "2 errors in stores/inventory.yaml, nothing was sent",
        details=("stores/inventory.yaml:3:5  stores: wrong, 100%", "       3 |     x: y", "a,b.yaml:4:1  more"),
    )
    assert list(of_error(error)) == [
        "::error file=stores/inventory.yaml,line=3,col=5::stores: wrong, 100%25",
        "::error file=a%2Cb.yaml,line=4,col=1::more",
    ]


def test_more_than_it_shows_are_counted() -> None:
    """GitHub shows ten of one step: the rest is said."""
    error = InvalidInput("12 errors", details=tuple(f"i.yaml:{line}:1  wrong" for line in range(1, 13)))
    found = list(of_error(error))
    assert len(found) == 11
    assert found[-1] == "::error::2 more are wrong: 12 errors"


def test_an_error_without_a_place() -> None:
    """It is said with what to do."""
    (line,) = of_error(Unreachable("node-1 did not answer", hint="look"))
    assert line == "::error title=edgectl%2C exit 4::node-1 did not answer. next: look"


def test_a_gate_that_failed_is_annotated() -> None:
    """Law: a node's own words cannot begin a line of their own."""
    steps = [
        {"step": "gpu", "title": "gpu", "word": "failed", "reason": "bad\n::add-mask::x", "at": 1.0},
        {"step": "k3s", "title": "k3s", "word": "ok", "reason": "", "at": 1.0},
    ]
    (line,) = of_document("store-042", {"exit": 5, "steps": steps})
    assert line.startswith("::error title=store-042%3A gpu::bad%0A::add-mask::x. next: ")
    assert "\n" not in line
    assert list(of_document("store-042", {"exit": 0, "steps": steps})) == []
    assert list(of_document("s", {"exit": 6, "verdict": {"reason": "full"}})) == ["::error title=s::full"]
