"""A row of the contract: one behaviour of k3s that edgectl relies on, with its source and its check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgectl.node.lab.row import Row as Relied
from tests.contract.bench import Bench

Check = Callable[[Bench], None]
_SETTLES_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Row:
    """`source` is a file of k3s (with a tag where it matters) or a page of its documentation.

    A row without a check cannot be tried in a sandbox; `why_not` says why.
    """

    id: str
    behaviour: str
    source: str
    check: Check | None
    why_not: str = ""


def held(row: Relied) -> Check:
    """Return the check of a row that a running store is asked, too: the same script, the same judgement."""

    def check(bench: Bench) -> None:
        def wrong() -> str:
            said = bench.server.sh(row.script, check=False)
            return row.judge(said.out)

        bench.server.wait(f"{row.id}: {wrong()}", lambda: not wrong(), limit_seconds=_SETTLES_SECONDS)

    return check
