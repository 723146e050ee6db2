"""Going back: which of a store's earlier sequences, and the offer that names its content again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgectl.control.deploy.offer import Offer
from edgectl.wire.envelope import Sender
from edgectl.wire.errors import NotReady, Refused

Row = dict[str, Any]  # of the node's history


def target(rows: Sequence[Row], to: int = 0) -> Row:
    """Return the row to go back to: the one that is asked for, else the newest other content that ran before.

    Raises NotReady when there is none, Refused when the node no longer holds it.
    """
    found = _asked(rows, to) if to else _before(rows)
    if not found.get("here"):
        raise Refused(
            f"the content of sequence {found['sequence']} is no longer on the node",
            hint=f"deploy the commit that it came from ({str(found.get('commit', ''))[:7] or 'not known'})",
        )
    return found


def offer_of(row: Row, sender: Sender, *, upon: str | None = None) -> Offer:
    """Return the offer that names a row's content again; `upon` is what must still run there."""
    return Offer(
        store=row["store"],
        node=row["node"],
        payload=row["payload"],
        runtime=row["runtime"],
        blobs={},
        sources={},
        sender=sender,
        upon=upon,
        commit=str(row.get("commit", "")),
        summary=f"back to sequence {row['sequence']}",
    )


def runs(rows: Sequence[Row]) -> str:
    """Return the payload that runs by these rows; "" where nothing does."""
    return next((str(row["payload"]) for row in rows if row.get("state") == "current"), "")


def _asked(rows: Sequence[Row], to: int) -> Row:
    for row in rows:
        if row["sequence"] == to:
            return row
    have = ", ".join(str(row["sequence"]) for row in rows) or "none"
    raise NotReady(f"the node keeps no sequence {to} (it has {have})", hint="edgectl history STORE shows them")


def _before(rows: Sequence[Row]) -> Row:
    current = next((row for row in rows if row.get("state") == "current"), None)
    if current is not None:
        runs = {current["payload"]}
        for row in rows:
            well = row.get("promoted") and not row.get("rejected")  # of one that was rejected, the base alone ran
            if row["sequence"] < current["sequence"] and well and row["payload"] not in runs:
                return row
    raise NotReady("nothing else has run on this node before", hint="edgectl history STORE shows what it was given")
