"""Tunnel, events and logs: command lines that cannot be meant are told apart before anybody is dialled."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Edgectl
from tests.cli.node import StoreNode


@pytest.fixture(autouse=True)
def _nobody_is_dialled(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inventory.exists()
    monkeypatch.setattr("edgectl.control.link.bootstrap.open_session", lambda *_, **__: pytest.fail("it was dialled"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("tunnel", "store-042", "--for", "soon"), "--for soon is no length of time"),
        (("tunnel", "store-042", "--for", "2d"), "--for 2d is no length of time"),
        (("tunnel", "store-042", "--port", "99999"), "--port"),
        (("tunnel", "store-042", "-o", "json", "--", "true"), "what the command prints is its own"),
        (("tunnel", "store-042", "--", "edgectl-no-such-program"), "edgectl-no-such-program is not found"),
        (("events", "store-042", "--since", "yesterday"), "--since yesterday is no length of time"),
        (("events", "store-042", "--follow", "-o", "json"), "has no end"),
        (("events", "store-042", "--tail", "0"), "--tail"),
        (("logs", "store-042", "camera", "--follow", "-o", "json"), "has no end"),
        (("logs", "store-042", "camera", "--follow", "--previous"), "writes nothing more"),
        (("logs", "store-042", "camera", "--tail", "-1"), "--tail"),
        (("logs", "store-042", "--follow"), "of which pod?"),
    ],
)
def test_a_command_line_that_cannot_be_meant(words: tuple[str, ...], sentence: str, edgectl: Edgectl) -> None:
    """Exit 2, and what would be right."""
    said = edgectl(*words)
    assert (said.code, sentence in said.err) == (2, True), said


def test_a_port_that_is_taken(edgectl: Edgectl) -> None:
    """Exit 3, and how to see who has it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = edgectl("tunnel", "store-042", "--port", str(port))
    assert said.code == 3
    assert f"port {port} of this machine cannot be taken" in said.err
    assert "ss -ltnp" in said.err


def test_somebody_elses_kubeconfig(tmp_path: Path, edgectl: Edgectl) -> None:
    """It is left alone."""
    mine = tmp_path / "config"
    mine.write_text("apiVersion: v1\n")
    said = edgectl("tunnel", "store-042", "--kubeconfig", str(mine))
    assert (said.code, mine.read_text()) == (3, "apiVersion: v1\n")


def test_an_unknown_store(edgectl: Edgectl) -> None:
    """As everywhere."""
    for command in ("tunnel", "events", "logs"):
        said = edgectl(command, "store-43")
        assert (said.code, "store-042" in said.err) == (3, True), said


def test_a_node_without_kubernetes_says_so(node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 5, with the command that brings it up; nothing is left in the state folder."""
    monkeypatch.setattr("edgectl.control.link.bootstrap.open_session", node.connect)
    for words in (("tunnel", "store-042"), ("events", "store-042"), ("logs", "store-042", "camera")):
        said = edgectl(*words)
        assert (said.code, "edgectl deploy store-042" in said.err) == (5, True), said


@pytest.mark.parametrize("command", ["tunnel", "events", "logs", "status", "ssh"])
def test_names_complete_without_anything_heavy(command: str, inventory: Path) -> None:
    """What a person waits for at each Tab reads names, and loads neither pydantic nor YAML nor SSH."""
    line = f"edgectl {command} store-0"
    env = {
        **os.environ,
        "EDGECTL_INVENTORY": str(inventory),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "_EDGECTL_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": "2",
    }
    code = "import sys; from edgectl.cli.main import run; run([]); print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, env=env
    )
    assert ended.stdout.split() == ["store-042"]
    assert not {"pydantic", "yaml", "paramiko", "kubernetes", "numpy", "jinja2"} & set(ended.stderr.split())
