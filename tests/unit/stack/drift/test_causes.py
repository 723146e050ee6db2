"""Laws of drift: each cause is named in time, a quiet week is quiet, and what has moved is not learnt."""

from __future__ import annotations

import copy
import functools
import random
from dataclasses import replace

import pytest

from edgectl.stack.drift.judgement import DATA, HARDWARE, LIGHT, VERSION
from edgectl.stack.drift.moved import Limits
from edgectl.stack.ops.event import Seen
from edgectl.wire.chain import INPUT, MODEL
from tests.unit.stack.drift import stream
from tests.unit.stack.drift.stream import CAMERAS, DAY, HOUR, Change, Store

NOON = DAY + 12 * HOUR
SOON = 1.2 * HOUR  # a batch of 100 frames takes 17 minutes here: three of them, and the one that is cut


@functools.cache
def _second_noon() -> Store:
    store = Store().run(NOON)
    assert store.told == []
    assert all(camera.learnt() == 1 for camera in store.cameras.values())
    return store


def learnt() -> Store:
    """Return a store on its second day at noon: all hours are learnt."""
    return copy.deepcopy(_second_noon())


@pytest.mark.parametrize("seed", range(2))
def test_a_quiet_week_is_quiet(seed: int) -> None:
    """Days, nights, clouds and customers: seven days of three cameras find nothing."""
    assert Store(seed=seed).run(7 * DAY, each=2 * stream.EACH).told == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (stream.dark, "dark"),
        (stream.fouled, "blurred"),
        (stream.fogged, "without contrast"),
        (stream.glare, "too bright"),
        (stream.frozen, "frozen"),
        (stream.flicker, "flickering"),
    ],
)
def test_one_cameras_hardware_is_named(change: Change, word: str) -> None:
    """One camera's picture moves: that camera, what is wrong with it, and nothing else; it explains the scores."""
    store = learnt()
    began = store.now
    store.run(SOON, {"door": change})
    (found,) = store.found["door"]
    assert (found.cause, found.kind) == (HARDWARE, INPUT)
    assert f"the picture is {word} (" in found.sentence
    assert "this camera alone" in found.sentence
    assert 0 <= found.since - began < 0.6 * HOUR
    assert store.causes("aisle") == store.causes("till") == []
    assert {cause for _, _, cause in store.told} == {HARDWARE}  # never another word on the way


def test_all_cameras_are_the_light() -> None:
    """Dark on most cameras at once is the store's light, not three broken cameras."""
    store = learnt()
    store.run(SOON, dict.fromkeys(CAMERAS, stream.dark))
    assert {name: store.causes(name) for name in CAMERAS} == {name: [LIGHT] for name in CAMERAS}


@pytest.mark.parametrize("where", [("door",), CAMERAS])
def test_scores_that_move_alone_are_data(where: tuple[str, ...]) -> None:
    """The picture is as it was, the model is less sure: what is seen has changed; how many cameras is said."""
    store = learnt()
    store.run(SOON, dict.fromkeys(where, stream.lower))
    for name in CAMERAS:
        assert store.causes(name) == ([DATA] if name in where else [])
    (found,) = store.found["door"]
    assert found.kind == MODEL
    assert ("on 3 of 3 cameras" if len(where) > 1 else "on this camera alone") in found.sentence
    assert "PSI" in found.sentence


def test_detections_that_are_gone_are_data() -> None:
    """No score is no reason to see nothing."""
    store = learnt()
    store.run(SOON, {"till": stream.nothing})
    assert store.causes("till") == [DATA]
    assert "hardly anything is detected" in store.found["till"][0].sentence


def test_a_new_version_is_named() -> None:
    """Scores that move exactly when a version began are the version's; two days later it is compared with itself."""
    store = learnt()
    store.version = dict.fromkeys(CAMERAS, "2")
    store.run(SOON, dict.fromkeys(CAMERAS, stream.lower))
    for name in CAMERAS:
        assert store.causes(name) == [VERSION]
    (found,) = store.found["aisle"]
    assert found.kind == MODEL
    assert "since version detector@2 answers instead of detector@1" in found.sentence
    store.run(2 * DAY, dict.fromkeys(CAMERAS, stream.lower))
    assert [store.causes(name) for name in CAMERAS] == [[], [], []]


