"""One event from strike to row, with a scripted eye: what counts as ready hardware, and what as an interruption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from edgectl.control.accept.starts import Start
from tests.storm import storm
from tests.storm.events import Event
from tests.storm.eye import Seen, TooLate
from tests.storm.judge import Row
from tests.storm.strikes import Strikes, Struck

STARTS = (Start(1, "inference-2", ""),)


class FakeEye:
    """Serves at a moment, from a container; a plugin that has registered at another."""

    namespaces: Sequence[str] = ("vision",)

    def __init__(self, *, serving: float, container: str, registered: float = 0.0) -> None:
        self._serving = serving
        self._seen = Seen(serving, "b2", registered, *_api(container))
        self.dead_seen: dict[str, str] = {}
        self.asked: dict[str, Any] = {}

    def look(self) -> Seen:
        """Look once."""
        return self._seen

    def until(self, what: str, true: Any, *, seconds: float) -> Seen:
        """Wait for nothing: it is so, or never."""
        if not true(self._seen):
            raise TooLate(f"not within {seconds:.0f} s: {what}")
        return self._seen

    def until_serving(self, *, seconds: float) -> tuple[float, Seen]:
        """Return the moment."""
        del seconds
        return self._serving, self._seen

    def starts(self, **asked: Any) -> tuple[Start, ...]:
        """Note what was asked."""
        self.asked = asked
        return STARTS


class FakeStrikes:
    """Has struck, as told."""

    def __init__(self, eye: FakeEye, struck: Struck | Exception) -> None:
        self.eye = eye
        self._struck = struck
        self.mended = False

    def strike(self, event: Event) -> Struck:
        """Strike, or fail to."""
        del event
        if isinstance(self._struck, Exception):
            raise self._struck
        return self._struck

    def mend(self) -> None:
        """Note that it was mended."""
        self.mended = True


def _api(container: str) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    node = {"status": {"nodeInfo": {"bootID": "b2"}}}
    ready = [{"name": "inference", "ready": True, "containerID": container}]
    return node, ({"metadata": {"namespace": "vision", "name": "p"}, "status": {"containerStatuses": ready}},)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.storm.storm.time.monotonic", lambda: 100.0)


def play(eye: FakeEye, struck: Struck | Exception, event: Event) -> tuple[Row, str, FakeStrikes]:
    strikes = FakeStrikes(eye, struck)
    row, serves = storm._event(cast("Strikes", strikes), event, since=90.0, served="c1")
    assert strikes.mended, "whatever happens, the hardware is mended"
    return row, serves, strikes


def test_hardware_is_ready_when_the_last_of_it_is() -> None:
    eye = FakeEye(serving=130, container="c2", registered=115)
    row, serves, _ = play(eye, Struck(110, "b2"), Event(1, "reboot"))
    assert (row.hardware, row.serving, row.gap, row.interrupted, serves) == (15, 30, 15, True, "c2")
    assert eye.asked == {"since": 90.0, "hardware": 115, "boot": "b2"}


def test_a_deploy_that_goes_on_is_no_missing_hardware() -> None:
    """Law: time is counted from the deploy's end; entrypoints may be there before it."""
    eye = FakeEye(serving=140, container="c2", registered=115)
    row, _, _ = play(eye, Struck(110, "b2", ended=135), Event(1, "deploy", "reboot"))
    assert (row.hardware, row.gap, eye.asked["hardware"]) == (35, 5, 115)


def test_the_same_container_is_no_interruption() -> None:
    row, serves, _ = play(FakeEye(serving=100.5, container="c1"), Struck(100.2), Event(1, "daemon-reload"))
    assert (row.interrupted, serves, row.starts) == (False, "c1", STARTS)


def test_a_plugin_that_never_registers_is_a_failure_with_its_reason() -> None:
    row, serves, _ = play(FakeEye(serving=130, container="c2"), Struck(110), Event(1, "plugin kill"))
    assert "the plugin has registered again" in row.failed
    assert (row.serving, serves) == (None, "c1")


def test_a_strike_that_fails_is_a_failure_too() -> None:
    row, _, _ = play(FakeEye(serving=130, container="c2"), TooLate("not within 90 s: it runs"), Event(1, "reboot"))
    assert row.broken[0] == "not within 90 s: it runs"
