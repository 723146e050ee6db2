"""What a node says of an offer: whether all is as it was, and how it has ended, behind a lost link too. Pure."""

from __future__ import annotations

from typing import Any

from edgectl.control.deploy.offer import Offer
from edgectl.wire import event
from edgectl.wire.document import to_json
from edgectl.wire.envelope import Sender
from edgectl.wire.errors import EdgectlError, Exit, Locked, Unreachable
from edgectl.wire.verdict import INTERRUPTED

Hello = dict[str, Any]  # a node's greeting


def runs(hello: Hello | None) -> str:
    """Return the digest of the payload that a node says it runs; "" for none."""
    return _payload(hello, "current")


def comes(hello: Hello | None, offer: Offer) -> bool:
    """Tell whether the node is at it already, or has it before itself: whoever offers it again is to meet that run."""
    return _payload(hello, "candidate") == offer.payload


def _payload(hello: Hello | None, slot: str) -> str:
    return str(((hello or {}).get(slot) or {}).get("payload", ""))


def _decision(hello: Hello) -> dict[str, Any]:
    """Return what was decided about the newest slot, when and by which run; nothing where nothing was."""
    newest = hello.get("newest") or {}
    return newest.get("rejected") or newest.get("promoted") or {}


def decided(hello: Hello, offer: Offer, sender: Sender, before: Hello | None) -> str:
    """Return the run that has decided about this very offer since the greeting that it was made upon.

    "" where it is to be offered again. Raises Locked where it was turned down without a run.
    """
    newest, found = hello.get("newest") or {}, _decision(hello)
    is_ours = (newest.get("payload"), newest.get("sender")) == (offer.payload, to_json(sender))
    if before is None or not is_ours or found == _decision(before):
        return ""
    if not found.get("run") and newest.get("rejected"):
        raise Locked(
            f"{offer.node} has turned sequence {newest.get('sequence')} down before it ran: {found.get('reason', '')}",
            hint="run the same command again to try it all the same",
        )
    return str(found.get("run", ""))


def unmoved(hello: Hello, offer: Offer) -> None:
    """Raise Locked where the node runs neither what the offer was chosen upon, nor the offer itself."""
    if offer.upon is not None and runs(hello) not in {offer.upon, offer.payload}:
        current = hello.get("current") or {}
        raise Locked(
            f"{offer.store} has changed since you looked: it runs sequence {current.get('sequence')} now",
            hint="look at `edgectl history`, then run the same command again",
        )


def counted(item: dict[str, Any], offer: Offer) -> dict[str, Any]:
    """Return an event as it counts for this offer: a verdict about something else is no success of it.

    So a run ends whose candidate was taken back between its acceptance and its beginning.
    """
    data = item.get("data", {})
    is_fine = item.get("kind") == event.VERDICT and data.get("exit") in {Exit.OK, Exit.DEGRADED}
    if not is_fine or data.get("payload", offer.payload) == offer.payload:
        return item
    reason = f"{offer.node} has not tried what was offered: that was taken back before its run began"
    data = {**data, "word": INTERRUPTED, "exit": int(Exit.INTERRUPTED)}
    return {**item, "word": INTERRUPTED, "reason": reason, "data": data}


def left_alone(store: str, lost: Unreachable) -> EdgectlError:
    """Say with a lost link how to come back."""
    lost.hint = (
        f"the node goes on by itself; see it later with `edgectl journal {store} --follow`, "
        "or run the same command again to re-attach"
    )
    return lost
