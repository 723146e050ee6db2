"""The rule that makes causes of symptoms, on symptoms made by hand; and the graph that it goes by."""

from __future__ import annotations

from dataclasses import replace

from edgectl.node.doctor.causes import diagnose
from edgectl.node.doctor.parts import PARTS, Graph, rank_of, title_of
from edgectl.node.doctor.symptom import NOTE, SUSPECT, UNSEEN, WRONG, Symptom


def test_what_only_lacks_does_not_explain_what_stops() -> None:
    """A store that degrades for one reason and stops for another is told both."""
    graph = Graph(frozenset({"disk", "k3s"}))
    lacks = Symptom("disk", WRONG, "E-DSK-02", "little room", stops=False)
    stops = Symptom("k3s", WRONG, "E-K3S-05", "ends at its start")
    assert [one.code for one in diagnose("n", (lacks, stops), graph).causes] == ["E-K3S-05", "E-DSK-02"]
    assert [one.code for one in diagnose("n", (replace(lacks, stops=True), stops), graph).causes] == ["E-DSK-02"]


def test_a_suspect_needs_something_to_explain() -> None:
    """Odd alone is no fault; and it explains only what its pattern fits."""
    graph = Graph(frozenset({"clock", "sink"}))
    odd = Symptom("clock", SUSPECT, "E-CLK-03", "off", stops=False, explains="certificate")
    sink = Symptom("sink", WRONG, "E-SNK-01", "refuses connections", stops=False)
    assert not diagnose("n", (odd,), graph).causes
    assert [one.code for one in diagnose("n", (odd, sink), graph).causes] == ["E-SNK-01"]
    assert [one.code for one in diagnose("n", (odd, replace(sink, says="certificate expired")), graph).causes] == [
        "E-CLK-03"
    ]


def test_notes_are_told_and_blame_nobody() -> None:
    """A pause changes no exit code."""
    found = diagnose("n", (Symptom("units", NOTE, "E-RUN-03", "paused by bob"),), Graph(frozenset()))
    assert (found.exit, found.notes) == (0, ("paused by bob",))


def test_the_graph_has_no_circle_and_rests_on_what_there_is() -> None:
    """Each part rests on parts; nothing rests on itself."""
    names = {part.name for part in PARTS}
    graph = Graph(frozenset(names))
    for part in PARTS:
        assert set(part.rests) <= names, part
        assert part.name not in {deep for below in part.rests for deep in graph.below(below)}, part
    assert rank_of("gpu-card 1") == rank_of("gpu-card")
    assert title_of("pods bus") == "pods of bus"


def test_unseen_of_a_part_that_is_known_to_be_wrong_is_no_second_word() -> None:
    """One that looked and saw wins over one that could not look."""
    seen_ = Symptom("k3s", WRONG, "E-K3S-03", "inactive", own=True)
    found = diagnose("n", (Symptom("k3s", UNSEEN, says="?"), seen_), Graph(frozenset({"k3s"})))
    assert [one.code for one in found.causes] == ["E-K3S-03"]
    assert not found.unseen
