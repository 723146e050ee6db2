"""What one command has done to many stores: a row for each cause, and one document. Pure.

Owns the form of both. What belongs together is said in control/fleet.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from edgectl.control.fleet.alike import Cause, causes
from edgectl.control.fleet.ended import BEGUN, NOT_BEGUN, OK, OUTCOMES, PENDING, Ended
from edgectl.report.advice import for_error, for_step
from edgectl.report.words import count, duration, size

_COLUMNS = 80
_WORD_WIDTH, _NAMES_WIDTH = 15, 24
_NAME_LINES = 10
_TAIL = 4  # that stands out rather than alone on a line
_EVIDENCE_LINES = 12
_STEPS = 6
_SAID = {("status", PENDING): "not as deployed", ("plan", PENDING): "would change", ("", BEGUN): "goes on"}


def line(command: str, one: Ended) -> str:
    """Say in one line how a store has ended."""
    return f"  {_word(command, one.outcome, one.word):<{_WORD_WIDTH}} {one.store}  {_told(command, one)}"


def lines(command: str, ended: Sequence[Ended], *, seconds: float, verbose: bool = False) -> Iterator[str]:
    """Yield the summary: how many of each, then a row for each cause, with its stores and what to do next."""
    found = _causes(command, ended)
    heads: Counter[str] = Counter()
    for cause in found:
        heads[_word(command, cause.outcome, cause.word).upper()] += len(cause.stores)
    yield "   ".join(f"{word} {number}" for word, number in heads.items())
    short = _prefix([one.store for one in ended])
    rows = [cause for cause in found if cause.outcome != OK or cause.reason]
    wide = max((len(told) for one in rows if len(told := _names(one, short)) <= _NAMES_WIDTH), default=0)
    for cause in rows:
        yield from _row(command, cause, short, wide, verbose=verbose)
    called = f" ({short}...)" if short else ""
    yield ", ".join([f"{count(len(ended), 'store')}{called}", *_cost(command, ended), duration(seconds)])


def document(command: str, ended: Sequence[Ended], *, seconds: float) -> dict[str, Any]:
    """Return it for programs; of each store the document, or the error, that it would have alone."""
    outcomes = Counter(one.outcome for one in ended)
    return {
        "command": command,
        "counts": {outcome: outcomes[outcome] for outcome in OUTCOMES},
        "causes": [
            {
                "outcome": cause.outcome,
                "word": cause.word,
                "step": cause.first.step,
                "reason": cause.reason,
                "next": _next(command, cause),
                "stores": list(cause.stores),
            }
            for cause in _causes(command, ended)
            if cause.outcome != OK or cause.word == PENDING
        ],
        "stores": [
            {
                "store": one.store,
                "outcome": one.outcome,
                "exit": one.exit,
                "word": one.word,
                "reason": one.reason,
                "step": one.step,
                "run": one.run,
                "seconds": one.seconds,
                "document": one.document,
                "error": one.error.to_json() if one.error else None,
            }
            for one in ended
        ],
        "seconds": round(seconds, 3),
    }


def _names(cause: Cause, short: str) -> str:
    return " ".join(name.removeprefix(short) for name in cause.stores)


def _row(command: str, cause: Cause, short: str, wide: int, *, verbose: bool) -> Iterator[str]:
    word, names = _word(command, cause.outcome, cause.word).upper(), _names(cause, short)
    head, below = f"  {word:<{_WORD_WIDTH}} ", " " * (_WORD_WIDTH + 3)
    fits = len(names) <= _NAMES_WIDTH
    first = f"{names:<{wide}}  " if fits else ""
    indent = below + " " * len(first)
    said = _wrapped(cause.reason or _WITHOUT_REASON.get(cause.outcome, ""), len(indent))
    yield f"{head}{first}{said[0]}".rstrip()
    yield from (f"{indent}{text}" for text in said[1:])
    if not fits:
        told = textwrap.wrap(names, _COLUMNS - len(below), break_on_hyphens=False)
        yield from (f"{below}{text}" for text in told[:_NAME_LINES])
        if rest := sum(len(text.split()) for text in told[_NAME_LINES:]):
            yield f"{below}and {rest} more (-o json names all)"
    evidence = cause.first.error.details if cause.first.error else (cause.first.document or {}).get("evidence") or ()
    if verbose:
        yield from (f"{below}| {text}" for text in list(evidence)[:_EVIDENCE_LINES])
    if step := _next(command, cause):
        yield from (f"{below}{text}" for text in _wrapped(f"next: {step}", len(below)))


_WITHOUT_REASON = {BEGUN: "goes on by itself", NOT_BEGUN: "has been given nothing; what was sent is kept"}


def _next(command: str, cause: Cause) -> str:
    """Return what to do about it, for the first of the stores."""
    store = cause.first.store
    if cause.outcome == BEGUN:
        return f"watch it: edgectl journal {store} --follow; run the same command again to re-attach"
    if cause.outcome == NOT_BEGUN:
        return "run the same command again"
    if cause.first.error is not None:
        return for_error(cause.first.error).replace("STORE", store)
    if cause.outcome == PENDING or (command == "plan" and cause.outcome == OK):
        return f"edgectl {'deploy' if command == 'plan' else command} {store}" if cause.word == PENDING else ""
    return for_step(store, cause.first.step) if cause.outcome != OK else ""


def _wrapped(text: str, indent: int) -> list[str]:
    width = max(_COLUMNS - indent, 30)
    if len(text) <= width + _TAIL:
        return [text]
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def _word(command: str, outcome: str, word: str) -> str:
    return _SAID.get((command, word)) or _SAID.get(("", outcome)) or word


def _prefix(names: Sequence[str]) -> str:
    """Return what all names begin with, up to a hyphen: `store-` of store-001 and store-042."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    found = "".join(letters[0] for letters in alike)
    return found[: found.rfind("-") + 1] if len(names) > 1 else ""


def _told(command: str, one: Ended) -> str:
    if one.is_wrong or one.error is not None or one.outcome in {BEGUN, NOT_BEGUN}:
        return one.reason
    found = one.document or {}
    reason = f"{one.reason}; " if one.reason and one.outcome != OK else ""
    if command != "deploy":
        return f"{reason}{duration(one.seconds)}"
    changed = len(found.get("changed") or ())
    did = f"{count(changed, 'change')}, {size(found.get('blob_bytes', 0))}" if changed else "nothing to change"
    return f"{reason}{did}, {duration(one.seconds)}"


def _cost(command: str, ended: Sequence[Ended]) -> Iterator[str]:
    found = [one.document for one in ended if one.document]
    if command == "deploy":
        changed = sum(bool(one.get("changed")) for one in found)
        yield f"{changed} changed, {size(sum(int(one.get('blob_bytes', 0)) for one in found))} sent"
    elif command == "plan":
        yield f"{size(sum(int(one.get('missing_bytes', 0)) for one in found))} to send"


def _causes(command: str, ended: Sequence[Ended]) -> list[Cause]:
    return causes(_planned(one) if command == "plan" else one for one in ended)


def _planned(one: Ended) -> Ended:
    """Return a plan's end with what would change as its reason: stores that would change alike are one row."""
    if one.word != PENDING or one.document is None:
        return one
    titles = [str(item.get("title", "")) for item in one.document.get("steps", ()) if item.get("word") == "drifted"]
    more = f" and {len(titles) - _STEPS} more" if len(titles) > _STEPS else ""
    sends = int(one.document.get("missing_bytes", 0))
    sent = f"; {size(sends)} to send" if sends else ""
    return replace(one, reason=f"{', '.join(titles[:_STEPS])}{more}{sent}", step="")
