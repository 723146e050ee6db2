"""What a store takes away of the limits of the layers below it, lint says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from edgectl.control.inventory.load import load
from edgectl.control.payload.render import bundle_of, render
from edgectl.control.policy.lint import lint
from tests.unit.control.payload.test_render import INVENTORY, home, template

__all__ = ["home"]
BELOW = """  policy:
    registries: [docker.io, edgectl.local]
    k3s: ">=1.30"
    rules:
      mine: {over: payload, check: "true", message: wrong}
"""


@pytest.mark.parametrize(
    ("said", "off"),
    [
        ("policy: {residency: [example]}", []),
        ("policy: {registries: [docker.io, edgectl.local]}", []),
        ("policy: {registries: []}", ["policy.registries"]),
        ("policy: {rules: {images-pinned: null}}", ["images-pinned"]),
        ('policy: !replace {k3s: ">=1.30"}', ["policy.registries", "policy.rules.mine"]),
        ("policy: null", ["policy.k3s", "policy.registries", "policy.rules.mine"]),
    ],
)
def test_limits_that_are_taken_away_are_named(home: Path, said: str, off: list[str]) -> None:
    """Law: no layer takes a limit away in silence. Seeded fault: only rules that are null are named."""
    text = INVENTORY.replace("stores:\n", BELOW + "stores:\n") + f"    {said}\n"
    (home / "inventory.yaml").write_text(text)
    opened = load(home / "inventory.yaml")
    found = lint(
        opened, ["store-042"], lambda store: render(store, bundle_of(store), template=template), date(2026, 1, 1)
    )
    assert sorted(found.off) == off
