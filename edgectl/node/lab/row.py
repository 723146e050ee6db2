"""A row of the contract: one behaviour of k3s that edgectl relies on, with its source, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One behaviour of k3s. `source` is a file of k3s (with a tag where it matters) or a page of its documentation.

    `judge` says of the script's output what differs, "" where it holds.
    """

    id: str
    behaviour: str
    source: str
    script: str
    judge: Callable[[str], str]
