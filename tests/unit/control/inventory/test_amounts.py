"""Sizes as people write them."""

from __future__ import annotations

import re

import pytest

from edgectl.control.inventory.amounts import SIZE_PATTERN, size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [("8GiB", 8 << 30), ("1.5G", 3 << 29), ("512 MiB", 512 << 20), ("8GB", 8 * 10**9), ("10B", 10), ("2kB", 2000)],
)
def test_sizes(text: str, expected: int) -> None:
    """With `i`, or without B, powers of 1024; else of 1000. The schema's pattern agrees."""
    assert size_bytes(text) == expected
    assert re.match(SIZE_PATTERN, text)


@pytest.mark.parametrize("text", ["", "GiB", "8 gigs", "-1GiB", "8GiBs", "1,5G"])
def test_no_sizes(text: str) -> None:
    """A sentence says what a size looks like."""
    with pytest.raises(ValueError, match="a size is needed"):
        size_bytes(text)
    assert not re.match(SIZE_PATTERN, text)
