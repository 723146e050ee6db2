"""Many stores under way: lines where lines stay, one more where it can be taken back."""

from __future__ import annotations

import io

from edgectl.control.fleet.ended import answered, left, stopped
from edgectl.report.fleet import lines
from edgectl.report.running import Running
from edgectl.wire.errors import Unreachable


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_a_line_for_each_end_and_no_control_codes_where_lines_stay() -> None:
    """A log of CI has one line a store."""
    stream = io.StringIO()
    running = Running("deploy", 2, stream)
    running.begun("store-1")
    running.ended(stopped("store-1", Unreachable("no answer")))
    running.close()
    assert stream.getvalue() == "  unreachable     store-1  no answer\n"


def test_how_far_all_are_is_one_line_that_is_taken_back() -> None:
    """It names who is under way."""
    stream = Terminal()
    running = Running("status", 2, stream)
    running.begun("store-1")
    running.begun("store-2")
    running.ended(answered("store-1", 0, {"verdict": {"word": "ready"}}))
    running.close()
    assert "\r\x1b[K  0 of 2 ended, 2 under way: store-1 store-2" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K  1 of 2 ended, 1 under way: store-2\r\x1b[K")


def test_more_stores_than_fit_a_line() -> None:
    """Their names go below the reason; at most ten lines of them."""
    away = [stopped(f"store-{number:04}", Unreachable("no answer")) for number in range(500)]
    said = list(lines("status", away, seconds=1.0))
    assert said[0] == "UNREACHABLE 500"
    assert said[1] == "  UNREACHABLE     no answer"
    assert said[2].strip().startswith("0000 0001 0002")
    assert any(line.strip().startswith("and ") and line.endswith("more (-o json names all)") for line in said)
    assert len(said) < 20


def test_what_goes_on_is_said_when_nobody_watches() -> None:
    """With its name, and how to watch it again."""
    said = "\n".join(lines("deploy", [left("store-1", run="9f"), left("store-2")], seconds=1.0))
    assert "GOES ON 1   NOT BEGUN 1" in said
    assert "watch it: edgectl journal store-1 --follow" in said
