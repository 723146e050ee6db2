"""The published pipelines on a real store: each line as its file has it, at the events at which it would run.

What stands in for the forge is a small server that keeps comments; curl and jq are the real ones, `gh` is a program of
the test's. A runner's checkout is a clone of a real repository; what the runner keeps between jobs is its state folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Shop
from tests.e2e.forge import GH, Forge
from tests.e2e.operator import ROOT, Change
from tests.e2e.test_second_deploy import greeting
from tests.pipelines import CHANGE, MERGED, NUMBER, Job, Step, github, gitlab

pytestmark = [pytest.mark.e2e, pytest.mark.long]
_SECONDS = 240.0
_MARK = "<!-- edgectl plan -->\n"
_THEIRS = {
    "GITHUB_REPOSITORY": "acme/stores",
    "CI_PROJECT_ID": "1",
    "CI_MERGE_REQUEST_IID": str(NUMBER),
    "EDGECTL_BOT_TOKEN": "token",
}


@dataclass
class Ran:
    """A job that has ended: what each step said, and the folder that it worked in."""

    codes: list[int]
    said: str
    place: Path

    def has(self, *texts: str) -> None:
        """Require that it said each of these."""
        for text in texts:
            assert text in self.said, f"it did not say {text!r}\n{self.said}"

    def cases(self, name: str) -> dict[str, ET.Element]:
        """Return the cases of a JUnit file by name."""
        return {str(case.get("name")): case for case in ET.parse(self.place / name).iter("testcase")}  # noqa: S314 - ours


class Runner:
    """A CI server with one runner, a repository with one inventory, and one merge request."""

    def __init__(self, folder: Path, shop: Shop, kind: str, forge: Forge) -> None:
        self.kind = kind
        self.jobs = {"github": github, "gitlab": gitlab}[kind]()
        self._folder, self._shop = folder, shop
        self._repository = folder / "repository"
        self._count = 0
        bin_ = folder / "bin"
        bin_.mkdir()
        for name, text in (("edgectl", f'#!/bin/sh\nexec {sys.executable} -m edgectl "$@"\n'), ("gh", GH)):
            (bin_ / name).write_text(text)
            (bin_ / name).chmod(0o755)
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("GITHUB_", "GITLAB_", "CI"))}
        self._env = {
            **kept,
            **_THEIRS,
            "PATH": f"{bin_}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(folder / "state"),  # which stays, as docs/ci.md asks
            "FORGE": forge.address,
            "CI_API_V4_URL": forge.address,
            "CI": "true",
            **(
                {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "anna"}
                if kind == "github"
                else {"GITLAB_USER_LOGIN": "anna"}
            ),
        }
        (self._repository / "stores").mkdir(parents=True)
        self._git("init", "-q", "-b", "main")
        self.commit()

    def commit(self, change: Change | None = None) -> None:
        """Commit the store's inventory, changed."""
        doc = yaml.safe_load(self._shop.operator.inventory.read_text())
        if change is not None:
            change(doc)
        (self._repository / "stores/inventory.yaml").write_text(yaml.safe_dump(doc, sort_keys=False))
        self._git("add", "-A")
        self._git("-c", "user.name=Anna", "-c", "user.email=anna@example.com", "commit", "-q", "-m", "stores")

    def event(self, what: str, *, pressed: bool = False, cancel: Callable[[], bool] | None = None) -> dict[str, Ran]:
        """Run the jobs of an event one after another; those with a gate only if somebody pressed."""
        ran: dict[str, Ran] = {}
        for job in self.jobs:
            if what in job.when and (pressed or not job.gate):
                ran[job.name] = self._job(job, cancel if job.gate else None)
        return ran

    def _job(self, job: Job, cancel: Callable[[], bool] | None) -> Ran:
        self._count += 1
        ran = Ran([], "", self._folder / f"job-{self._count}")
        self._git("clone", "-q", str(self._repository), str(ran.place))
        for step in job.steps:
            if any(ran.codes) and not step.anyway:
                continue
            code = self._step(step, ran, None if ran.codes else cancel)
            ran.codes.append(code)
        return ran

    def _step(self, step: Step, ran: Ran, cancel: Callable[[], bool] | None) -> int:
        env = {**self._env, **step.env, "SELECTOR": self._shop.operator.store}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.script]
        with (self._folder / "said").open("w+") as said:
            child = subprocess.Popen(
                command, cwd=ran.place, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,  # noqa: PLW1509 - no lock
            )  # fmt: skip
            if cancel is not None:
                deadline = time.monotonic() + _SECONDS
                while not cancel():
                    assert child.poll() is None, f"it ended before it was cancelled:\n{Path(said.name).read_text()}"
                    assert time.monotonic() < deadline, "it has not come to where it is to be cancelled"
                    time.sleep(0.05)
                os.killpg(child.pid, signal.SIGINT if self.kind == "github" else signal.SIGTERM)
            try:
                code = child.wait(_SECONDS)
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait(10)
            said.seek(0)
            ran.said += f"$ {step.script}\n{said.read()}(exit {code})\n"
        return code

    def _git(self, *words: str) -> None:
        self._folder.mkdir(exist_ok=True)
        where = self._repository if self._repository.is_dir() else self._folder
        subprocess.run(["git", "-C", str(where), *words], check=True, timeout=60)


