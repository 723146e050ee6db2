"""A row of the contract: one behaviour of k3s that edgectl relies on, with its source and its check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.contract.bench import Bench

Check = Callable[[Bench], None]


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
