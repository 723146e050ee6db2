"""The marks can be bad: an answer of nothing, of everything, or in the wrong order is not right."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.doctor import answer, table
from tests.doctor.__main__ import verdict
from tests.doctor.fault import Fault, Question, Truth
from tests.doctor.marks import mark
from tests.doctor.names import denied
from tests.doctor.parts import PARTS, SYNONYMS, part_of
from tests.doctor.questions import HIDING, PAIRS, QUESTIONS, SAMPLE, SINGLE


def _nothing(_: object) -> None: ...


def _fault(name: str, part: str, *says: str, follows: tuple[str, ...] = ()) -> Fault:
    truth = Truth((part,), tuple((text,) for text in says))
    return Fault(name, truth, seed=_nothing, undo=_nothing, seen=lambda _: True, follows=follows)


DISK = _fault("disk-full", "disk", "free", follows=("uplink",))
GPU = _fault("gpu-lost", "gpu", "GPU 0", "79")
ONE = Question((GPU,))
TWO = Question((DISK, GPU))
HIDDEN = Question((DISK, GPU), hidden=True)
RIGHT = ("gpu", "GPU 0 has fallen off the bus (Xid 79).")
FULL = ("disk", "The disk has 3 MiB free.")


def said(*causes: tuple[str, str], **more: Any) -> answer.Answer:
    """Read an answer with these causes."""
    found = [{"code": "E-1", "part": part, "node": "node-1", "says": text} for part, text in causes]
    return answer.read(json.dumps({"store": "s", "causes": found, "fine": [], "unknown": [], **more}))


def test_a_right_answer_is_right() -> None:
    """Part and sentence fit, nothing else is named; synonyms and other letters count."""
    assert mark(ONE, said(RIGHT)).right
    assert mark(ONE, said(("GPU", "gpu 0: XID 79"))).right
    assert mark(ONE, said(RIGHT)).blamed == ()


@pytest.mark.parametrize(
    "given",
    [
        said(),
        said(("gpu", "A GPU is broken.")),
        said(("disk", RIGHT[1])),
        said(("bus", "mosquitto"), RIGHT),
        answer.read(""),
        answer.read("Traceback (most recent call last)"),
        answer.read("[]"),
        answer.read('{"causes": [{"part": "gpu"}]}'),
        answer.read('{"causes": [], "notes": [{"part": "gpu"}]}'),
        answer.read('{"causes": null}'),
    ],
)
def test_what_is_not_right(given: answer.Answer) -> None:
    """Nothing, a sentence without what matters, another part, a later place, and what is no document."""
    assert not mark(ONE, given).right


def test_naming_everything_blames_the_healthy() -> None:
    """Though the right one stands first; a consequence is no blame, and a word that is no part is one."""
    everything = said(RIGHT, *((part, "GPU 0 79 free") for part in PARTS))
    assert set(mark(ONE, everything).blamed) == set(PARTS) - {"gpu"}
    assert mark(Question((DISK,)), said(FULL, ("uplink", "keeps nothing"))).blamed == ()
    assert mark(ONE, said(RIGHT, ("something", "is wrong"))).blamed == ("something",)


def test_of_two_both_are_named_in_their_order() -> None:
    """The more fundamental first, unless either may be."""
    assert mark(TWO, said(FULL, RIGHT)).right
    assert mark(TWO, said(FULL)).missing == ("gpu-lost",)
    assert not mark(TWO, said(RIGHT, FULL)).right
    assert mark(Question((DISK, GPU), firsts=("disk-full", "gpu-lost")), said(RIGHT, FULL)).right


def test_a_note_will_do_where_it_is_nobodys_fault() -> None:
    """Only there, and only while no cause stands before it that is none."""
    hand = Fault("paused", Truth(("paused",), (("paused",),), noted=True), _nothing, _nothing, lambda _: True)
    alone, both = Question((hand,)), Question((hand, GPU), firsts=("paused", "gpu-lost"))
    note = ["paused by root until noon"]
    assert mark(alone, said(notes=note)).right
    assert not mark(alone, said(notes=["all is well"])).right
    assert not mark(alone, said(FULL, notes=note)).right
    assert mark(both, said(RIGHT, notes=note)).right
    assert not mark(both, said(notes=note)).right
    assert not mark(ONE, said(notes=[RIGHT[1]])).right


def test_what_is_hidden_need_not_be_named() -> None:
    """Only the one that can be seen is asked for; to name the other one is no blame, to put it first is wrong."""
    assert mark(HIDDEN, said(FULL)).right
    assert mark(HIDDEN, said(FULL, RIGHT)) == mark(HIDDEN, said(FULL))
    assert not mark(HIDDEN, said(RIGHT, FULL)).right


def test_what_is_broken_is_not_fine() -> None:
    """It is told, though it costs no mark."""
    assert mark(ONE, said(RIGHT, fine=["gpu", "disk"])).praised == ("gpu",)


def test_the_exam_is_whole() -> None:
    """Twenty and ten, each by another name, each with something to look for, of known parts; CI's are among them."""
    assert (len(SINGLE), len(PAIRS) + len(HIDING), len(QUESTIONS)) == (20, 10, 30)
    names = [question.name for question in QUESTIONS]
    assert len(set(names)) == 30
    assert set(SAMPLE) <= set(names)
    for question in QUESTIONS:
        assert question.leads
        for fault in question.faults:
            assert fault.truth.parts
            assert fault.truth.says
            assert all(group for group in fault.truth.says)
            assert set(fault.touched) <= set(PARTS), fault.name
            assert question.well, "something must be healthy"


