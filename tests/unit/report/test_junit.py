"""JUnit XML that Jenkins and GitLab take: a suite a store, a case a step; what is wrong has reason, evidence and next.

The form is held against the attributes, elements and order of junit-10.xsd of Jenkins' xUnit plug-in
(testsuites > testsuite > testcase > skipped | error | failure | system-out).
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from edgectl.report import preflights
from edgectl.report.junit import junit
from edgectl.wire.errors import Unreachable
from edgectl.wire.finding import STOP, Finding

NUMBER = re.compile(r"\d+")
SECONDS = re.compile(r"\d+\.\d{3}")
# element -> attributes (required first, with their form), and children that it may have
FORM: dict[str, tuple[dict[str, re.Pattern[str] | None], frozenset[str]]] = {
    "testsuites": (
        {"name": None, "tests": NUMBER, "failures": NUMBER, "errors": NUMBER, "time": SECONDS},
        frozenset({"testsuite"}),
    ),
    "testsuite": (
        {"name": None, "tests": NUMBER, "failures": NUMBER, "errors": NUMBER, "skipped": NUMBER, "time": SECONDS},
        frozenset({"testcase"}),
    ),
    "testcase": (
        {"name": None, "classname": None, "time": SECONDS},
        frozenset({"skipped", "error", "failure", "system-out"}),
    ),
    "failure": ({"message": None, "type": None}, frozenset()),
    "error": ({"message": None, "type": None}, frozenset()),
    "skipped": ({"message": None}, frozenset()),
    "system-out": ({}, frozenset()),
}


def valid(text: str) -> Element:
    """Return the document's root; every element is as the form has it, and every count is right."""
    root = fromstring(text)  # noqa: S314 - our own
    for element in root.iter():
        attributes, children = FORM[element.tag]
        assert set(element.keys()) == set(attributes), element.tag
        for name, pattern in attributes.items():
            assert pattern is None or pattern.fullmatch(element.get(name, "")), (element.tag, name, element.get(name))
        assert {child.tag for child in element} <= children
        if element.tag == "testcase":
            assert len(element) <= 1
    for suite in root:
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(name, "")) == len(suite.findall(f"testcase/{tag}"))
        assert int(suite.get("tests", "")) == len(suite) > 0
    return root


def step(name: str, word: str, at: float, reason: str = "", **more: Any) -> dict[str, Any]:
    """Return an event of a run."""
    return {"step": name, "title": name.upper(), "word": word, "at": at, "reason": reason, **more}


STEPS = [
    step("k3s", "changing", 1.0, "not installed", differences=[["k3s", "nothing", "v1"]]),
    step("k3s", "changed", 3.5, "v1"),
    step("gpu", "waiting", 4.0, "0 of 1", evidence=["nvidia-smi: \x1b[31mno\x00 devices"]),
    step("look", "unknown", 5.0, "cannot be read"),
    step("chain", "blocked", 5.0),
]


def test_each_step_is_a_case() -> None:
    """Law: a case each, with the time it took; what is not as it should be says why, with evidence and what to do."""
    document = {"steps": STEPS, "exit": 5, "verdict": {"word": "not ready", "reason": "GPU: 0 of 1"}}
    root = valid(junit([("store-042", document)], command="deploy"))
    (suite,) = root
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == ["K3S", "GPU", "LOOK", "CHAIN", "verdict"]
    assert cases["K3S"].get("time") == "3.500"
    assert cases["K3S"].findtext("system-out") == "v1\nk3s: nothing -> v1"
    assert cases["GPU"].get("classname") == "edgectl.deploy.store-042"
    failure = cases["GPU"].find("failure")
    assert failure is not None
    assert failure.get("message") == "0 of 1"
    assert failure.text == (
        "0 of 1\nnvidia-smi: ?[31mno? devices\nnext: see which card, and why: edgectl gpu store-042; "
        "with fewer GPUs, lower gpu.required"
    )
    assert cases["LOOK"].find("error") is not None
    assert cases["CHAIN"].find("skipped") is not None
    assert (root.get("failures"), root.get("errors")) == ("2", "1")


def test_a_store_that_was_not_reached_is_a_suite() -> None:
    """Law: a store without a document is an error of its own, beside those with one; no suite is empty."""
    fine = {"steps": STEPS[:2], "exit": 0, "verdict": {"word": "ready"}}
    error = Unreachable("node-1 did not answer", hint="look at the line", details=("ping: no",))
    root = valid(junit([("a", fine), ("b", error)], command="status"))
    assert [suite.get("name") for suite in root] == ["a", "b"]
    found = root.find("testsuite[@name='b']/testcase/error")
    assert found is not None
    assert found.text == "node-1 did not answer\nping: no\nnext: look at the line\nexit 4"
    assert root.get("failures") == "0"


def test_a_store_without_a_verdict_is_no_good_one() -> None:
    """Law: no suite passes on nothing."""
    root = valid(junit([("a", {"steps": []})], command="plan"))
    assert root.find("testsuite/testcase/failure") is not None


def test_what_a_machine_says_breaks_no_document() -> None:
    """Law: a preflight's findings are in the same form, whatever letters a program of the node has printed."""
    finding = Finding("os", STOP, "a \x1b[31mred\x00 system", "install another", ("\x07",))
    silent = Unreachable("no way\x08 to it", hint="dial again")
    root = valid(preflights.junit((preflights.Looked("store-042", {"node-1": (finding,), "node-2": silent}),)))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "1", "1")
    assert [suite.get("name") for suite in root] == ["store-042/node-1", "store-042/node-2"]
