"""The history that the simulated store and a real node go through alike: tests/cases/histories.yaml.

Owns: the steps, and their comparison. Must not know either store.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

STEPS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "cases/histories.yaml").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Ended:
    """How one step has ended, in words that both stores share."""

    exit: int
    changed: tuple[str, ...]
    runs: str
    returned: str = ""


class Either(Protocol):
    """A store that can be pressed, harmed, and left alone."""

    def deploy(self, name: str) -> Ended:
        """Deploy a payload by its name."""

    def rollback(self) -> Ended:
        """Go back to what ran before."""

    def heal(self) -> Ended:
        """Let the timer's run come."""

    def harm(self, what: str) -> None:
        """Change `app` or `base` by hand."""


def go_through(store: Either) -> None:
    """Take every step; each must end as declared."""
    for number, step in enumerate(STEPS, start=1):
        verb, _, name = step["do"].partition(" ")
        if verb == "harm":
            store.harm(name)
        ended = store.deploy(name) if verb == "deploy" else store.rollback() if verb == "rollback" else store.heal()
        want = Ended(step["exit"], tuple(step["changed"]), step["runs"], step.get("returned", ""))
        assert ended == want, f"step {number}: {step['do']}"


def name_of(names: dict[str, str], base: str, apps: str) -> str:
    """Return what runs, as the history says it; `names` are those of payloads by digest."""
    return names[base] if base == apps else f"{names[base]}/{names[apps]}"
