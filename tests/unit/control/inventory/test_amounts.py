"""Sizes and rates as people write them."""

from __future__ import annotations

import re

import pytest

from edgectl.control.inventory.amounts import RATE_PATTERN, SIZE_PATTERN, rate_bytes, size_bytes


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500kbit", 62_500),
        ("2mbit", 250_000),
        ("64kbit", 8_000),
        ("250kB", 250_000),
        ("1.5 Mbit/s", 187_500),
        ("1MB/s", 1_000_000),
        ("8000bit", 1_000),
        ("1Gbit", 125_000_000),
    ],
)
def test_rates(text: str, expected: float) -> None:
    """Bits or bytes a second, in thousands. The schema's pattern agrees."""
    assert rate_bytes(text) == expected
    assert re.match(RATE_PATTERN, text)


@pytest.mark.parametrize("text", ["", "500", "fast", "-2mbit", "2mb", "500kb", "10Mbps", "2 mib", "1e9bit", "NaNbit"])
def test_no_rates(text: str) -> None:
    """A sentence says what a rate looks like; what may mean bits or bytes is asked for."""
    with pytest.raises(ValueError, match="a rate is needed, in bits") as raised:
        rate_bytes(text)
    assert ("if bits are meant" in str(raised.value)) == (text in {"2mb", "500kb", "10Mbps"})
    assert not re.match(RATE_PATTERN, text)


@pytest.mark.parametrize("text", ["0kbit", "7kbit", "0.9kB"])
def test_rates_have_a_least(text: str) -> None:
    """Below it a dead link could not be told from the limit."""
    with pytest.raises(ValueError, match="at least"):
        rate_bytes(text)
