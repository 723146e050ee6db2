"""Rates are written as people write them."""

from __future__ import annotations

import pytest

from edgectl.cli.sandbox.link import rate_bits
from edgectl.wire.errors import UsageError


@pytest.mark.parametrize(
    ("text", "bits"),
    [("2M", 2_000_000), ("500k", 500_000), ("1.5m", 1_500_000), ("1G", 10**9), ("0", 0), ("9600", 9600)],
)
def test_a_rate_is_bits_a_second(text: str, bits: int) -> None:
    assert rate_bits(text) == bits


@pytest.mark.parametrize("text", ["fast", "M", "-1", "2 MB", "1,5M", ""])
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="is no rate"):
        rate_bits(text)
