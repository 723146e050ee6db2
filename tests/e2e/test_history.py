"""What a store was given and what became of it: automatic return, history, rollback, cancel, on a real node."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import Shop

pytestmark = pytest.mark.e2e

NOTE = "/etc/edgectl-e2e.conf"


def _vision(doc: dict[str, Any]) -> dict[str, Any]:
    release: dict[str, Any] = doc["defaults"]["releases"]["vision-stack"]
    return release


def _note(doc: dict[str, Any], text: str = "new base") -> None:
    """Change the base: a file on the host."""
    doc["defaults"].setdefault("host", {})["files"] = [{"path": NOTE, "text": text}]


def _current(shop: Shop) -> int:
    """Return the sequence that runs."""
    rows = shop.operator.run("history", "-o", "json").document["slots"]
    return next(int(row["sequence"]) for row in rows if row["state"] == "current")


def test_a_bad_app_does_not_roll_its_base_back(settled: Shop) -> None:
    """Host file and app change together; the app never gets ready: the old app runs on the new base."""
    before = _current(settled)

    def change(doc: dict[str, Any]) -> None:
        _note(doc)
        _vision(doc)["timeout_seconds"] = 15
        _vision(doc)["values"]["inference"]["env"] = {"PYTHONHOME": "/nowhere"}

    said = settled.operator.with_(change=change).run("deploy", code=5)
    said.has("is READY on the old version", "the base stays", f"the apps of sequence {before}, as before this deploy")
    assert settled.node.answers() == ""
    assert settled.node.sh(f"cat {NOTE}") == "new base"
    told = settled.operator.run("history")
    told.has("rejected", "because vision-stack pods", f"its base runs, under the apps of sequence {before}")
    settled.operator.run("status").has("is READY", f"with the apps of sequence {before}")
    heal = settled.node.heal()
    assert (heal["word"], heal["changed"]) == ("ready", [])
    assert settled.operator.deploy()["changed"] == ["host-files"], "the inventory never had that file"
    assert settled.node.sh(f"cat {NOTE} 2>/dev/null || echo gone") == "gone"


def test_rollback_takes_away_what_the_update_added(settled: Shop) -> None:
    """A rollback is a new sequence with the old content; nothing is sent, nothing restarts that need not."""

    def change(doc: dict[str, Any]) -> None:
        _note(doc, "an update")

    first = settled.operator.with_(change=change).deploy()
    assert settled.node.sh(f"cat {NOTE}") == "an update"
    steady = settled.node.steady()
    said = settled.operator.run("rollback", "-o", "json").document
    assert (said["sequence"], said["blob_bytes"]) == (first["sequence"] + 1, 0)
    assert said["changed"] == ["host-files"]
    assert settled.node.sh(f"cat {NOTE} 2>/dev/null || echo gone") == "gone"
    assert settled.node.steady() == steady
    settled.operator.run("history").has("back to sequence")


def test_cancel_puts_back_what_ran(settled: Shop) -> None:
    """In the middle of a rollout that never ends; the one who pressed learns who has cancelled, and runs what ran."""
    before = _current(settled)

    def change(doc: dict[str, Any]) -> None:
        _vision(doc)["values"]["inference"]["env"] = {"PYTHONHOME": "/nowhere"}

    pressing = settled.operator.with_(change=change).start("deploy")
    pressing.until("vision-stack pods", seconds=120)
    said = settled.operator.with_(user="grace").run("cancel")
    said.has(f"is READY on sequence {before}", "is cancelled")
    ended = pressing.finish(seconds=30)
    assert ended.code == 130
    ended.has("cancelled by grace@")
    assert settled.node.answers() == ""
    settled.operator.run("cancel").has("nothing is being deployed")


def test_adopt_finds_the_value_behind_a_hand_edit(settled: Shop) -> None:
    """A limit set by hand is proposed as a value; what no value gives is said; nothing is changed by asking."""
    settled.operator.run("pause", "--for", "10m", "--why", "a person tries something")
    try:
        name = ("deployment/inference", "-n", "vision")
        settled.node.kubectl("set", "resources", *name, "--containers=inference", "--limits=cpu=1")
        settled.node.kubectl("label", *name, "app.kubernetes.io/name=other", "--overwrite")
        found = settled.operator.run("adopt", "-o", "json").document
        (patch,) = found["patch"]["stores"].values()
        assert patch["releases"]["vision-stack"]["values"] == {"inference": {"resources": {"limits": {"cpu": "1"}}}}
        assert [item["have"] for item in found["left"]] == ["other"]
    finally:
        settled.operator.run("resume")
    assert settled.operator.deploy()["changed"] == ["release-vision-stack"]
    assert settled.node.answers() == ""
