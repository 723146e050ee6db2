"""Every file in tests/cases/inventory: an inventory, and below it (`#> line:column  sentence`) all that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.inventory.load import load
from edgectl.wire.errors import Exit, InvalidInput
from tests.unit.control.findings import findings

CASES = Path(__file__).parents[3] / "cases" / "inventory"


@pytest.mark.parametrize("case", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_all_errors_come_at_once_each_with_its_place(case: Path, tmp_path: Path) -> None:
    """One error lists every finding, in the order of the file, and nothing that is not wrong."""
    text, marks, below = case.read_text().partition("#> ")
    expected = (marks + below).replace("#> ", "").splitlines()
    inventory = tmp_path / case.name
    inventory.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load(inventory).store("store-042")
    assert [line.removeprefix(f"{inventory}:") for line in findings(caught.value)] == expected
    assert caught.value.exit is Exit.INVALID
    count = "1 error" if len(expected) == 1 else f"{len(expected)} errors"
    assert caught.value.message == f"{count} in {inventory}, nothing was sent"
