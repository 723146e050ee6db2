"""Laws of the drift service: what it tells, what it keeps, and that nothing on the bus can fill or break it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from edgectl.stack.drift.rules import Rules
from edgectl.stack.drift.service import FILE, Service
from edgectl.stack.drift.settings import Settings, read
from edgectl.stack.ops.board import Board
from edgectl.stack.ops.event import Seen
from edgectl.wire.chain import DEGRADED, INPUT, READY
from edgectl.wire.document import canonical
from tests.unit.stack.drift.stream import MONDAY, Store, dark

QUICK = Rules(parts=1, learn_frames=60, learn_seconds=100.0, batch_frames=30, batch_seconds=60.0, batches=2)


class Clock:
    """Stands until it is moved."""

    at = MONDAY

    def now(self) -> float:
        """Return where it stands."""
        return self.at

    def monotonic(self) -> float:
        """Return where it stands."""
        return self.at

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Fail: nothing waits here."""
        raise AssertionError(seconds, stop)


class Bus:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.sent: dict[str, bytes] = {}
        self.topics: list[str] = []

    def subscribe(self, topic: str, _: Any, *, qos: int = 1) -> None:
        """Note it."""
        assert qos == 0
        self.topics.append(topic)

    def publish(self, topic: str, data: bytes, *, retain: bool = False) -> bool:
        """Keep it."""
        assert retain
        self.sent[topic] = data
        return True


class Stage:
    """The service on a synthetic store."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock, self.bus = Clock(), Bus()
        self.board = Board("drift", "1", self.clock)
        self.settings = Settings(rules=QUICK, data=str(folder), **settings)
        self.service = Service(self.settings, self.board, self.clock, self.bus)  # type: ignore[arg-type]
        self.store = Store()

    def send(self, seen: Seen | bytes) -> bool:
        """Let a frame come from the bus; says whether it was acknowledged."""
        taken: list[bool] = []
        data = seen if isinstance(seen, bytes) else canonical(seen)
        self.service.seen("vision/frames/x", data, lambda: taken.append(True))
        return bool(taken)

    def run(self, frames: int, camera: str = "door", change: Any = None) -> Stage:
        """Let so many frames of a camera come, and report."""
        for _ in range(frames):
            self.clock.at += 4
            seen = self.store.frame(camera)
            self.send(change(seen, self.store.random) if change else seen)
        self.service.report()
        return self

    def told(self, camera: str = "door") -> dict[str, Any]:
        """Return the newest summary."""
        return dict(json.loads(self.bus.sent[f"vision/drift/{camera}"]))


def test_a_finding_is_on_the_board_the_bus_and_in_the_figures(tmp_path: Path) -> None:
    """Learning, usual, dark: the board's word with its kind, the retained summary, Prometheus."""
    from prometheus_client import REGISTRY

    stage = Stage(tmp_path).run(10)
    assert stage.bus.topics == ["vision/frames/+"]
    assert stage.board.state("camera:door").reason == "learning: 10 of 60 frames; 0% of a day is learnt"
    stage.run(200)
    assert (stage.board.state("camera:door").word, stage.told()["found"]) == (READY, [])
    stage.run(120, change=dark)
    state = stage.board.state("camera:door")
    assert (state.word, state.kind) == (DEGRADED, INPUT)
    assert "dark (brightness" in state.reason
    status = stage.board.status()
    assert status.state.word == DEGRADED
    told = stage.told()
    assert [one["cause"] for one in told["found"]] == ["hardware"]
    assert told["picture"]["brightness"]["now"] < 0.2 < told["picture"]["brightness"]["learnt"]
    assert sum(hour["frames"] for hour in told["hours"]) == 330
    labels = {"camera": "door", "cause": "hardware"}
    assert REGISTRY.get_sample_value("vision_drift_found", labels) == 1
    assert status.facts["cameras"]["door"]["found"] == told["found"]


def test_what_is_said_is_so_at_once(tmp_path: Path) -> None:
    """From the first frame on it is said how far each camera is, with no report between; figures only when known.

    Seeded faults: it is said at reports alone; what is not known is told as 0.
    """
    stage = Stage(tmp_path)

    def own() -> str:
        stage.service.look()
        return stage.board.status().state.reason

    assert own() == "no camera has sent a frame yet"
    for _ in range(12):
        stage.clock.at += 2
        stage.send(stage.store.frame("door"))
    assert own() == "1 camera, learning: 12 of 60 frames"
    stage.service.report()
    told = stage.told()
    assert set(told["tiers"].values()) == {None}
    assert told["picture"]["frozen"] is told["picture"]["brightness"]["now"] is None
    for _ in range(60):
        stage.clock.at += 0.1
        stage.send(stage.store.frame("door"))
    assert own() == "1 camera, learning: 0 of 2 min"
    stage.run(200)
    assert own() == "1 camera, as learnt"
    for _ in range(3):
        stage.send(stage.store.frame("aisle"))
    assert own() == "2 cameras, 1 learning (aisle: 3 of 60 frames)"
    stage.run(120, "aisle")
    assert own() == "2 cameras, all as learnt"


