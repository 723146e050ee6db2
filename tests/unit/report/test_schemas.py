"""The published schemas of `-o json`: what the code says, and never less than what was published.

That real outputs are as they say, each command's own tests hold (tests/cli/conftest.py).
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edgectl.cli import result
from edgectl.report.schemas import FORMAT, broken, file_of, name_of, schemas
from edgectl.wire import diagnosis

FOLDER = Path(__file__).parents[3] / "docs/schemas"


@pytest.mark.parametrize("name", schemas())
def test_a_published_one_is_never_broken(name: str) -> None:
    """Law: who reads the committed format reads what this code prints. Else: another FORMAT, another file."""
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    committed = json.loads((FOLDER / file_of(name)).read_text())
    breaks = list(broken(committed, schema))
    assert breaks == [], (
        "raise FORMAT in edgectl/report/schemas.py: the committed file stays, a new one comes beside it"
    )


def test_one_number_for_all() -> None:
    """What is printed bears the format of the schemas."""
    assert result.FORMAT == FORMAT == diagnosis.FORMAT


def changed(change: str) -> dict[str, Any]:
    """Return the plan's schema with one change."""
    schema = copy.deepcopy(schemas()["plan"])
    steps = schema["properties"]["steps"]["items"]
    match change:
        case "gone":
            del schema["properties"]["pauses"]
        case "maybe":
            schema["required"].remove("payload")
        case "type":
            schema["properties"]["missing_bytes"] = {"type": "string"}
        case "null":
            schema["properties"]["store"] = {"type": ["string", "null"]}
        case "below":
            steps["properties"]["reason"] = {"type": "integer"}
        case "anything":
            del schema["properties"]["store"]["type"]
        case "more":
            schema["properties"]["new"] = {"type": "string"}
            schema["required"].append("new")
        case "narrower":
            schema["properties"]["seconds"] = {"type": "integer"}
    return schema


@pytest.mark.parametrize("change", ["gone", "maybe", "type", "null", "below", "anything"])
def test_what_breaks_a_reader_is_found(change: str) -> None:
    """The test above bites."""
    assert list(broken(schemas()["plan"], changed(change)))


@pytest.mark.parametrize("change", ["more", "narrower"])
def test_what_breaks_nobody_may_come(change: str) -> None:
    """Keys may be added: a reader passes over those that it does not know."""
    assert list(broken(schemas()["plan"], changed(change))) == []


def test_the_name_of_a_document() -> None:
    """Errors of all commands are of one form; a command without a schema of its own has the common one."""
    assert name_of(("deploy", "store-042"), {}) == "deploy"
    assert name_of(("audit", "verify", "x"), {}) == "audit-verify"
    assert name_of(("deploy", "store-042"), {"error": "Locked", "message": "x"}) == "error"
    assert name_of(("lint",), {}) == "document"
