"""`edgectl-node` for a person at the rack, where no command of its own group tells it."""

from __future__ import annotations

from argparse import Namespace

import pytest

from edgectl.node import pause
from edgectl.node.main import main
from edgectl.node.rack import status
from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode, recipe


def test_without_a_word_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: exit 2, and what a technician needs first; a list of all, each with what it is for."""
    assert main([]) == 2
    said = capsys.readouterr().err
    assert "Why is it not well? edgectl-node doctor" in said
    for word in ("status", "pause", "resume", "load"):
        assert f"    {word} " in said


@pytest.mark.usefixtures("inventory")
def test_status_says_that_the_node_is_paused(
    node: StoreNode, edgectl: Edgectl, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: whoever finds it ready learns that it will not put itself right, by whom, and how that is ended."""
    assert edgectl("deploy", "store-042").code == 0
    node.join()
    monkeypatch.setattr(status, "recipe", recipe)
    capsys.readouterr()
    assert status.run(node.places, Namespace()) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "store-042 is READY."
    pause.begin(node.places, who="ada@node-1", why="new fan", seconds=3600)
    assert status.run(node.places, Namespace()) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("  paused by ada@node-1 until ")
    assert last.endswith(": new fan; nothing heals by itself meanwhile: edgectl-node resume")
