"""`plan --comment`: what a merge would change in stores, as the Markdown of one comment that a bot can update. Pure.

Owns its form and its size: a comment that is too long is refused by the forge, so details go first, then rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from edgectl.report.steps import Document, Pair, Step, advice, next_of, steps_of
from edgectl.report.words import count, duration, size
from edgectl.wire import event
from edgectl.wire.errors import EdgectlError

MARKER = "<!-- edgectl plan -->"
MOST = 65_536  # characters: GitHub's bound; GitLab's is a million
_LINES = 30  # of one store's differences
_TAIL = 300  # characters that what was left out is said in
_RESTARTS_K3S = frozenset({"k3s", "k3s-files", "k3s-binary", "certificates"})
_REBOOT, _CONTENT = "reboot", "blobs"


def comment(pairs: Sequence[Pair], *, most: int = MOST) -> str:
    """Return the comment; the first line is always the same, so that a bot finds its own."""
    changes = sum(not isinstance(said, EdgectlError) and bool(said.get("pending")) for _, said in pairs)
    silent = sum(isinstance(said, EdgectlError) for _, said in pairs)
    head = f"**{count(changes, 'store')} of {len(pairs)} would change**"
    head += f"; {silent} could not be looked at" if silent else ""
    text = f"{MARKER}\n### edgectl plan\n\n{head}\n\n| store | changes | bytes | restarts | inference pauses |\n"
    text += "|---|---|---|---|---|\n"
    rows = 0
    for store, said in pairs:
        row = f"| {' | '.join(_row(store, said))} |\n"
        if len(text) + len(row) > most - _TAIL:
            break
        text, rows = text + row, rows + 1
    if rows < len(pairs):
        text += f"\n{len(pairs) - rows} more stores: the list is too long for a comment.\n"
    left = 0
    for store, said in pairs:
        part = _details(store, said)
        if rows < len(pairs) or len(text) + len(part) > most - _TAIL:
            left += bool(part)
        else:
            text += part
    if left:
        text += f"\nDetails of {count(left, 'store')} do not fit into a comment: `edgectl plan STORE` shows them.\n"
    return text


def _row(store: str, said: Document | EdgectlError) -> Iterator[str]:
    yield f"`{_code(store)}`"
    if isinstance(said, EdgectlError):
        yield from (f"not looked at: {_text(said.message)}", "", "", "")
        return
    steps = steps_of(said.get("steps") or ())
    drifted = [step for step in steps if step.word == event.DRIFTED and step.id != _REBOOT]
    wrong = [step for step in steps if (step.is_wrong or step.is_unknown) and step.id != _CONTENT]
    changes = count(len(drifted), "step") if drifted else "new content" if said.get("pending") else "none"
    yield changes + (f"; **{count(len(wrong), 'step')} wrong**" if wrong else "")
    yield size(int(said.get("missing_bytes") or 0)) if said.get("missing_bytes") else "0"
    yield ", ".join(_restarts(steps)) or "none"
    yield ", ".join(f"{_text(str(one['workload']))} {_about(one)}" for one in said.get("pauses") or ()) or "none"


def _restarts(steps: Sequence[Step]) -> Iterator[str]:
    drifted = [step for step in steps if step.word == event.DRIFTED]
    if any(step.id in _RESTARTS_K3S for step in drifted):
        yield "k3s"
    yield from (f"machine: {_text(step.reason)}" for step in drifted if step.id == _REBOOT)


def _about(pause: dict[str, Any]) -> str:
    return f"about {duration(float(pause.get('seconds') or 0))}"


def _details(store: str, said: Document | EdgectlError) -> str:
    """Return what can be unfolded of one store; nothing where nothing would change."""
    if isinstance(said, EdgectlError):
        lines = [said.message, *said.details, f"next: {advice(said)}"]
    else:
        lines = list(_lines(store, said))
    if not lines:
        return ""
    more = [f"... {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
    body = "\n".join(_code(line) for line in lines[:_LINES] + more)
    fence = "`" * (max((len(found) for found in re.findall("`+", body)), default=2) + 1)
    fence = fence if len(fence) > 2 else "```"  # noqa: PLR2004 - the least that is a fence
    return f"\n<details><summary>{_text(store)}</summary>\n\n{fence}text\n{body}\n{fence}\n\n</details>\n"


def _lines(store: str, document: Document) -> Iterator[str]:
    for step in steps_of(document.get("steps") or ()):
        if step.word == event.DRIFTED:
            yield f"change  {step.title}: {step.reason}"
            yield from (f"        {name}: {have} -> {want}" for name, have, want in step.differences)
        elif (step.is_wrong or step.is_unknown) and step.id != _CONTENT:
            yield f"{step.word}  {step.title}: {step.reason}"
            yield f"        next: {next_of(store, step)}"
    for one in document.get("pauses") or ():
        yield f"pauses  {one['workload']} {_about(one)}: {one.get('why', '')}"


def _code(text: str) -> str:
    """Return one line as it stands in a block of code: no control characters, nothing that ends the line."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:400]


def _text(text: str) -> str:
    """Return a text that is nothing but itself in a cell of a table."""
    return re.sub(r"([\\`*_{}\[\]<>|#@])", r"\\\1", _code(text)).replace("\\<", "&lt;").replace("\\>", "&gt;")
