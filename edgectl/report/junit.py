"""JUnit XML: a test suite for each store, a test case for each step and gate. Pure.

Owns the form that Jenkins and GitLab read (the common JUnit XSD). Must not know what a step does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from edgectl.report.steps import Document, Pair, Step, advice, ended_well, next_of, steps_of
from edgectl.wire import event
from edgectl.wire.errors import EdgectlError

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_VERDICT = "verdict"


def junit(pairs: Iterable[Pair], *, command: str) -> str:
    """Return the document: what is wrong is a failure, what could not be looked at an error, what waits is skipped."""
    return whole(
        command,
        (
            _silent(store, said, command) if isinstance(said, EdgectlError) else _suite(store, said, command)
            for store, said in pairs
        ),
    )


def whole(command: str, suites: Iterable[Element]) -> str:
    """Return the document of some suites, with its totals."""
    root = Element("testsuites", name=f"edgectl {command}")
    totals = {"tests": 0, "failures": 0, "errors": 0}
    seconds = 0.0
    for suite in suites:
        root.append(suite)
        for name in totals:
            totals[name] += int(suite.get(name, "0"))
        seconds += float(suite.get("time", "0"))
    for name, number in totals.items():
        root.set(name, str(number))
    root.set("time", f"{seconds:.3f}")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(store: str, document: Document, command: str) -> Element:
    suite = Element("testsuite", name=store)
    for step in steps_of(document.get("steps") or ()):
        case = case_of(suite, command, store, step.title, step.seconds)
        _judge(case, store, step)
    verdict = document.get("verdict") or {}
    case = case_of(suite, command, store, _VERDICT, 0.0)
    if not ended_well(document):
        say(case, "failure", str(verdict.get("reason") or verdict.get("word") or "no verdict"), "verdict", ())
    return summed(suite)


def _silent(store: str, error: EdgectlError, command: str) -> Element:
    suite = Element("testsuite", name=store)
    case = case_of(suite, command, store, _VERDICT, 0.0)
    lines = (*error.details, f"next: {advice(error)}", f"exit {int(error.exit)}")
    say(case, "error", error.message, type(error).__name__, lines)
    return summed(suite)


def _judge(case: Element, store: str, step: Step) -> None:
    lines = [*step.evidence, f"next: {next_of(store, step)}"]
    if step.is_wrong:
        say(case, "failure", step.reason, step.word, lines)
    elif step.is_unknown:
        say(case, "error", step.reason, step.word, lines)
    elif step.word == event.BLOCKED:
        SubElement(case, "skipped", message=plain(step.reason or "an earlier step is not ok"))
    elif step.differences:
        SubElement(case, "system-out").text = plain(
            "\n".join([step.reason, *(f"{name}: {have} -> {want}" for name, have, want in step.differences)])
        )


def case_of(suite: Element, command: str, store: str, name: str, seconds: float = 0.0) -> Element:
    """Add a case to a suite."""
    names = {"classname": f"edgectl.{command}.{store}", "name": plain(name), "time": f"{seconds:.3f}"}
    return SubElement(suite, "testcase", names)


def say(case: Element, tag: str, message: str, kind: str, lines: Iterable[str]) -> None:
    """Say what is wrong with a case: `failure` or `error`."""
    found = SubElement(case, tag, message=plain(message), type=kind)
    found.text = plain("\n".join([message, *lines]))


def summed(suite: Element) -> Element:
    """Return a suite with how many of its cases ended how."""
    cases = list(suite)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    return suite


def plain(text: str) -> str:
    """Return text without what no XML document may hold: a program's own words are in it."""
    return _NO_XML.sub("?", text)
