"""The contract: what edgectl relies on in k3s is so."""

from __future__ import annotations

import pytest

from tests.contract.bench import Bench
from tests.contract.row import Row
from tests.contract.rows import ROWS


@pytest.mark.e2e
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_row(row: Row, bench: Bench, results: dict[str, str]) -> None:
    """Each behaviour that edgectl relies on is k3s's behaviour."""
    if row.check is None:
        pytest.skip(row.why_not)
    results[row.id] = "**differs**"
    row.check(bench)
    results[row.id] = "holds"
