"""What outlives a restart: counted by boots, taken once, and worth nothing where it cannot be read."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.io.places import Places
from edgectl.node.reboot import record
from edgectl.node.reboot.record import GoesOn, Record, awaited, consume, goes_down, keep, read
from edgectl.node.request import DEPLOY, Request
from edgectl.wire.envelope import Sender
from edgectl.wire.verdict import StepResult, Verdict
from tests.unit.node.fake import FakeNode

CUT = GoesOn(Request("abcd1234", DEPLOY, Sender("ada", "laptop"), "now"), "boot-1", "sha256:a", 4, ("driver: x",))
FAILED = Verdict("not ready", 6, "it", (StepResult("app", "app", "failed", "it", differences=(("a", "b", "c"),)),))


def test_a_record_comes_back_as_it_was(node: FakeNode) -> None:
    """With all that the run had in hand."""
    whole = replace(CUT, changed=("a", "reboot"), before={"gpu": 2}, turned_down=FAILED)
    keep(node.places, Record({"4 driver": ("boot-1",)}, whole))
    assert read(node.places) == Record({"4 driver": ("boot-1",)}, whole)
    assert node.places.reboot.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"asked":1}', '{"goes_on":{}}', '{"newer":1}'])
def test_what_cannot_be_read_counts_as_nothing(node: FakeNode, text: str) -> None:
    """Torn, or another edgectl's: the run is a heal, and the next to ask writes it anew."""
    node.write(node.places.reboot, text)
    assert read(node.places) == Record()
    assert consume(node.places) is None


def test_restarts_are_boots_that_have_asked_and_gone() -> None:
    """Law: whoever asks twice in one boot has not restarted twice, nor once as long as that boot runs."""
    found = Record().asks(4, "driver", CUT).asks(4, "driver", CUT)
    assert found.restarts(4, "driver", "boot-1") == 0
    assert found.restarts(4, "driver", "boot-2") == 1
    assert (found.restarts(4, "nouveau", "boot-2"), found.restarts(5, "driver", "boot-2")) == (0, 0)
    again = found.asks(4, "driver", replace(CUT, boot="boot-2"))
    assert [again.restarts(4, "driver", boot) for boot in ("boot-2", "boot-3")] == [1, 2]


def test_old_causes_are_forgotten_first() -> None:
    """The record never grows for ever; the newest cause is always in it."""
    found = Record()
    for number in range(record.KEEP + 5):
        found = found.asks(number, "driver", CUT)
    assert len(found.asked) == record.KEEP
    assert found.restarts(record.KEEP + 4, "driver", "") == 1


def test_a_run_is_taken_once(node: FakeNode) -> None:
    """The counts stay."""
    keep(node.places, Record().asks(4, "driver", CUT))
    goes_down(node.places)
    assert consume(node.places) == CUT
    assert consume(node.places) is None
    assert read(node.places).restarts(4, "driver", "") == 1
    assert not record.is_going_down(node.places)


def test_a_full_disk_lets_no_run_begin_again_and_again(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken all the same."""
    keep(node.places, Record().asks(4, "driver", CUT))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(record, "write_atomic", full)
    assert consume(node.places) == CUT
    assert consume(node.places) is None


def test_a_record_is_old_or_new(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: cut at any moment of its writing, what was there before is whole."""
    keep(node.places, Record().asks(4, "driver", CUT))
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:

            def dies(*_: Any, **__: Any) -> None:
                raise KeyboardInterrupt

            patch.setattr(os, name, dies)
            with pytest.raises(KeyboardInterrupt):
                keep(node.places, Record().asks(5, "nouveau", CUT))
        assert read(node.places).restarts(4, "driver", "") == 1


def test_who_is_waited_for(node: FakeNode) -> None:
    """A machine that goes down, or has come up just now; not one that nobody has told to restart."""
    places = node.places
    assert awaited(places, node) is None
    keep(places, Record().asks(4, "driver", CUT))
    node.boot, node.booted = "boot-1", time.time()
    assert awaited(places, node) is None, "its engine was killed before it asked"
    goes_down(places)
    assert awaited(places, node) == CUT
    _restart(places)
    node.boot = "boot-2"
    assert awaited(places, node) == CUT
    node.booted = time.time() - record.COMES_BACK_SECONDS - 1
    assert awaited(places, node) is None, "its first run should have begun long ago"


def test_a_machine_that_does_not_go_down_is_not_waited_for_long(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark is of this boot's clock, and ends."""
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    goes_down(node.places)
    for now, down in ((101.0, True), (100.0 + record.GOES_DOWN_SECONDS, False), (99.0, False)):
        monkeypatch.setattr(time, "monotonic", lambda now=now: now)
        assert record.is_going_down(node.places) is down


def _restart(places: Places) -> None:
    for path in Path(places.run).iterdir():
        path.unlink()
