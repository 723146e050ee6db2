"""The pipelines in templates/ci: every line of every job runs, as the file has it, against a node; none is passed over.

`edgectl` in the script is a program of the test's: it hands its words to the real command line in this process. What
talks to the forge (gh, curl) is written down. A job that is cancelled in the middle is ended by a CI server's signal.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgectl.cli import main
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import StoreNode
from tests.pipelines import CHANGE, MERGED, Job, Step, github, gitlab

_SHIM = r"""#!/usr/bin/env python3
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect(os.environ["EDGECTL_TEST_SOCKET"])
    link.sendall(json.dumps({"words": sys.argv[1:], "cwd": os.getcwd()}).encode() + b"\n")
    code, out, err = json.loads(link.makefile().readline())
sys.stdout.write(out); sys.stderr.write(err); sys.exit(code)
"""
_FORGE = '#!/bin/sh\necho "${0##*/} $*" >> "$EDGECTL_TEST_FORGE"\n'


def lines(jobs: list[Job]) -> list[Step]:
    """Return every line of every job."""
    return [step for job in jobs for step in job.steps]


class Runner:
    """Runs a job's lines with bash, as a CI server does."""

    def __init__(self, folder: Path, inventory: Path, edgectl: Edgectl) -> None:
        self.folder = folder / "checkout"
        self.folder.mkdir()
        self.forge = folder / "forge"
        self._inventory = inventory
        bin_ = folder / "bin"
        bin_.mkdir()
        for name, text in (("edgectl", _SHIM), ("gh", _FORGE), ("curl", _FORGE), ("jq", "#!/bin/sh\ncat >/dev/null\n")):
            (bin_ / name).write_text(text)
            (bin_ / name).chmod(0o755)
        self.words: list[list[str]] = []
        runner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                asked = json.loads(self.rfile.readline())
                runner.words.append(asked["words"])
                before = Path.cwd()
                os.chdir(asked["cwd"])
                try:
                    said = edgectl(*asked["words"])
                finally:
                    os.chdir(before)
                self.wfile.write(json.dumps([said.code, said.out, said.err]).encode() + b"\n")

        self._server = socketserver.UnixStreamServer(str(folder / "s"), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self._env = {
            "PATH": f"{bin_}:{os.environ['PATH']}",
            "EDGECTL_TEST_SOCKET": str(folder / "s"),
            "EDGECTL_TEST_FORGE": str(self.forge),
            "GITHUB_REPOSITORY": "acme/stores",
            **dict.fromkeys(("CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID", "EDGECTL_BOT_TOKEN"), "1"),
        }

    def run(self, step: Step) -> subprocess.CompletedProcess[str]:
        """Run one step, as GitHub does: stop at the first line that fails."""
        env = {**self._env, **step.env, "EDGECTL_INVENTORY": str(self._inventory)}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.script]
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False, timeout=60
        )

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def runner(tmp_path: Path, inventory: Path, edgectl: Edgectl) -> Iterator[Runner]:
    """Return a runner."""
    found = Runner(tmp_path, inventory, edgectl)
    yield found
    found.close()


@pytest.mark.parametrize("steps", [lines(github()), lines(gitlab())], ids=["github", "gitlab"])
def test_every_line_of_a_pipeline_runs(steps: list[Step], runner: Runner, node: StoreNode) -> None:
    """Law: check, plan with its comment, deploy, collect, audit: each line as it stands in the file, and well."""
    for step in steps:
        ran = runner.run(step)
        assert ran.returncode == 0, (step, ran)
        node.join()
    assert {step.job for step in steps} == {"check", "plan", "deploy"}
    assert [words[0] for words in runner.words] == ["inventory", "lint", "plan", "deploy", "collect", "audit"]
    assert (runner.folder / "plan.md").read_text().startswith("<!-- edgectl plan -->\n")
    assert "testsuite" in (runner.folder / "plan.xml").read_text()
    assert "<testcase" in (runner.folder / "deploy.xml").read_text()
    posted = runner.forge.read_text()
    assert "plan.md" in posted
    assert (runner.folder / "collected/store-042/node-1/audit.jsonl").is_file()


def test_a_job_fails_where_its_store_does(runner: Runner, inventory: Path, node: StoreNode) -> None:
    """Law: a store that is not ready turns the job red, with the gate in its JUnit."""
    declare(inventory, "bad")
    deploy = next(step for step in lines(github()) if step.job == "deploy")
    ran = runner.run(deploy)
    node.join()
    assert ran.returncode == 5, ran
    assert 'message="the model does not load"' in (runner.folder / "deploy.xml").read_text()


def test_a_wrong_inventory_is_annotated(
    inventory: Path, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Law: at file and line, in a job of GitHub's alone; stdout stays one document; JUnit is written all the same."""
    inventory.write_text(inventory.read_text().replace("title: Berlin", "titel: Berlin"))
    assert "::error" not in edgectl("plan", "store-042").err
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    said = edgectl("deploy", "store-042", "-o", "json", "--junit", str(tmp_path / "j.xml"))
    assert said.document["exit"] == said.code == 3
    assert re.search(r"^::error file=.*inventory\.yaml,line=8,col=\d+::", said.err, re.MULTILINE), said.err
    assert "<error " in (tmp_path / "j.xml").read_text()


def test_a_cancelled_job_stops_watching(inventory: Path, node: StoreNode, edgectl: Edgectl, tmp_path: Path) -> None:
    """Law: SIGTERM is exit 130 and a sentence; the node finishes; the next job re-attaches, or says that it is done.

    The audit has both: what ended here, and what the node has come to.
    """
    declare(inventory, "slow")
    began = signal.signal(signal.SIGTERM, main._cancelled)

    def cancel() -> None:
        node.until(lambda: any(frame["op"] == "event" for frame in list(node.heard)))
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        server = threading.Thread(target=cancel)
        server.start()
        said = edgectl("deploy", "store-042", "--junit", str(tmp_path / "j.xml"))
        server.join()
    finally:
        signal.signal(signal.SIGTERM, began)
    assert said.code == 130, said
    assert "stopped watching; node-1 goes on by itself" in said.err
    assert "<error " in (tmp_path / "j.xml").read_text()

    def load() -> None:
        node.until(lambda: sum(frame["op"] == "accepted" for frame in list(node.heard)) > 1)
        node.file("etc/motd").write_text("good")

    loader = threading.Thread(target=load)
    loader.start()
    again = edgectl("deploy", "store-042", "-o", "json")
    loader.join()
    node.join()
    assert again.code == 0, again
    assert again.document["sequence"] == 1
    assert node.runs == 1, "it was the same run"
    edgectl("collect")
    shown = edgectl("audit", "show", "store-042").out
    assert "exit 130" in shown or "Interrupted" in shown
    assert edgectl("audit", "verify", "store-042").code == 0


@pytest.mark.parametrize("jobs", [github(), gitlab()], ids=["github", "gitlab"])
def test_who_lets_what_go(jobs: list[Job]) -> None:
    """Law: a change is checked and planned, never deployed; what is merged waits for a person."""
    assert {job.name: (job.when, job.gate) for job in jobs} == {
        "check": ({CHANGE, MERGED}, False),
        "plan": ({CHANGE}, False),
        "deploy": ({MERGED}, True),
    }
