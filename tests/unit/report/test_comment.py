"""A merge request's comment: one row a store, details to unfold, always the same marker, never too long."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.report.comment import MARKER, MOST, comment
from edgectl.wire.errors import Unreachable


def planned(**more: Any) -> dict[str, Any]:
    """Return a plan's document."""
    steps = [
        {"step": "k3s-files", "title": "k3s files", "word": "drifted", "reason": "differ", "at": 1.0,
         "differences": [["/etc/x", "old | `new`", "280 bytes"]]},
        {"step": "reboot", "title": "machine restart", "word": "drifted", "reason": "a new kernel", "at": 1.0},
    ]  # fmt: skip
    pauses = [{"workload": "vision-stack/Deployment/inference", "seconds": 12.0, "measured": 1, "why": "its image"}]
    return {"pending": True, "exit": 10, "missing_bytes": 31_000_000, "steps": steps, "pauses": pauses, **more}


def test_what_a_merge_would_do() -> None:
    """Law: changes, bytes, restarts and pauses stand in the row; details below; nothing of it ends its cell."""
    text = comment([("store-042", planned()), ("b", {"exit": 0, "steps": []}), ("c", Unreachable("no | answer"))])
    assert text.startswith(MARKER + "\n")
    assert "**1 store of 3 would change**; 1 could not be looked at" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows[0] == (
        "| `store-042` | 1 step | 31.0 MB | k3s, machine: a new kernel "
        "| vision-stack/Deployment/inference about 12.0 s |"
    )
    assert rows[1] == "| `b` | none | 0 | none | none |"
    assert rows[2] == "| `c` | not looked at: no \\| answer |  |  |  |"
    assert "<details><summary>store-042</summary>\n\n```text\nchange  k3s files: differ\n" in text
    assert "<summary>b</summary>" not in text


def test_nothing_ends_its_block() -> None:
    """Law: whatever a node says stays in its block of code: no fence, no tag, no line of its own."""
    steps = [{"step": "gpu", "title": "gpu", "word": "failed", "reason": "```\n</details>@all", "at": 1.0}]
    text = comment([("a", {"exit": 5, "steps": steps})])
    assert "\n````text\n" in text
    assert "failed  gpu: ```?</details>@all" in text


@pytest.mark.parametrize("stores", [1, 50, 300, 2000])
def test_it_is_never_too_long(stores: int) -> None:
    """Law: details go first, then rows, and both are said; GitHub refuses a longer one."""
    long = planned(steps=[{**planned()["steps"][0], "reason": "x" * 900, "step": f"s{n}"} for n in range(20)])
    pairs = [(f"store-{number:04d}", long) for number in range(stores)]
    text = comment(pairs)
    assert len(text) <= MOST
    assert text.startswith(MARKER)
    if stores >= 50:
        assert "do not fit into a comment" in text
    if stores == 2000:
        assert "more stores: the list is too long" in text
    assert text.count("<details>") == text.count("</details>")


def test_certificates_that_are_renewed_restart_k3s() -> None:
    """Law: whoever merges sees the restart. Seeded: k3s's own steps alone."""
    step = {"step": "certificates", "title": "certificates", "word": "drifted", "reason": "end", "at": 1.0}
    assert "| k3s |" in comment([("store-042", {"steps": [step], "pending": True})])
