"""The press of the button: one offer to a store, watched to its verdict. Shared by `deploy` and `rollback`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from edgectl.cli.interrupted import Interrupted
from edgectl.cli.options import Format
from edgectl.wire.errors import Exit, Locked, NotReady, Refused

if TYPE_CHECKING:
    from edgectl.cli.door import Door
    from edgectl.control.audit.own import Learnt
    from edgectl.control.deploy.caps import Caps
    from edgectl.control.deploy.deploy import Deploy
    from edgectl.control.deploy.offer import Offer
    from edgectl.control.deploy.outcome import Outcome
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
    html: Path | None = None,
    of: Callable[[str, Mapping[str, Any]], object] = lambda *_: None,
) -> int:
    """Deploy, and say how it ended; returns the exit code."""
    from edgectl.cli.result import show
    from edgectl.cli.telling import telling
    from edgectl.control.deploy.line import Line
    from edgectl.control.deploy.together import Together
    from edgectl.report.sentence import deployed
    from edgectl.report.terminal import Terminal

    terminal = Terminal(head=head, verbose=verbose, all_bytes=sum(offer.blobs.values()))
    with asked(offer) as (given, learnt), telling(given, terminal, html, door.open, head) as told:
        others = {name: (theirs, told.opening(name, at.open)) for name, (theirs, at) in followers.items()}
        whole = Together(given, told.opening(offer.node, door.open), told.listener, others, Line(caps))
        try:
            terminal.connecting(offer.node)
            outcome = watched(whole, offer.node, learnt)
        except KeyboardInterrupt as error:
            raise _stopped_watching(whole, offer) from error
        finally:
            terminal.close()
        code, document = ended(offer, outcome, learnt)
        of(offer.store, {**document, "exit": code})
        text = deployed(offer.store, outcome)
        told.ended(document, text)
        return show(output, document, text, code=code)


@contextmanager
def asked(offer: Offer) -> Iterator[tuple[Offer, Learnt]]:
    """Write into the audit here what is asked of a store, and what comes of it: what is learnt goes into the dict.

    Gives the offer with what the node's own audit is told.
    """
    from edgectl.control.audit.own import audited, newest

    what = offer.asked.get("what", "deploy")
    with audited(offer.store, what, payload=offer.payload, commit=offer.commit) as learnt:
        yield replace(offer, asked={"what": what, "head": newest(offer.store)}), learnt


def watched(whole: Together, lead: str, learnt: dict[str, Any]) -> Outcome:
    """Bring a deploy to its verdict; where the store takes nothing, the error says what runs there."""
    try:
        return whole.run()
    except (Locked, Refused, NotReady) as error:
        if whole.lead.outcome.sessions and not whole.lead.outcome.run:
            error.details = (*error.details, f"runs now: {_runs(whole.lead)}; this deploy has changed nothing")
        raise
    finally:
        learnt |= _learnt(whole, lead)


def left(whole: Together, lead: str, learnt: Learnt) -> None:
    """Write into the audit here how far a deploy is that nobody watches any more."""
    learnt |= _learnt(whole, lead)
    learnt.interrupted()


def ended(offer: Offer, outcome: Outcome, learnt: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the exit code of a deploy, and its document."""
    code = int(outcome.verdict.get("exit", Exit.NOT_READY))
    learnt["outcome"] = {"exit": code, "word": str(outcome.verdict.get("word", ""))}
    return code, {"store": offer.store, "payload": offer.payload, **asdict(outcome)}


def _learnt(whole: Together, lead: str) -> dict[str, Any]:
    """Return what the audit here keeps of a deploy: its run, its sequence, and how far each node's own audit was."""
    seen = {lead: whole.lead.outcome.audit, **{name: one.outcome.audit for name, one in whole.running.items()}}
    found = whole.lead.outcome
    return {"run": found.run, "sequence": found.sequence, "seen": {name: head for name, head in seen.items() if head}}


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
