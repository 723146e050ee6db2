"""One question to every node of a store, all at once; and their looks put together as one of the store.

Owns: what an unreachable node means for the store's answer: it is named, and the store is degraded at best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from threading import Thread
from typing import Any, TypeVar

from edgectl.control.deploy.listener import Listener
from edgectl.control.deploy.look import Open, Seen
from edgectl.control.deploy.look import status as look
from edgectl.control.deploy.spread import over_line
from edgectl.wire import event
from edgectl.wire.errors import EdgectlError, Exit
from edgectl.wire.verdict import DEGRADED

Answer = TypeVar("Answer")
_SERVES = frozenset({int(Exit.OK), int(Exit.DEGRADED)})


def everywhere(asks: Mapping[str, Callable[[], Answer]], *, at_once: int = 0) -> dict[str, Answer | EdgectlError]:
    """Ask every node, all at once or so many; what stands against an answer is the answer."""
    found: dict[str, Future[Answer]] = {name: Future() for name in asks}
    waiting = iter([(found[name], ask) for name, ask in asks.items()])
    for _ in range(min(at_once or len(asks), len(asks))):  # daemons, so that Ctrl-C leaves at once, whoever is silent
        Thread(target=_work, args=(waiting,), daemon=True).start()
    answers: dict[str, Answer | EdgectlError] = {}
    for name, future in found.items():
        try:
            answers[name] = future.result()
        except EdgectlError as error:
            answers[name] = error
    return answers


def _work(waiting: Iterator[tuple[Future[Answer], Callable[[], Answer]]]) -> None:
    for future, ask in waiting:  # a list's iterator gives each item to one thread
        _settle(future, ask)


def _settle(future: Future[Answer], ask: Callable[[], Answer]) -> None:
    try:
        future.set_result(ask())
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for the result
        future.set_exception(error)


def status(doors: Mapping[str, Open], lead: str, listener: Callable[[bool], Listener]) -> Seen:
    """Look at all nodes of a store, and return how the store stands; raises what stands against its lead's answer.

    `listener` makes one for the lead (True), or for another node.
    """

    def look_at(name: str) -> Callable[[], Seen]:
        return lambda: look(doors[name], listener(name == lead))

    if len(doors) == 1:
        return look_at(lead)()
    answers = everywhere({name: look_at(name) for name in doors})
    found = answers.pop(lead)
    if isinstance(found, EdgectlError):
        raise found
    return together(found, answers)


def together(lead: Seen, others: Mapping[str, Seen | EdgectlError]) -> Seen:
    """Return the look at a store: the lead's, and what the other nodes' own looks add to it."""
    if not others:
        return lead
    seen = replace(lead, events=list(lead.events), verdict=dict(lead.verdict))
    for name, other in others.items():
        if isinstance(other, EdgectlError):
            seen.events.append(_unreached(name, other))
            _less(seen.verdict, {"exit": int(Exit.NOT_READY), "reason": other.message}, name)
            continue
        seen.events += [{**item, "title": f"{name} {item.get('title', '')}"} for item in other.events]
        seen.link_bytes += other.link_bytes
        seen.seconds = max(seen.seconds, other.seconds)
        seen.verdict["looked"] = int(seen.verdict.get("looked", 0)) + int(other.verdict.get("looked", 0))
        _less(seen.verdict, other.verdict, name)
    _count(seen, [lead, *(other for other in others.values() if isinstance(other, Seen))])
    return seen


def _count(seen: Seen, nodes: Sequence[Seen]) -> None:
    """Count what crosses the line once, whoever lacks it, and beside it what nodes take from each other."""
    held = frozenset().union(*(one.offered - one.missing.keys() for one in nodes))
    crosses = over_line((one.missing for one in nodes), held)
    seen.missing_blobs, seen.missing_bytes = len(crosses), sum(crosses.values())
    seen.neighbour_bytes = sum(one.missing_bytes for one in nodes) - seen.missing_bytes


def _less(verdict: dict[str, Any], other: Mapping[str, Any], name: str) -> None:
    """Lower a store's verdict by what another node says; the lead's own word about what is wrong goes first."""
    code, found = int(verdict.get("exit", Exit.NOT_READY)), int(other.get("exit", Exit.NOT_READY))
    reason = f"{name}: {other.get('reason', '')}"
    if code in _SERVES and found == Exit.PENDING:
        verdict |= {"word": other.get("word"), "exit": found, "reason": reason}
    elif code == Exit.OK and found != Exit.OK:
        verdict |= {"word": DEGRADED, "exit": int(Exit.DEGRADED), "reason": reason}


def _unreached(name: str, error: EdgectlError) -> dict[str, Any]:
    return {"kind": event.STEP, "step": f"node-{name}", "title": name, "word": event.UNKNOWN, "reason": error.message}