def test_a_version_as_good_as_the_old_is_quiet() -> None:
    """A change of the version alone is nothing, and neither is the day after."""
    store = learnt()
    store.version = dict.fromkeys(CAMERAS, "2")
    assert store.run(3 * DAY).told == []


def test_what_moved_before_a_version_is_not_the_versions() -> None:
    """Data drift that a new model does not cure stays data drift."""
    store = learnt()
    store.run(SOON, dict.fromkeys(CAMERAS, stream.lower))
    store.version = dict.fromkeys(CAMERAS, "2")
    store.run(SOON, dict.fromkeys(CAMERAS, stream.lower))
    assert store.causes("door") == [DATA]


def test_what_moves_hours_after_a_version_is_not_the_versions() -> None:
    """A version that was well for hours is not the cause."""
    store = learnt()
    store.version = dict.fromkeys(CAMERAS, "2")
    store.run(3 * HOUR)
    store.run(SOON, dict.fromkeys(CAMERAS, stream.lower))
    assert store.causes("door") == [DATA]


def test_a_candidate_beside_the_current_is_told_apart() -> None:
    """Of two versions that answer in turns (a canary), the one whose scores have moved is named."""
    store = learnt()

    def canary(seen: Seen, draw: random.Random) -> Seen:
        return stream.lower(replace(seen, version="2"), draw) if draw.random() < 0.5 else seen

    store.run(2 * SOON, dict.fromkeys(CAMERAS, canary))
    assert store.causes("door") == [VERSION]
    assert not store.cameras["door"].versions["detector@1"].latch.on
    store.run(4 * HOUR)  # taken back
    assert store.causes("door") == []


def test_a_picture_that_is_a_little_off_explains_scores() -> None:
    """Too little for a word of its own, but the scores moved with it: the camera is looked at first."""
    store = learnt()
    store.run(SOON, {"door": stream.slightly_dimmed})
    (found,) = store.found["door"]
    assert (found.cause, found.kind) == (HARDWARE, INPUT)
    assert "brightness" in found.sentence


def test_scores_that_moved_first_are_not_explained_by_a_lens_that_darkens_later() -> None:
    """Who moved first explains who moved later, not the other way round: both are told."""
    store = learnt()
    store.run(3 * HOUR, {"door": stream.lower})
    store.run(SOON, {"door": stream.dark})
    assert store.causes("door") == [HARDWARE, DATA]


def test_one_odd_batch_is_nothing_and_one_good_batch_no_cure() -> None:
    """Hysteresis, both ways: three in a row are needed to say it and to take it back."""
    store = learnt()
    store.run(0.5 * HOUR, {"door": stream.dark})
    store.run(2 * HOUR)
    assert store.told == []
    store.run(SOON, {"door": stream.dark})
    assert store.causes("door") == [HARDWARE]
    store.run(0.3 * HOUR)
    store.run(HOUR, {"door": stream.dark})
    assert [cause for _, _, cause in store.told] == [HARDWARE]
    store.run(1.5 * HOUR)
    assert store.causes("door") == []


def test_what_has_moved_is_not_learnt() -> None:
    """A lens that went dark when half a day was learnt is dark two days later: the other half did not learn it."""
    store = Store(("door", "till")).run(12 * HOUR)
    store.cameras["door"].pictures["12"] = store.cameras["door"].pictures["11"]  # noon is known, the evening is not
    store.run(2 * DAY, {"door": stream.dark})
    assert store.causes("door") == [HARDWARE]
    assert "20" not in store.cameras["door"].pictures
    assert "20" in store.cameras["till"].pictures


def test_a_lens_that_was_cleaned_takes_its_scores_with_it() -> None:
    """What the picture explained is not left behind as a finding when too few detections come to tell."""
    store = learnt()
    store.run(SOON, {"door": stream.fouled})
    (version,) = store.cameras["door"].versions.values()
    assert version.latch.on
    version._rules = replace(version._rules, limits=Limits(least_scores=10**6))  # from here on nobody can tell
    store.run(SOON)
    assert store.causes("door") == []


def test_the_rule_tier_says_nothing_of_the_model() -> None:
    """While inference is away motion alone answers: the scores of that are nobody's, and no finding."""
    store = learnt()
    away = lambda seen, _: replace(seen, tier="rule", model="", version="", scores=(0.1,))  # noqa: E731
    assert store.run(5 * HOUR, dict.fromkeys(CAMERAS, away)).told == []
    assert store.cameras["door"].versions["detector@1"].now.share("rule") == 1