def test_the_name_server_knows_no_name() -> None:
    """The question comes back, with that there is no such name; what else was asked beside it does not."""
    asked = b"\0\7\1\0\0\1\0\0\0\0\0\1\7exmaple\0\0\1\0\1" + b"more"
    assert denied(asked) == b"\0\7\x81\x83\0\1\0\0\0\0\0\0\7exmaple\0\0\1\0\1"


def test_no_word_means_two_parts() -> None:
    """A synonym is no part itself, and means one."""
    assert not set(SYNONYMS) & set(PARTS)
    assert set(SYNONYMS.values()) <= set(PARTS)
    assert part_of("Device Plugin") == "gpu-plugin"
    assert (part_of("gpu-card 5a9d"), part_of("pods inference"), part_of("pods")) == ("gpu", "inference", "pods")
    assert (part_of("camera aisle"), part_of("k3s-files"), part_of("disk of bus")) == ("camera", "k3s", "disk-of-bus")


def test_the_table_and_the_verdict() -> None:
    """What could not be asked is not right; one wrong blame breaks the promise, and so do three misses."""
    good = table.Row("a", said(RIGHT), mark(ONE, said(RIGHT)))
    bad = table.Row("b | c", said(), mark(ONE, said()))
    blames = table.Row("d", said(RIGHT, FULL), mark(ONE, said(RIGHT, FULL)))
    lost = table.Row("e", answer.Answer(), None, note="it does not show")
    text = table.text([good, bad, blames, lost], 4)
    assert text.startswith("2 of 4 right, healthy parts blamed: 1; could not be asked: e.\n")
    assert "| b | c | no (gpu-lost is missing) |" in text.replace("\\", "")
    assert verdict([good] * 28 + [bad] * 2, 30) == 0
    assert verdict([good] * 27 + [bad] * 3, 30) == 1
    assert verdict([good] * 29 + [blames], 30) == 1
    assert verdict([good] * 27 + [lost] * 3, 30) == 1
    assert verdict([], 0) == 1
    well, ill = replace(good, after=said()), replace(good, after=said(FULL))
    assert (verdict([well] * 30, 30), verdict([well] * 29 + [ill], 30)) == (0, 1)
    assert "mended nothing was said to be wrong: 1 of 2." in table.summary([well, ill, good], 3)
