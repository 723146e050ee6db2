"""docs/contract.md: the rows, with what the stand-in and an official k3s made of each.

Owns the page's text and reading the results back from it, so that one column can be renewed alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.contract.rows import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"
NOT_RUN = "not run"

_HEAD = """# What edgectl relies on in k3s

Written by `nox -s contract -- --write-page` from `edgectl/node/lab`; a test holds page and rows together. The
sandbox runs the official k3s where its release can be downloaded, and otherwise a stand-in: upstream Kubernetes,
containerd and kine behind k3s's command line and file layout. Each row is a behaviour of k3s with its source, tried
on a bare node of the sandbox. `nox -s contract -- --k3s PATH` tries another binary; what it says of itself chooses
the column.
"""
_FOOT = """
What the stand-in does not have: flannel (a plain bridge and host routes instead), servicelb, traefik,
metrics-server, local-path, helm-controller, embedded etcd and its snapshots, `crictl`, `.cache.json`, registry
rewrites. Its agents join over a port of their own (9345). Its components are child processes; in k3s they are one
process.
"""


@dataclass(frozen=True, slots=True)
class Results:
    """Row id -> result, for each column."""

    standin: dict[str, str] = field(default_factory=dict)
    official: dict[str, str] = field(default_factory=dict)

    def replaced(self, column: str, found: dict[str, str]) -> Results:
        """Return the same with one column's rows renewed."""
        own = {**getattr(self, column), **found}
        return Results(own, self.official) if column == "standin" else Results(self.standin, own)


def render(results: Results) -> str:
    """Return the page."""
    lines = [_HEAD, "| row | behaviour | source | stand-in | official |", "|---|---|---|---|---|"]
    for row in ROWS:
        cells = [
            f"`{row.id}`",
            row.behaviour,
            row.source,
            results.standin.get(row.id, NOT_RUN),
            results.official.get(row.id, NOT_RUN),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    excused = [f"* `{row.id}` cannot be tried: {row.why_not}." for row in ROWS if row.check is None]
    return "\n".join([*lines, "", *excused, _FOOT])


def told(page: str) -> Results:
    """Read the results back from the page."""
    found = Results()
    for line in page.splitlines():
        match = re.fullmatch(r"\| `([a-z0-9-]+)` \|.*\| ([^|]+) \| ([^|]+) \|", line)
        if match:
            row, standin, official = match.groups()
            found.standin[row] = standin
            found.official[row] = official
    return found
