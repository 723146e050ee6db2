"""How a deploy ended: what, why, evidence, what runs now, what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.control.deploy.outcome import Outcome
from edgectl.node.recipe import recipe
from edgectl.report.advice import _BY_EXIT, _OTHERWISE, for_step
from edgectl.report.sentence import deployed
from edgectl.wire.errors import EdgectlError
from edgectl.wire.payload import Gpu, Helm, Host, Inference, K3s, Node, Payload, Release


def outcome(*, changed: tuple[str, ...] = (), before: int = 6, **verdict: Any) -> Outcome:
    """Return a deploy's end."""
    return Outcome(
        run="8f3a",
        sequence=7,
        before=before,
        verdict={"sequence": 7, "serving": 7, **verdict},
        looked=25,
        changed=changed,
        blob_bytes=31_000_000,
        link_bytes=9_100,
        seconds=1.6,
    )


def test_nothing_to_change() -> None:
    """One line, with what it cost."""
    text = deployed("store-042", outcome(word="ready"))
    assert text == "store-042 is READY. Nothing to change (25 looked at, 9.1 KB, 1.6 s)."


def test_changes() -> None:
    """One line, with the sequence before."""
    text = deployed("store-042", outcome(word="ready", changed=("a", "b")))
    assert text == "store-042 is READY. 2 changes, 31.0 MB, 1.6 s. Sequence 7, was 6."


def test_degraded_names_what_is_missing() -> None:
    """It serves, and says what it lacks."""
    text = deployed("store-042", outcome(word="degraded", reason="1 of 2 GPUs"))
    assert text.startswith("store-042 is DEGRADED. 1 of 2 GPUs.")


def test_back_on_the_old_version() -> None:
    """The store still sells: that is the headline; then why, evidence, and what runs now."""
    lines = deployed(
        "store-042",
        outcome(
            word="not ready",
            reason="vision pods: inference crash-loops",
            serving=6,
            gate="workload-vision-stack",
            evidence=["out of memory"],
            returned={"word": "ready", "reason": ""},
        ),
    ).splitlines()
    assert lines[0] == "store-042 is READY on the old version (sequence 6). Sequence 7 was rejected."
    assert lines[1] == "  why       vision pods: inference crash-loops"
    assert lines[2].strip() == "out of memory"
    assert lines[3] == "  runs now  sequence 6, as before this deploy"
    assert lines[4] == "  evidence  edgectl journal store-042 --run 8f3a"
    assert lines[5].startswith("  next      ")


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ({"word": "not ready", "serving": 0}, "this is the first deploy"),
        ({"word": "not ready", "serving": 6, "returned": {"word": "not ready", "reason": "dead GPU"}}, "dead GPU"),
        ({"word": "unknown", "serving": 6}, "sequence 6"),
        ({}, "sequence 7 itself"),
    ],
)
def test_what_runs_now_is_always_said(verdict: dict[str, Any], says: str) -> None:
    """Whatever went wrong, and with a verdict of any shape."""
    text = deployed("store-042", outcome(**verdict))
    runs_now = next(line for line in text.splitlines() if line.startswith("  runs now  "))
    assert says in runs_now
    assert text.splitlines()[-1].startswith("  next      ")


def test_every_step_has_its_advice() -> None:
    """Nobody is left with "read the evidence" for a step of the recipe."""
    blob = "sha256:" + "0" * 64
    k3s = K3s("v1", blob, "k3s.service", (), ())
    node = Node("n", "server", "a", Host(1), k3s, Helm("v4", blob), Gpu("nvidia.com/gpu", 1, 1))
    release = Release("vision-stack", "vision", blob, {}, blob, (), ("gpu",))
    payload = Payload("s", "t", (node,), (release,), {}, Inference("vision", "i", 1, "m", {}, (1.0,)))
    for step in recipe(payload, node):
        assert for_step("store-042", step.id) != _OTHERWISE.format(store="store-042")


def test_every_exit_code_of_an_error_has_its_advice() -> None:
    """Also for an error without a hint of its own."""
    assert {kind.exit for kind in EdgectlError.__subclasses__()} <= set(_BY_EXIT)