def test_a_camera_that_only_the_rule_answers_is_learnt_by_its_picture(tmp_path: Path) -> None:
    stage = Stage(tmp_path).run(10, change=lambda seen, _: replace(seen, tier="rule", model="", version=""))
    assert stage.board.status().state.reason == "1 camera, learning: 10 of 60 frames"


def test_what_was_learnt_outlives_a_restart(tmp_path: Path) -> None:
    """Also that something has moved: a restart neither learns the dark nor forgets the finding."""
    stage = Stage(tmp_path).run(200).run(120, change=dark)
    stage.service.keep()
    again = Stage(tmp_path)
    assert "began with" in again.board.status().facts["memory"]
    again.service.report()
    assert again.board.state("camera:door").word == DEGRADED
    again.clock.at = stage.clock.at
    assert again.run(120).board.state("camera:door").word == READY


def test_a_reference_of_another_store_is_a_beginning(tmp_path: Path) -> None:
    """A file that was kept elsewhere stands in for learning, where nothing was learnt here."""
    Stage(tmp_path).run(200).service.keep()
    own = tmp_path / "own"
    own.mkdir()
    stage = Stage(own, reference=str(tmp_path / FILE))
    assert stage.run(120, change=dark).told()["found"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"format": 1}', '{"format":2,"parts":1,"cameras":{}}', "[" * 100_000, '{"format":1,"parts":24}'],
)
def test_a_memory_that_cannot_be_read_is_learnt_anew(tmp_path: Path, text: str) -> None:
    """Torn, foreign, of another version: said, and written over by the next."""
    (tmp_path / FILE).write_text(text)
    stage = Stage(tmp_path).run(10)
    assert FILE in stage.board.status().facts["memory"]
    stage.service.keep()
    assert "began" in Stage(tmp_path).board.status().facts["memory"]


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "missing").run(10)
    stage.service.keep()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        canonical(replace(Store().frame("door"), brightness=float("nan"))),
        canonical(replace(Store().frame("door"), scores=(float("inf"),))),
        canonical(replace(Store().frame("door"), scores=(1e308,))),
        canonical(replace(Store().frame("door"), brightness=-40.0)),
        canonical(replace(Store().frame("door"), extra={"fast": {"score": 10**400, "agreed": True}})),
        canonical(replace(Store().frame("door"), extra={"fast": {"score": "much"}})),
        canonical(replace(Store().frame("door"), extra={"fast": {}})),
        canonical(replace(Store().frame("door"), camera="a/#")),
        canonical(replace(Store().frame("door"), camera="")),
        canonical(replace(Store().frame("door"), camera="x" * 64)),
    ],
)
def test_what_is_no_frame_is_counted_and_passed_over(tmp_path: Path, data: bytes) -> None:
    """Whoever publishes it: it is acknowledged, counted, and nothing else."""
    stage = Stage(tmp_path)
    before = refused()
    assert stage.send(data)
    assert refused() == before + 1
    stage.service.report()
    assert stage.bus.sent == {}


def refused() -> float:
    from prometheus_client import REGISTRY

    return REGISTRY.get_sample_value("vision_drift_refused_total") or 0.0


def test_cameras_and_versions_are_bounded(tmp_path: Path) -> None:
    """A publisher that makes names up fills no memory."""
    stage = Stage(tmp_path, most_cameras=3)
    for number in range(50):
        stage.send(replace(stage.store.frame("door"), camera=f"c{number}"))
        stage.send(replace(stage.store.frame("door"), camera="c0", version=str(number)))
    stage.service.report()
    assert set(stage.bus.sent) == {f"vision/drift/c{number}" for number in range(3)}
    assert len(stage.service._cameras["c0"].versions) == 3


def test_a_camera_that_is_gone_for_a_week_is_forgotten(tmp_path: Path) -> None:
    """Its link, its figures and its retained summary go, too."""
    stage = Stage(tmp_path).run(10).run(10, camera="till")
    stage.clock.at += 8 * 86400
    stage.run(1, camera="till")
    assert stage.bus.sent["vision/drift/door"] == b""
    assert "camera:door" not in stage.board.status().links
    assert "camera:till" in stage.board.status().links


def test_a_camera_is_learnt_anew_on_request(tmp_path: Path) -> None:
    """It was moved: a person says so, and what is seen from now on is usual."""
    stage = Stage(tmp_path).run(200).run(120, change=dark)
    assert stage.service.learn(b'{"camera": "door"}')[0] == HTTPStatus.OK
    assert stage.board.state("camera:door").word == READY
    assert stage.run(200, change=dark).board.state("camera:door").reason == "as it was learnt"
    assert stage.service.learn(b'{"camera": "nobody"}')[0] == HTTPStatus.NOT_FOUND
    assert stage.service.learn(b"[]")[0] == stage.service.learn(b"")[0] == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"rules": {"parts": 0}}', "parts"),
        ('{"rulez": {}}', "rulez"),
        ('{"report_seconds": 0}', "report_seconds"),
        ("{", "not JSON"),
    ],
)
def test_wrong_settings_are_a_sentence(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "drift.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=named):
        read(file)


def test_settings_have_defaults(tmp_path: Path) -> None:
    file = tmp_path / "drift.json"
    file.write_text("{}")
    assert read(file) == Settings()
