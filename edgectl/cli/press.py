"""The press of the button: one offer to a store, watched to its verdict. Shared by `deploy` and `rollback`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING

from edgectl.cli.interrupted import Interrupted
from edgectl.cli.options import Format
from edgectl.wire.errors import Exit, Locked, NotReady, Refused

if TYPE_CHECKING:
    from edgectl.cli.door import Door
    from edgectl.control.deploy.caps import Caps
    from edgectl.control.deploy.deploy import Deploy
    from edgectl.control.deploy.offer import Offer
    from edgectl.control.deploy.together import Together

Followers = Mapping[str, "tuple[Offer, Door]"]


def press(
    offer: Offer,
    door: Door,
    followers: Followers = MappingProxyType({}),
    *,
    head: str,
    output: Format,
    verbose: bool,
    caps: Caps | None = None,
) -> int:
    """Deploy, and say how it ended; returns the exit code."""
    from edgectl.cli.result import show
    from edgectl.control.deploy.line import Line
    from edgectl.control.deploy.together import Together
    from edgectl.report.sentence import deployed
    from edgectl.report.terminal import Terminal

    terminal = Terminal(head=head, verbose=verbose, all_bytes=sum(offer.blobs.values()))
    others = {name: (given, at.open) for name, (given, at) in followers.items()}
    whole = Together(offer, door.open, terminal, others, Line(caps))
    try:
        terminal.connecting(offer.node)
        outcome = whole.run()
    except KeyboardInterrupt as error:
        raise _stopped_watching(whole, offer) from error
    except (Locked, Refused, NotReady) as error:
        if whole.lead.outcome.sessions and not whole.lead.outcome.run:
            error.details = (*error.details, f"runs now: {_runs(whole.lead)}; this deploy has changed nothing")
        raise
    finally:
        terminal.close()
    code = int(outcome.verdict.get("exit", Exit.NOT_READY))
    document = {"store": offer.store, "payload": offer.payload, **asdict(outcome)}
    return show(output, document, deployed(offer.store, outcome), code=code)


def _runs(running: Deploy) -> str:
    serving = running.outcome.serving
    return f"sequence {serving}" if serving else "nothing that was deployed"


def _stopped_watching(whole: Together, offer: Offer) -> Interrupted:
    """Say what goes on without us, and what does not."""
    running = whole.lead
    if running.outcome.run and whole.ungiven:
        return Interrupted(
            f"stopped watching; {offer.node} goes on by itself (run {running.outcome.run}), "
            f"but {', '.join(whole.ungiven)} may not have been given it",
            hint=f"run the same command again: edgectl deploy {offer.store}",
        )
    if running.outcome.run:
        goes_on = "restarts now, and then goes on by itself" if running.restarts else "goes on by itself"
        return Interrupted(
            f"stopped watching; {offer.node} {goes_on} (run {running.outcome.run})",
            hint=f"watch again with `edgectl journal {offer.store} --follow`, "
            f"re-attach with `edgectl deploy {offer.store}`",
        )
    return Interrupted(
        f"interrupted before {offer.node} has taken over; what was sent is kept there",
        hint=f"run the same command again to go on; `edgectl status {offer.store}` shows what runs",
    )