@pytest.fixture
def forge() -> Iterator[Forge]:
    """Yield a forge."""
    found = Forge()
    yield found
    found.close()


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_published_pipeline_from_a_merge_request_to_a_cancelled_job(
    settled: Shop, forge: Forge, tmp_path: Path, kind: str
) -> None:
    """Law: one comment, renewed; nothing before the gate is opened; JUnit; the same commit changes nothing.

    A cancelled job ends with 130, the node finishes alone, and the next job says so.
    """
    assert shutil.which("jq") and shutil.which("curl"), "the pipelines' own lines need jq and curl: apt install jq curl"  # noqa: PT018
    runner = Runner(tmp_path, settled, kind, forge)
    before = _sequence(settled)

    # A merge request: it is checked and commented on, twice; nobody has pressed anything.
    runner.commit(greeting(f"hello {kind}"))
    for _ in range(2):
        ran = runner.event(CHANGE)
        assert {name: set(one.codes) for name, one in ran.items()} == {"check": {0}, "plan": {0}}, ran
        assert len(forge.comments) == 2, "one comment, beside a person's own"
    assert forge.comments[0] == "a person's own words"
    comment = forge.comments[1]
    assert comment.startswith(_MARK)
    for text in (settled.operator.store, "vision-stack", "inference"):
        assert text in comment, comment
    assert ran["plan"].cases("plan.xml")
    assert set(runner.event(MERGED)) == {"check"}, "no press, no deploy"
    assert _sequence(settled) == before

    # It is merged, and let go.
    ran = runner.event(MERGED, pressed=True)
    deploy = ran["deploy"]
    assert deploy.codes == [0, 0, 0], deploy.said
    deploy.has("is READY", "audit")
    cases = deploy.cases("deploy.xml")
    assert len(cases) > 25
    assert not [
        name for name, case in cases.items() if case.find("failure") is not None or case.find("error") is not None
    ]
    for job in runner.jobs:
        for kept in job.kept if job.name == "deploy" else ():
            assert (deploy.place / kept).exists(), kept
    assert _sequence(settled) == before + 1
    settled.operator.run("history").has("anna@")

    # The same commit again: nothing to do.
    again = runner.event(MERGED, pressed=True)["deploy"]
    again.has("Nothing to change")
    assert (again.codes, _sequence(settled)) == ([0, 0, 0], before + 1)

    # Another one, and its job is cancelled in the middle.
    runner.commit(greeting(f"goodbye {kind}"))
    runs = set(settled.node.runs())

    def in_the_middle() -> bool:
        new = [run for run in settled.node.runs() if run not in runs]
        return any(
            item.get("word") == "changing" and item.get("title") == "vision-stack"
            for run in new
            for item in settled.node.events(run)
        )

    cancelled = runner.event(MERGED, pressed=True, cancel=in_the_middle)["deploy"]
    assert cancelled.codes[0] == 130, cancelled.said
    assert cancelled.codes[-1] == 0, f"what is done in any case is done, and well\n{cancelled.said}"
    cancelled.has("goes on by itself")
    if kind == "gitlab":  # the next job comes when it is over; of GitHub it comes at once, and re-attaches
        settled.node.wait("the node has finished alone", lambda: _verdict(settled, runs) == "ready")
    after = runner.event(MERGED, pressed=True)["deploy"]
    assert after.codes == [0, 0, 0], after.said
    after.has("is READY")
    if kind == "gitlab":
        after.has("Nothing to change")
    assert len([run for run in settled.node.runs() if run not in runs and "deploy" in run]) <= 2
    assert _sequence(settled) == before + 2
    assert _greets(settled) == f"goodbye {kind}"


def _sequence(shop: Shop) -> int:
    return int(shop.operator.run("status", "-o", "json").document["current"]["sequence"])


def _verdict(shop: Shop, but: set[str]) -> str:
    new = [run for run in shop.node.runs() if run not in but]
    return next((item["word"] for run in new for item in shop.node.events(run) if item["kind"] == "verdict"), "")


def _greets(shop: Shop) -> str:
    (container,) = [one for one in shop.node.inference()["spec"]["template"]["spec"]["containers"] if one.get("env")]
    return next(str(one["value"]) for one in container["env"] if one["name"] == "GREETING")
