"""Errors are sentences with an exit code, on both sides of the link."""

from __future__ import annotations

import json

import pytest

from edgectl.wire import errors
from edgectl.wire.errors import Bug, EdgectlError, Exit, NotReady

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EdgectlError)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not EdgectlError])
def test_an_error_survives_the_link(kind: type[EdgectlError]) -> None:
    """Class, exit code, sentence, hint, evidence and anchor are the same after JSON."""
    sent = kind("what is wrong", hint="what to do", details=("$ a", "b"), docs="anchor")
    came = EdgectlError.from_json(json.loads(json.dumps(sent.to_json())))
    assert type(came) is kind
    assert came.to_json() == sent.to_json()


def test_every_error_class_has_an_exit_code_of_its_own() -> None:
    """A CI job tells errors apart by their exit code alone."""
    codes = [kind.exit for kind in KINDS if kind is not EdgectlError]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("doc", "kind"),
    [
        ({"error": "NewerThanUs", "exit": 5, "message": "m"}, NotReady),
        ({"error": "NewerThanUs", "exit": 99, "message": "m"}, Bug),
        ({"message": "m"}, Bug),
        ({}, Bug),
        ({"error": "X", "exit": "not a number", "message": "m"}, Bug),
        ({"error": "NotReady", "exit": None, "message": "m", "details": None}, NotReady),
    ],
)
def test_an_error_of_another_version_keeps_its_exit_code(doc: dict[str, object], kind: type[EdgectlError]) -> None:
    """An unknown class becomes one that ends with the same code; noise becomes a bug, never a crash."""
    came = EdgectlError.from_json(doc)
    assert type(came) is kind
    assert came.message == doc.get("message", "")


def test_the_exit_codes_are_the_published_ones() -> None:
    """Scripts rely on these numbers: they never change their meaning."""
    assert {code.name: int(code) for code in Exit} == {
        "OK": 0,
        "BUG": 1,
        "USAGE": 2,
        "INVALID": 3,
        "UNREACHABLE": 4,
        "NOT_READY": 5,
        "FAILED": 6,
        "LOCKED": 7,
        "PARTIAL": 8,
        "DEGRADED": 9,
        "PENDING": 10,
        "REFUSED": 11,
        "INTERRUPTED": 130,
    }
