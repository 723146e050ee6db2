"""Whatever stands in an inventory, the answer is a store or a list of findings, never a traceback."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgectl.control.inventory.load import load
from edgectl.wire.errors import InvalidInput
from tests.fleet import fleet
from tests.unit.control.findings import findings as said

STARTER = Path(__file__).parents[4] / "templates" / "inventory.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(STARTER.read_text())
VALUES: list[Any] = [None, True, 5, -1, 1.5, "", "x", "@", "../..", [], {}, [1], ["a"], {"a": {"b": []}}, [{}], [[]]]


def places(node: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of everything in a document."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [found for key, child in pairs for found in ((*path, key), *places(child, (*path, key)))]


@given(changes=st.lists(st.tuples(st.sampled_from(places(DOCUMENT)), st.sampled_from(VALUES)), min_size=1, max_size=3))
@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_wrong_values_become_findings(tmp_path: Path, changes: list[tuple[tuple[str | int, ...], Any]]) -> None:
    """Any value replaced by any other: each finding has a place in this file."""
    document = copy.deepcopy(DOCUMENT)
    for (*way, last), junk in changes:
        inside: Any = document
        for part in way:
            inside = inside[part] if part in _keys(inside) else None
        if last in _keys(inside):
            inside[last] = junk
    path = tmp_path / "inventory.yaml"
    path.write_text(yaml.safe_dump(document))
    assert all(line.startswith(f"{path}:") for line in findings(path))


@given(
    at=st.integers(0, 10_000),
    text=st.sampled_from(["", ":", "{", "[", "\t", "&a ", "*a ", "- ", "? ", "\n", "'", "<<: "]),
)
@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_broken_text_becomes_findings(tmp_path: Path, at: int, text: str) -> None:
    """Any character replaced by what means something in YAML."""
    starter = STARTER.read_text()
    at %= len(starter)
    path = tmp_path / "inventory.yaml"
    path.write_text(starter[:at] + text + starter[at + 1 :])
    assert all(line.startswith(f"{path}:") for line in findings(path))


FLEET = fleet(3)
STORE = "store-002"
WORDS = ["", ":", ": ", "{", "}", "[", "]", "\t", "&a ", "*a ", "- ", "? ", "\n", "'", '"', "<<: ", "!append ", "|"]
WORDS += ["#", "  ", "null", "on", "0777", "\x85", "\u2028", "\ufeff", "é", "\x00", "---\n", "stores:\n", "9" * 30]
EDIT = st.tuples(st.integers(0, 10**6), st.sampled_from([*WORDS, "nodes: ", "%", "=", ","]), st.integers(0, 9))


@given(edits=st.lists(EDIT, min_size=1, max_size=4))
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_mutated_text(tmp_path: Path, edits: list[tuple[int, str, int]]) -> None:
    """Law: a realistic file with anything put in anywhere is a store or findings, each with a place in this file.

    Seeded fault: a host key with an umlaut was a traceback.
    """
    text = FLEET
    for at, new, lost in edits:
        place = at % (len(text) + 1)
        text = text[:place] + new + text[place + lost :]
    path = tmp_path / "inventory.yaml"
    path.write_text(text, newline="")
    assert all(line.startswith(f"{path}:") for line in findings(path, STORE))


RICH: dict[str, Any] = yaml.safe_load(FLEET.replace("!append ", ""))
JUNK = [*VALUES, 10**40, "rtsp://[", "rtsp://a:b@c", "a\nb", "x" * 100, "é", "Europe", {"name": "p", "value": 3}]
PLACES = [path for path in places(RICH) if path[:2] not in (("stores", "store-001"), ("stores", "store-003"))]


CHANGE = st.tuples(st.sampled_from(PLACES), st.sampled_from(JUNK))
ADDED = st.tuples(st.sampled_from(PLACES), st.sampled_from(["url", "gpus", "version", "name"]), st.sampled_from(JUNK))


@given(changes=st.lists(CHANGE, min_size=1, max_size=4), added=st.lists(ADDED, max_size=2))
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_mutated_structure(tmp_path: Path, changes: list[Any], added: list[Any]) -> None:
    """Law: any value of a realistic file replaced, keys put in anywhere. Seeded fault: a rule that wants a map."""
    document = copy.deepcopy(RICH)
    for way, last, junk in [*((way, way[-1], junk) for way, junk in changes), *added]:
        inside: Any = document
        for part in way[:-1]:
            inside = inside[part] if part in _keys(inside) else None
        if last in _keys(inside) or isinstance(inside, dict):
            inside[last] = copy.deepcopy(junk)
    path = tmp_path / "inventory.yaml"
    path.write_text(yaml.safe_dump(document))
    assert all(line.startswith(f"{path}:") for line in findings(path, STORE))


def findings(path: Path, store: str = "store-042") -> tuple[str, ...]:
    """Return what is wrong with the store, nothing when it is right; anything else fails the test."""
    try:
        load(path).store(store)
    except InvalidInput as error:
        return tuple(said(error))
    return ()


def _keys(inside: object) -> list[Any]:
    if isinstance(inside, dict):
        return list(inside)
    return list(range(len(inside))) if isinstance(inside, list) else []


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, and a folder, are named."""
    path = tmp_path / "inventory.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="1 error"):
        load(path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        load(tmp_path)
