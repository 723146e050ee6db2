"""How one store of many has ended, and the one exit code of all.

Owns the outcomes and what they make together. Must not know how anything is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgectl.wire.errors import EdgectlError, Exit, InvalidInput, StepFailed, Unreachable
from edgectl.wire.verdict import UNKNOWN

OK, DEGRADED, PENDING = "ok", "degraded", "pending"
FAILED, UNREACHABLE = "failed", "unreachable"
BEGUN, NOT_BEGUN = "begun", "not begun"  # when a person stopped watching
OUTCOMES = (OK, DEGRADED, PENDING, FAILED, UNREACHABLE, BEGUN, NOT_BEGUN)
WRONG = frozenset({FAILED, UNREACHABLE})
_BY_EXIT = {
    int(Exit.OK): OK,
    int(Exit.DEGRADED): DEGRADED,
    int(Exit.PENDING): PENDING,
    int(Exit.UNREACHABLE): UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class Ended:
    """One store's end: the document that the command for this store alone would print, or the error it would end with.

    `events` are the last words of each step (edgectl.wire.event), as far as they were heard.
    """

    store: str
    outcome: str
    exit: int
    word: str  # of the verdict, or the kind of error
    reason: str = ""
    step: str = ""  # that is wrong; "" where none is to blame
    run: str = ""  # on the node, where one was begun
    seconds: float = 0.0
    document: dict[str, Any] | None = None
    error: EdgectlError | None = None
    events: tuple[dict[str, Any], ...] = ()
    own: tuple[str, ...] = field(default=(), repr=False)  # names and addresses that no other store has

    @property
    def is_wrong(self) -> bool:
        """Whether it failed or could not be reached."""
        return self.outcome in WRONG


def answered(
    store: str, code: int, document: dict[str, Any], events: Sequence[Mapping[str, Any]] = (), *, run: str = ""
) -> Ended:
    """Return the end of a store that has come to a verdict."""
    verdict = document.get("verdict") or {}
    word = str(verdict.get("word", UNKNOWN))
    return Ended(
        store=store,
        outcome=_BY_EXIT.get(code, FAILED),
        exit=int(code),
        word="rejected" if verdict.get("returned") else word,
        reason=str(verdict.get("reason", "")),
        step=_step(verdict, events),
        run=run or str(document.get("run", "")),
        seconds=float(document.get("seconds", 0.0)),
        document=document,
        events=tuple(dict(item) for item in events),
    )


def stopped(store: str, error: EdgectlError, events: Sequence[Mapping[str, Any]] = (), *, run: str = "") -> Ended:
    """Return the end of a store about which there is only an error."""
    unreached = isinstance(error, Unreachable) or error.exit == Exit.UNREACHABLE
    return Ended(
        store=store,
        outcome=UNREACHABLE if unreached else FAILED,
        exit=int(error.exit),
        word=UNREACHABLE if unreached else FAILED if isinstance(error, StepFailed) else _word(error),
        reason=_reason(error),
        run=run,
        error=error,
        events=tuple(dict(item) for item in events),
    )


def left(store: str, *, run: str = "", events: Sequence[Mapping[str, Any]] = ()) -> Ended:
    """Return where a store stands when a person stops watching: what was begun goes on by itself."""
    outcome = BEGUN if run else NOT_BEGUN
    return Ended(store, outcome, int(Exit.INTERRUPTED), outcome, run=run, events=tuple(dict(item) for item in events))


def exit_of(all_ended: Iterable[Ended]) -> Exit:
    """Return the exit code of all: 8 when some went wrong, the common code where all did, and in the same way.

    Where nothing is wrong: pending, degraded and fine, in this order.
    """
    ended = list(all_ended)
    if any(one.outcome in {BEGUN, NOT_BEGUN} for one in ended):
        return Exit.INTERRUPTED
    wrong = {one.exit for one in ended if one.is_wrong}
    if wrong:
        alike = len(wrong) == 1 and all(one.is_wrong for one in ended)
        return Exit(wrong.pop()) if alike else Exit.PARTIAL
    outcomes = {one.outcome for one in ended}
    return Exit.PENDING if PENDING in outcomes else Exit.DEGRADED if DEGRADED in outcomes else Exit.OK


def _reason(error: EdgectlError) -> str:
    """Return what is wrong; of a list of findings the first, and how many follow."""
    if not isinstance(error, InvalidInput):
        return error.message
    found = [line for line in error.details if not line.startswith(" ")]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{found[0]}{more}" if found else error.message


def _word(error: EdgectlError) -> str:
    return Exit(error.exit).name.lower().replace("_", " ")


def _step(verdict: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str:
    """Return the step to which a verdict's reason belongs: its gate, or the one of which it speaks."""
    if gate := verdict.get("gate"):
        return str(gate)
    reason = str(verdict.get("reason", ""))
    return next((str(item.get("step", "")) for item in events if reason and _is_of(item, reason)), "")


def _is_of(item: Mapping[str, Any], reason: str) -> bool:
    return reason == f"{item.get('title', '')}: {item.get('reason', '')}" or reason == item.get("reason")
