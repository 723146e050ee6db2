"""What was found on the machines of stores before a deploy: text, document and JUnit of `edgectl preflight`. Pure.

Owns: what the nodes' findings make of a store, one that could not be asked included. What a node says is its own
(wire/findtext.py).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from edgectl.report.advice import for_error
from edgectl.report.junit import case_of, plain, say, summed, whole
from edgectl.wire.document import to_json
from edgectl.wire.errors import EdgectlError, Exit
from edgectl.wire.finding import STOP, UNKNOWN, WARN, Finding
from edgectl.wire.findtext import COLUMNS, counted, exit_of, lines, word_of

Answer = tuple[Finding, ...] | EdgectlError
_CODES = (Exit.NOT_READY, Exit.UNREACHABLE)  # the first that any store has; then any other


@dataclass(frozen=True, slots=True)
class Looked:
    """One store: what was found on this machine (inventory and bundle), and what each node answered."""

    store: str
    nodes: Mapping[str, Answer]
    here: tuple[Finding, ...] = ()
    found: tuple[Finding, ...] = field(init=False)

    def __post_init__(self) -> None:
        said = (one for answer in self.nodes.values() if not isinstance(answer, EdgectlError) for one in answer)
        object.__setattr__(self, "found", (*self.here, *said))

    @property
    def word(self) -> str:
        """What the store is for a deploy."""
        word = word_of(self.found)
        silent = any(isinstance(answer, EdgectlError) for answer in self.nodes.values())
        return UNKNOWN if silent and exit_of(word) is Exit.OK else word

    @property
    def code(self) -> Exit:
        """The exit code: a node that was not reached is no finding, and no fine machine either."""
        if exit_of(word_of(self.found)) is not Exit.OK:
            return Exit.NOT_READY
        return next((answer.exit for answer in self.nodes.values() if isinstance(answer, EdgectlError)), Exit.OK)


def code_of(looked: tuple[Looked, ...]) -> Exit:
    """Return the exit code of several stores."""
    codes = {one.code for one in looked} - {Exit.OK}
    return next((code for code in (*_CODES, *sorted(codes)) if code in codes), Exit.OK)


def document(looked: tuple[Looked, ...]) -> dict[str, Any]:
    """Return it for `--output json`."""
    return {
        "stores": {
            one.store: {
                "word": one.word,
                "exit": int(one.code),
                "here": to_json(one.here),
                "nodes": {name: _node(answer) for name, answer in one.nodes.items()},
            }
            for one in looked
        }
    }


def standing(looked: tuple[Looked, ...], *, verbose: bool) -> str:
    """Say it: each store, each node, worst first, and what to do."""
    return "\n".join(line for one in looked for line in _store(one, verbose=verbose))


def junit(looked: tuple[Looked, ...]) -> str:
    """Return it as CI systems read it: a suite a node, a case a finding."""
    answers = ((one.store, name, answer) for one in looked for name, answer in _answers(one))
    return whole("preflight", (_suite(f"{store}/{name}", answer) for store, name, answer in answers))


def _answers(one: Looked) -> Iterator[tuple[str, Answer]]:
    if one.here:
        yield "here", one.here
    yield from one.nodes.items()


def _suite(name: str, answer: Answer) -> Element:
    if isinstance(answer, EdgectlError):
        answer = (Finding("reached", UNKNOWN, answer.message, for_error(answer), answer.details),)
    suite = Element("testsuite", name=name)
    for found in answer:
        case, said = case_of(suite, "preflight", name, found.about), (f"-> {found.hint}", *found.evidence)
        if found.word in {STOP, UNKNOWN}:
            say(case, "failure" if found.word == STOP else "error", found.reason, found.word, said)
        elif found.word == WARN:
            SubElement(case, "system-out").text = plain("\n".join((found.reason, *said)))
    return summed(suite)


def _store(one: Looked, *, verbose: bool) -> Iterator[str]:
    silent = [name for name, answer in one.nodes.items() if isinstance(answer, EdgectlError)]
    unreached = f", {', '.join(silent)} could not be asked" if silent else ""
    yield from textwrap.wrap(
        f"{one.store} is {one.word.upper()} for a deploy: {counted(one.found)}{unreached}",
        COLUMNS,
        subsequent_indent="  ",
        break_on_hyphens=False,
    )
    yield from lines(one.here)
    for name, answer in one.nodes.items():
        if len(one.nodes) > 1:
            yield name
        if isinstance(answer, EdgectlError):
            yield from lines((Finding("reached", UNKNOWN, answer.message, for_error(answer)),))
        else:
            yield from lines(answer, verbose=verbose)


def _node(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, EdgectlError):
        return answer.to_json()
    return {"word": word_of(answer), "findings": to_json(answer)}
