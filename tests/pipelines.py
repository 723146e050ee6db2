"""The pipelines of templates/ci, read as their servers read them: which jobs there are, when they run, each line.

Owns the reading. What only a server can do is named here; whatever else is not a line to run is a failure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

TEMPLATES = Path(__file__).parents[1] / "templates/ci"
NUMBER = 7  # of the pull request, the merge request
CHANGE, MERGED = "change", "merged"  # a merge request; what is on the main branch
_ACTIONS = {"actions/checkout@v4", "actions/upload-artifact@v4"}
_GITHUB = {
    None: {CHANGE, MERGED},
    "github.event_name == 'pull_request'": {CHANGE},
    "github.event_name == 'push'": {MERGED},
}
_GITLAB = {
    None: {CHANGE, MERGED},
    '$CI_PIPELINE_SOURCE == "merge_request_event"': {CHANGE},
    "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH": {MERGED},
}


@dataclass
class Step:
    """One thing that a job does. `anyway`: also after a step that failed, or a job that was cancelled."""

    job: str
    script: str
    env: dict[str, str] = field(default_factory=dict)
    anyway: bool = False


@dataclass
class Job:
    """One job. `when`: at which events it runs; `gate`: whether a person lets it go; `kept`: the files it leaves."""

    name: str
    steps: list[Step]
    when: set[str]
    gate: bool
    kept: list[str]


def github() -> list[Job]:
    """Return the jobs of the workflow."""
    doc = yaml.safe_load((TEMPLATES / "github.yml").read_text())
    return [
        Job(
            name,
            [_action(name, doc["env"], step) for step in job["steps"] if not _is_the_servers(step)],
            _GITHUB[job.get("if")],
            job.get("environment") == "stores",
            [
                path
                for step in job["steps"]
                if step.get("uses", "").startswith("actions/upload-artifact")
                for path in step["with"]["path"].split()
            ],
        )
        for name, job in doc["jobs"].items()
    ]


def gitlab() -> list[Job]:
    """Return the jobs of the pipeline."""
    doc = yaml.safe_load((TEMPLATES / "gitlab.yml").read_text())
    jobs = {name: job for name, job in doc.items() if isinstance(job, dict) and "script" in job}
    assert set(doc) - set(jobs) == {"stages", "variables", "default"}
    assert {job["stage"] for job in jobs.values()} == set(doc["stages"])
    found = []
    for name in sorted(jobs, key=lambda name: doc["stages"].index(jobs[name]["stage"])):
        job = jobs[name]
        steps = [
            Step(name, line, doc["variables"], part == "after_script")
            for part in ("script", "after_script")
            for line in job.get(part, ())
        ]
        (rule,) = job.get("rules", [{}])
        kept = job.get("artifacts", {})
        files = [*kept.get("paths", ()), *kept.get("reports", {}).values()]
        found.append(Job(name, steps, _GITLAB[rule.get("if")], rule.get("when") == "manual", files))
    return found


def _is_the_servers(step: dict[str, Any]) -> bool:
    assert step.get("uses") in {None, *_ACTIONS}, step
    return "uses" in step


def _action(job: str, common: dict[str, str], step: dict[str, Any]) -> Step:
    script = re.sub(r"\$\{\{ github.event.number \}\}", str(NUMBER), step["run"])
    env = {key: re.sub(r"\$\{\{ github.token \}\}", "token", text) for key, text in step.get("env", {}).items()}
    assert "${{" not in script + "".join(env.values()), step
    return Step(job, script, {**common, **env}, step.get("if") == "always()")
