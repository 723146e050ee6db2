"""What survey.sh has read, as data: one program for all subjects, so that a look costs one start of a shell.

Owns: the form of its lines, and that a subject which did not come to its end is known as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.node.io.look import Look
from edgectl.wire.survey import Declared

SCRIPT = Path(__file__).with_name("survey.sh")
LIMIT_SECONDS = 40.0  # each program of it has a shorter one


@dataclass(frozen=True)
class Facts:
    """Values by key, in the order in which they came; and which subjects were read to their end."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    done: frozenset[str] = frozenset()

    def all(self, key: str) -> tuple[str, ...]:
        """Return all values of a key."""
        return self.values.get(key, ())

    def one(self, key: str) -> str:
        """Return the value of a key; "" where there is none."""
        return next(iter(self.all(key)), "")

    def number(self, key: str) -> int | None:
        """Return a value that is a number."""
        text = self.one(key)
        return int(text) if text.isdecimal() else None


def parse(text: str) -> Facts:
    """Read the lines of survey.sh; what does not fit is left out."""
    values: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and key.strip():
            values[key] = (*values.get(key, ()), value.strip())
    return Facts(values, frozenset(values.pop("done", ())))


def read(look: Look, declared: Declared) -> Facts:
    """Run it. What was said before its time was up counts."""
    lead = declared.lead if declared.role == "agent" and declared.lead else "-"
    return parse(look.run("sh", str(SCRIPT), lead, *declared.names, limit_seconds=LIMIT_SECONDS).out)
