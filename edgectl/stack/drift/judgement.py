"""Why something has moved: the camera, the light, what the cameras see, or a new version of the model. Pure.

Owns: hysteresis (`Latch`) and the order of causes. Who moved first explains who moved later: a dark lens moves the
scores, too. Must not know frames, files or the bus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edgectl.stack.drift.moved import BLURRED, BRIGHT, CALM, DARK, FLICKERS, FOGGED, FROZEN, Moved
from edgectl.wire.chain import INPUT, MODEL

HARDWARE, LIGHT, DATA, VERSION = CAUSES = ("hardware", "light", "data", "version")

_LOOK_AT = {
    DARK: "look at its lens, what stands before it, and its light",
    BRIGHT: "look at its exposure, and what shines into it",
    FOGGED: "clean its lens; dust, steam and night mode do this",
    BLURRED: "clean and focus its lens",
    FROZEN: "restart it: it repeats one picture",
    FLICKERS: "look at its power, its exposure and the lamp before it",
}


@dataclass(frozen=True, slots=True)
class Latch:
    """On after so many batches that have moved, one after the other; off after so many that are well again."""

    on: bool = False
    count: int = 0  # of batches that speak against `on`
    since: float = 0.0  # while on, and while counting towards it: when the first of them began
    word: str = ""
    sentence: str = ""
    leans: str = ""  # how the picture was not quite the same already when the answers moved

    def fed(self, moved: Moved, began: float, batches: int, leans: str = "") -> Latch:
        """Return the latch after one more batch, which began then."""
        if moved.strength >= 1:
            start = self if self.on or self.count else Latch(since=began, leans=leans)
            on = start.on or start.count + 1 >= batches
            return Latch(on, 0 if on else start.count + 1, start.since, moved.word, moved.sentence, start.leans)
        if not self.on:
            return Latch()
        if moved.strength >= CALM:
            return replace(self, count=0)
        return replace(self, count=self.count + 1) if self.count + 1 < batches else Latch()


@dataclass(frozen=True, slots=True)
class View:
    """One camera as the judgement sees it. `version_since`: when this version first answered it, 0: it always has."""

    picture: Latch = Latch()
    answers: Latch = Latch()
    version: str = ""
    version_since: float = 0.0
    before: str = ""  # the version before it
    batch_seconds: float = 0.0  # how exactly a beginning is known


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one camera's frames or answers."""

    cause: str
    kind: str
    sentence: str
    since: float


def judge(views: Mapping[str, View]) -> dict[str, tuple[Finding, ...]]:
    """Return what is found, by camera; nothing is found where nothing has moved for long enough."""
    return {camera: (*_of_picture(camera, views), *_of_answers(camera, views)) for camera in views}


def _of_picture(camera: str, views: Mapping[str, View]) -> tuple[Finding, ...]:
    latch = views[camera].picture
    if not latch.on:
        return ()
    alike = [name for name, view in views.items() if view.picture.on and view.picture.word == latch.word]
    if len(alike) > 1 and len(alike) * 2 > len(views):
        told = f"the picture is {latch.sentence}, on {len(alike)} of {len(views)} cameras: the light, not a camera"
        return (Finding(LIGHT, INPUT, told, latch.since),)
    alone = "this camera alone: " if len(views) > 1 and len(alike) == 1 else ""
    return (Finding(HARDWARE, INPUT, f"the picture is {latch.sentence}; {alone}{_LOOK_AT[latch.word]}", latch.since),)


def _of_answers(camera: str, views: Mapping[str, View]) -> tuple[Finding, ...]:
    view, latch = views[camera], views[camera].answers
    if not latch.on or _explained(view):
        return ()
    if latch.leans:
        told = f"{latch.sentence}, and so has the picture ({latch.leans}): look at the camera first"
        return (Finding(HARDWARE, INPUT, told, latch.since),)
    if view.version_since and view.version_since <= latch.since <= view.version_since + view.batch_seconds:
        told = (
            f"{latch.sentence} since version {view.version} answers instead of {view.before}; the picture is as it was"
        )
        return (Finding(VERSION, MODEL, told, latch.since),)
    alike = [name for name, other in views.items() if other.answers.on and not _explained(other)]
    where = f"{len(alike)} of {len(views)} cameras" if len(alike) > 1 else "this camera alone" if len(views) > 1 else ""
    told = f"{latch.sentence} while the picture is as it was" + (f", on {where}" if where else "")
    return (Finding(DATA, MODEL, f"{told}: what is seen is not what the model was learnt on", latch.since),)


def _explained(view: View) -> bool:
    """Tell whether the picture has moved, or is about to have moved, no later than the answers did."""
    moves = view.picture.on or view.picture.count > 0
    return moves and view.picture.since <= view.answers.since + view.batch_seconds
