"""Every malformed inventory of tests/cases/inventory, and all that is wrong in it."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from edgectl.control.inventory.load import load
from edgectl.wire.errors import Exit, InvalidInput
from tests.inventory_cases import Case, cases
from tests.unit.control.findings import findings

CASES = cases()
LONGEST_SECONDS = 2.0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_all_errors_come_at_once_each_with_its_place(case: Case, tmp_path: Path) -> None:
    """Law: one error (exit 3) lists every finding in the order of the file, none that is not wrong, and no secret.

    It takes two seconds of processor time at most. Seeded faults: at least one in each file.
    """
    inventory = tmp_path / "inventory.yaml"
    inventory.write_bytes(case.data)
    began = time.process_time()
    with pytest.raises(InvalidInput) as caught:
        load(inventory).store("store-042")
    assert time.process_time() - began < LONGEST_SECONDS
    error = caught.value
    assert error.exit is Exit.INVALID
    found = [line.removeprefix(f"{inventory}:") for line in findings(error)]
    assert (found or [error.message.removeprefix(f"{inventory} ")]) == case.expected
    if found:
        count = "1 error" if len(found) == 1 else f"{len(found)} errors"
        assert error.message == f"{count} in {inventory}, nothing was sent"
    assert "hunter2" not in "\n".join([error.message, error.hint, *error.details])


def test_no_two_cases_are_for_the_same_thing() -> None:
    """Law: each file is for a pair (rule, construct) of its own, and there are a hundred and more of them."""
    pairs = Counter((case.rule, case.construct) for case in CASES)
    assert [pair for pair, count in pairs.items() if count > 1] == []
    assert len(CASES) >= 250
    assert len({case.rule for case in CASES}) >= 30
