"""What rules only warn of, or an exception excuses, is one line wherever a payload is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode

RULES = """policy:
      rules:
        one: {over: payload, severity: warning, check: "false", message: wrong}
        two: {over: payload, severity: warning, check: "false", message: wrong}
        three: {over: payload, check: "false", message: wrong, exceptions: [{stores: "*", until: "2999-01-01", why: x}]}
    title:"""
LINE = "  rules     2 warnings, 1 excused by an exception: edgectl lint store-042\n"


@pytest.mark.parametrize("command", ["render", "plan", "deploy"])
def test_warnings_and_what_is_excused_are_one_line(
    inventory: Path, node: StoreNode, edgectl: Edgectl, command: str
) -> None:
    """Law: a warning is not only seen by who asks for it. Seeded fault: what was said is dropped."""
    assert node is not None
    assert LINE not in edgectl(command, "store-042").err
    inventory.write_text(inventory.read_text().replace("title:", RULES))
    said = edgectl(command, "store-042", "-o", "json")
    assert said.code == 0
    assert said.document["exit"] == 0
    assert said.err.count(LINE) == 1
    assert edgectl(command, "store-042").err.count(LINE) == 1


def test_many_stores_are_counted_together(inventory: Path, edgectl: Edgectl) -> None:
    inventory.write_text(inventory.read_text().replace("title:", RULES))
    line = LINE.replace("lint store-042", "lint 'store-0*'")
    assert edgectl("render", "store-0*").err == line
