"""What a storm prints: every event in one row, every broken law in it."""

from __future__ import annotations

import json

from edgectl.control.accept.starts import Start
from tests.storm import tables
from tests.storm.judge import Row

ROWS = [
    Row(1, "reboot", hardware=10.0, serving=22.5, starts=(Start(1, "pod", ""),), dead_seen=1),
    Row(2, "daemon-reload", hardware=0.2, serving=0.3, interrupted=False),
    Row(
        3, "power cut", hardware=9.0, starts=(Start(2, "pod", "before any proof of its boot"),), failed="not | serving"
    ),
]


def test_a_table_has_a_row_an_event_and_as_many_cells_each() -> None:
    found = tables.table(ROWS).splitlines()
    assert len(found) == 2 + len(ROWS)
    assert {line.count("|") for line in found} == {11}
    assert found[2] == "| 1 | reboot | 10.0 s | 22.5 s | 12.5 s | 1 | 0 | 1 | 0 | yes |"
    assert "went on" in found[3]
    assert "NO: not / serving; pod started before any proof of its boot" in found[4]


def test_a_summary_counts_what_the_laws_ask() -> None:
    said = tables.summary(ROWS)
    assert "| entrypoints without proof: 0 | 1 of 2 |" in said
    assert "| pods left dead: 0 | 0 (1 seen) |" in said
    assert "| 12.5 s (worst 12.5 s, of 1 events that ended an entrypoint) |" in said


def test_a_document_can_be_read_again() -> None:
    doc = json.loads(json.dumps(tables.document(ROWS, seed=7, baseline=[])))
    assert (doc["seed"], [event["gap"] for event in doc["events"]]) == (7, [12.5, 0.09999999999999998, None])
    assert any(what.startswith("event 3 (power cut): not | serving") for what in doc["broken"])


def test_guard_on_and_off_stand_side_by_side() -> None:
    off = [Row(1, "reboot", 10, 20, starts=(Start(1, "p", "before any proof of its boot"),), dead_left=("a (b)",))]
    said = tables.beside(ROWS[:1], off).splitlines()
    assert said[2:] == ["| guard on | 1 | 0 | 0 of 1 |", "| guard off | 1 | 1 | 1 of 1 |"]
