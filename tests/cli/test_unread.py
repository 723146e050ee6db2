"""A reader of stdout who has gone: a command comes to what it would have come to, and says so everywhere else."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from edgectl.cli import logs
from edgectl.cli.main import run
from edgectl.control.audit import own
from edgectl.control.inside.logs import Line
from edgectl.wire.audit import NEWEST
from tests.cli.node import StoreNode
from tests.stack.collector import Collector

ROOT = Path(__file__).resolve().parents[2]


class _Unread(io.StringIO):
    """A stream whose reader has gone; `writes` counts what was tried."""

    writes = 0

    def write(self, text: str, /) -> int:
        self.writes += bool(text)
        raise BrokenPipeError(32, "Broken pipe")


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Return a real collector that the environment names."""
    with Collector() as opened:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", opened.url)
        yield opened


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("status store-042", 4),
        ("status --all", 4),
        ("preflight store-*", 4),
        ("plan --all --exit-code", 4),
        ("plan store-43", 3),
        ("doctor store-042", 4),
        ("bundle components bundle", 0),
        ("inventory schema", 0),
    ],
)
def test_a_command_keeps_its_exit_code(
    words: str, code: int, output: str, node: StoreNode, inventory: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Law: the code is the one with a reader, and nothing is called a bug. Seeded: `tell` lets it through."""
    monkeypatch.chdir(inventory.parent)
    node.silent = frozenset({"10.77.0.11"})
    file = inventory.parent / "j.xml"
    junit = ["--junit", str(file)] if words.startswith(("status", "preflight", "plan")) else []
    with redirect_stdout(_Unread()) as stream:
        assert run([*words.split(), *junit, "-o", output]) == code
    assert stream.writes or output == "text"  # an error is words on stderr then
    assert "BrokenPipe" not in capsys.readouterr().err
    assert not junit or ("BrokenPipe" not in file.read_text() and 'errors="1"' in file.read_text())


@pytest.mark.parametrize("gone", ["stdout", "stderr", "both"])
def test_the_pipe_itself_and_the_end_of_the_program(gone: str, inventory: Path) -> None:
    """Law: so also with real pipes, and the interpreter's last flush says nothing.

    Seeded: `main` leaves stdout as it is; stderr's broken pipe goes up through whatever says something on the way.
    """
    inventory.write_text(inventory.read_text().replace("address: 10.77.0.11", "address: 127.0.0.1, ssh: {port: 1}"))
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    reader, writer = os.pipe()
    os.close(reader)
    argv = [sys.executable, "-m", "edgectl", "status", "--all"]
    out, err = (subprocess.PIPE if gone == other else writer for other in ("stderr", "stdout"))
    ended = subprocess.run(argv, env=env, stdout=out, stderr=err, text=True, timeout=60, check=False)
    os.close(writer)
    assert ended.returncode == 4, ended
    assert gone != "stderr" or ended.stdout.startswith("UNREACHABLE 1\n")
    assert gone != "stdout" or "  unreachable " in ended.stderr
    assert "Exception ignored" not in str(ended.stderr)
    assert "BrokenPipe" not in str(ended.stderr)


@pytest.mark.parametrize("which", ["store-042", "store-0*"])
@pytest.mark.usefixtures("node")
def test_what_a_deploy_came_to_is_written_everywhere_else(which: str, inventory: Path, collector: Collector) -> None:
    """Law: READY is exit 0 in the audit here, no failed trace, and no case is wrong. Seeded: `tell` lets it through."""
    file = inventory.parent / "j.xml"
    with redirect_stdout(_Unread()):
        assert run(["deploy", which, "--junit", str(file)]) == 0
    (kept,) = own.root().glob(f"*/{NEWEST}")
    ends = [line for line in map(json.loads, kept.read_text().splitlines()) if line.get("phase") == own.ENDED]
    assert [line["outcome"] for line in ends] == [{"exit": 0, "word": "ready"}]
    assert all(one.status.code != Status.STATUS_CODE_ERROR for one in collector.by_name().values())
    assert (which == "store-042") == ("deploy store-042" in collector.by_name())
    whole = ET.parse(file).getroot()  # noqa: S314 - our own
    assert (whole.get("failures"), whole.get("errors")) == ("0", "0")
    assert int(whole.get("tests", "0")) > 1


def test_what_is_followed_ends_when_nobody_reads_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Law: one line is tried, then `logs --follow` ends, with 0, whoever is silent. Seeded: each waits for its own."""
    lines = iter([Line("vision/a", "a", "", "1"), Line("vision/a", "a", "", "2")])
    hold, waited = threading.Event(), list[bool]()

    def follow(_: object, pod: SimpleNamespace, *__: object) -> Iterator[Line]:
        if pod.place == "vision/a":
            yield from lines
        else:
            waited.append(hold.wait(5))

    monkeypatch.setattr("edgectl.control.inside.logs.follow", follow)
    pods = [(cast("Any", SimpleNamespace(place=f"vision/{name}")), name) for name in "ab"]
    with redirect_stdout(_Unread()) as stream:
        code = logs._follow(cast("Any", None), pods, cast("Any", None))
    assert (code, stream.writes, len(list(lines)), waited) == (0, 1, 1, [])
    hold.set()
    assert capsys.readouterr().err == ""


def test_another_pipe_that_breaks_is_no_end_of_ours(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Law: that of a program of ours, or a node's, is a bug where nobody has named it, and never exit 0.

    Seeded: any broken pipe is a reader who has gone.
    """

    def breaks(*_: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("edgectl.cli.store.find", breaks)
    assert run(["history", "store-042"]) == 1
    assert "edgectl has a bug: BrokenPipeError" in capfd.readouterr().err
