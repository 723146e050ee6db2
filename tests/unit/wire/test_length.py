"""Lengths of time as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.wire.length import LONGEST_SECONDS, seconds


@pytest.mark.parametrize(
    ("text", "length"), [("30m", 1800), ("2h", 7200), ("1d", 86400), ("1.5h", 5400), ("30d", 2592000)]
)
def test_minutes_hours_days(text: str, length: float) -> None:
    """A number and one letter."""
    assert seconds(text) == length


@pytest.mark.parametrize(
    "text", ["", "h", "2", "2 h", "-2h", "0m", "0.0h", "31d", "999999d", "2w", "nanh", "1e3h", "2h30m", "२h"]
)
def test_anything_else_says_how_to_write_it(text: str) -> None:
    """Also zero, and more than a month: a pause that nobody would remember."""
    with pytest.raises(ValueError, match="write 30m, 2h or 1d; 30d at most"):
        seconds(text)


@given(st.text(max_size=8))
def test_any_text_is_a_length_or_a_sentence(text: str) -> None:
    """There is no third end."""
    try:
        assert 0 < seconds(text) <= LONGEST_SECONDS
    except ValueError:
        return
