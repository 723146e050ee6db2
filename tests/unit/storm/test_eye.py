"""A look's output is read right, whatever part of it is missing."""

from __future__ import annotations

import json

from tests.storm.eye import parse

NODE = {
    "kind": "Node",
    "status": {"nodeInfo": {"bootID": "b1"}, "allocatable": {"nvidia.com/gpu": "2"}},
}
POD = {
    "metadata": {"namespace": "vision", "name": "inference-1"},
    "status": {"phase": "Running", "containerStatuses": [{"name": "inference", "ready": True, "containerID": "c1"}]},
}
DEAD = {"metadata": {"namespace": "vision", "name": "old"}, "status": {"phase": "Failed", "reason": "NodeShutdown"}}


def look(**changed: str) -> str:
    parts = {
        "boot": "b1\n",
        "marker": "1000.500000000\n",
        "proofs": "",
        "starts": "5 entrypoint inference-1 GPU-a\n6 entryp",
        "registered": "1970-01-01T00:16:42.250000001Z stdout F 1970/01/01 registered nvidia.com/gpu\n",
        "node": json.dumps(NODE) + "\n",
        "pods": json.dumps({"kind": "PodList", "items": [POD, DEAD]}) + "\n",
        "end": "\n",
    }
    return "".join(f"----storm:{name}\n{text}" for name, text in {**parts, **changed}.items())


def test_a_whole_look() -> None:
    seen, logs = parse(look(), offset=1000.0, at=7.0)
    assert (seen.at, seen.boot, seen.allocatable(), seen.serving()) == (7.0, "b1", 2, "c1")
    assert round(seen.registered, 6) == 2.25
    assert seen.dead(("vision",)) == {"vision/old": "NodeShutdown"}
    assert seen.dead(("other",)) == {}
    assert [line.what for line in logs.starts] == [("inference-1", "GPU-a")]


def test_the_markers_time_stands_in_for_a_log_that_is_not_kept() -> None:
    _, logs = parse(look(), offset=1000.0, at=7.0)
    assert [(line.at, line.word) for line in logs.proofs] == [(500_000_000, "proven")]
    _, logs = parse(look(proofs="9 proven GPU-a\n10 withdrawn GPU-a\n11 else x\n"), offset=1000.0, at=7.0)
    assert [(line.at, line.word) for line in logs.proofs] == [(9, "proven"), (10, "withdrawn")]
    _, logs = parse(look(marker=""), offset=1000.0, at=7.0)
    assert logs.proofs == ()


def test_a_status_of_another_boot_serves_nothing() -> None:
    """The API remembers pods as ready that died with the last boot."""
    seen, _ = parse(look(boot="b2\n"), offset=0, at=0)
    assert (seen.serving(), seen.allocatable()) == ("", -1)


def test_an_api_that_does_not_answer_is_a_look_too() -> None:
    seen, _ = parse(look(node="\n", pods='{"kind": "Status"}\n'), offset=0, at=0)
    assert (seen.boot, seen.current, seen.serving(), seen.pods) == ("b1", False, "", ())


def test_a_look_that_was_cut_short_has_seen_nothing() -> None:
    """Half a list of pods would have no dead in it."""
    seen, logs = parse(look().partition("----storm:pods")[0], offset=0, at=0)
    assert (seen.boot, logs.starts) == ("", ())
