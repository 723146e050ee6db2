"""A neighbour of the lead: there, missed, or against it."""

from __future__ import annotations

import json
from typing import Any

from edgectl.node.converge.protocol import Status
from edgectl.node.k3s.joined import STANDS, judge
from edgectl.wire.payload import Host, K3s, Node, part_of

AGENT = Node("node-2", "agent", "10.77.0.12", Host(1), K3s("v1", "sha256:0", "k3s-agent.service", (), ()))


def found(ready: str = "True", version: str = "v1", **stands: Any) -> dict[str, Any]:
    """Return a Node object, and what its engine says on it."""
    return {
        "metadata": {"annotations": {STANDS: json.dumps(stands)}},
        "status": {"nodeInfo": {"kubeletVersion": version}, "conditions": [{"type": "Ready", "status": ready}]},
    }


def test_it_is_there_when_it_has_become_its_part() -> None:
    """Ready alone is not enough: its own engine must have ended well with this very part."""
    want = part_of(AGENT)
    seen = judge(found(part=want, word="ready"), AGENT)
    assert (seen.status, seen.absent) == (Status.CURRENT, "")
    seen = judge(found(part=want, word="degraded", reason="1 of 2 GPUs"), AGENT)
    assert (seen.status, seen.absent) == (Status.CURRENT, "node-2: 1 of 2 GPUs")


def test_what_is_not_there_is_missed_by_name() -> None:
    """No object, not Ready, silent, another version, another part, nothing said: missed, never failed, never fine."""
    want = part_of(AGENT)
    cases = [
        None,
        found(ready="False", part=want),
        found(version="v0", part=want),
        found(part="sha256:other"),
        found(part="", word="not ready", reason="k3s: it ends at its start"),
        {"metadata": {}, "status": found()["status"]},
        {"metadata": {"annotations": {STANDS: "no json"}}, "status": found()["status"]},
        {"metadata": {"annotations": {STANDS: "[1]"}}, "status": found()["status"]},
    ]
    for case in cases:
        seen = judge(case, AGENT)
        assert (seen.status, "node-2" in seen.absent) == (Status.IN_PROGRESS, True), case


def test_no_time_is_lost_on_one_that_is_silent() -> None:
    """The control plane has given up on it: missed by name at once, whatever it said while it was there."""
    seen = judge(found(ready="Unknown", part=part_of(AGENT), rejected=part_of(AGENT)), AGENT)
    assert (seen.status, seen.absent) == (Status.CURRENT, "node-2 is not there")


def test_what_it_has_turned_down_fails() -> None:
    """Only this very part: an earlier one that it turned down says nothing about this one."""
    seen = judge(found(rejected=part_of(AGENT), why="host: 900 GB needed"), AGENT)
    assert (seen.status, "900 GB" in seen.reason) == (Status.FAILED, True)
    assert judge(found(rejected="sha256:other", part=part_of(AGENT)), AGENT).status is Status.CURRENT
