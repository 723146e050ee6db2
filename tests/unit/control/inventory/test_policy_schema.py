"""What stands under `policy` in an inventory."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from edgectl.control.inventory.policy_schema import Policy


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ({"rule": {}}, "Extra inputs"),
        ({"rules": {"a": {"over": "nodes"}}}, "'payload', 'objects' or 'deploy'"),
        ({"rules": {"a": {"exceptions": [{"stores": "*", "until": "2027-01-31"}]}}}, "Field required"),
        ({"rules": {"a": {"exceptions": [{"stores": "*", "why": "x"}]}}}, "Field required"),
        ({"rules": {"a": {"exceptions": [{"stores": "*", "why": "", "until": "2027-01-31"}]}}}, "at least 1 character"),
        ({"rules": {"a": {"exceptions": [{"stores": "*", "why": "x", "until": "soon"}]}}}, "a day is needed"),
        ({"k3s": "1.34 or so"}, "a range of versions is needed"),
        ({"deploy": [{"open": ["at night"]}]}, "hours are needed"),
        ({"registries": ["https://registry.example"]}, "String should match"),
    ],
)
def test_what_does_not_fit_is_refused(said: dict[str, Any], part: str) -> None:
    """Law: an exception needs its end and its reason; ranges, hours and names are read at once. Seeded faults: nine."""
    with pytest.raises(ValidationError, match=part):
        Policy.model_validate(said)


def test_nothing_is_needed() -> None:
    """Law: an inventory without a policy has the built-in rules, and `null` is said of a rule alone."""
    assert Policy.model_validate({"rules": {"images-pinned": None}}).rules == {"images-pinned": None}
    assert Policy() == Policy.model_validate({})
