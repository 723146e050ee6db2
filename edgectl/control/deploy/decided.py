"""What a greeting says of an offer: how it has ended behind a lost link, and whether all is as it was. Pure."""

from __future__ import annotations

from typing import Any

from edgectl.control.deploy.offer import Offer
from edgectl.wire.document import to_json
from edgectl.wire.envelope import Sender
from edgectl.wire.errors import EdgectlError, Locked, Unreachable

Decision = dict[str, Any]  # about a node's newest slot: when, by which run, and why if it was turned down


def decision(hello: dict[str, Any]) -> Decision:
    """Return what was decided about the newest slot; nothing where nothing was."""
    newest = hello.get("newest") or {}
    return newest.get("rejected") or newest.get("promoted") or {}


def decided(hello: dict[str, Any], offer: Offer, sender: Sender, before: Decision | None) -> str:
    """Return the run that has decided about this very offer since the greeting that it was made upon.

    "" where it is to be offered again. Raises Locked where it was turned down without a run.
    """
    newest, found = hello.get("newest") or {}, decision(hello)
    is_ours = (newest.get("payload"), newest.get("sender")) == (offer.payload, to_json(sender))
    if before is None or not is_ours or found == before:
        return ""
    if not found.get("run") and newest.get("rejected"):
        raise Locked(
            f"{offer.node} has turned sequence {newest.get('sequence')} down before it ran: {found.get('reason', '')}",
            hint="run the same command again to try it all the same",
        )
    return str(found.get("run", ""))


def unmoved(hello: dict[str, Any], offer: Offer) -> None:
    """Raise Locked where the node runs neither what the offer was chosen upon, nor the offer itself."""
    current = hello.get("current") or {}
    runs = str(current.get("payload", ""))
    if offer.upon is not None and runs not in {offer.upon, offer.payload}:
        raise Locked(
            f"{offer.store} has changed since you looked: it runs sequence {current.get('sequence')} now",
            hint="look at `edgectl history`, then run the same command again",
        )


def left_alone(store: str, lost: Unreachable) -> EdgectlError:
    """Say with a lost link how to come back."""
    lost.hint = (
        f"the node goes on by itself; see it later with `edgectl journal {store} --follow`, "
        "or run the same command again to re-attach"
    )
    return lost
