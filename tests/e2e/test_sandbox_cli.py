"""`edgectl sandbox` does on the command line what its help says, through the real entry point."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from edgectl.sandbox.machine.sandbox import Sandbox

pytestmark = pytest.mark.e2e
STORE, COPY = "e2e-cli", "e2e-cli-copy"


def _edgectl(*words: str, code: int = 0) -> str:
    program = "from edgectl.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def _json(*words: str) -> Any:
    return json.loads(_edgectl(*words, "-o", "json"))


@pytest.fixture(scope="module", autouse=True)
def _store() -> Iterator[None]:
    _edgectl("sandbox", "up", STORE, "--nodes-only", "--gpus", "3", "--required", "2")
    yield
    box = Sandbox(say=print)
    for store in box.stores():
        if store.name in {STORE, COPY}:
            box.down(store.name)


def _listed(name: str) -> dict[str, Any]:
    (found,) = (store for store in _json("sandbox", "list")["stores"] if store["store"] == name)
    return dict(found)


def test_list_shows_what_is_there() -> None:
    """Power, ports and GPUs of every node, for people and for programs."""
    node = _listed(STORE)["nodes"][0]
    assert (node["power"], node["gpus"], node["gpus_required"]) == ("on", 3, 2)
    assert STORE in _edgectl("sandbox", "list")


def test_link_is_set_shown_and_restored() -> None:
    assert _json("sandbox", "link", STORE, "--rtt", "150", "--rate", "2M")["conditions"] == {
        "rtt_ms": 150.0,
        "rate_bits": 2_000_000,
        "fault": "none",
    }
    assert _json("sandbox", "link", STORE, "--black-hole")["conditions"]["fault"] == "hole"
    assert "150 ms, 2 Mbit/s, a black hole" in _edgectl("sandbox", "list")
    assert _json("sandbox", "link", STORE, "--heal")["conditions"]["rtt_ms"] == 150.0
    assert "perfect" in _edgectl("sandbox", "link", STORE, "--restore")


def test_power_is_cut_and_comes_back() -> None:
    _edgectl("sandbox", "cut-power", STORE)
    assert _listed(STORE)["nodes"][0]["power"] == "off"
    _edgectl("sandbox", "power-on", STORE)
    assert _listed(STORE)["nodes"][0]["power"] == "on"
    _edgectl("sandbox", "reboot", STORE)
    assert _edgectl("sandbox", "shell", STORE, "--", "hostname") == "node-1\n"


def test_a_clone_is_listed_and_goes_down_alone() -> None:
    document = _json("sandbox", "clone", STORE, COPY)
    assert document["nodes"][0]["host_key"] == _listed(STORE)["nodes"][0]["host_key"]
    _edgectl("sandbox", "down", COPY)
    assert COPY not in _edgectl("sandbox", "list")
    assert _listed(STORE)["nodes"][0]["power"] == "on"


def test_mistakes_are_answered_with_what_to_do() -> None:
    """An unknown store is exit 3, a contradiction exit 2; both name the next step."""
    assert "edgectl sandbox up nowhere" in _edgectl("sandbox", "reboot", "nowhere", code=3)
    assert "at most --gpus" in _edgectl("sandbox", "up", "x", "--gpus", "1", "--required", "2", code=2)
    assert "Write 2M" in _edgectl("sandbox", "link", STORE, "--rate", "fast", code=2)
    assert "sandbox list" in _edgectl("sandbox", "down", code=2)
