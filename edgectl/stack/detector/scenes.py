"""Made-up pictures of a store and what is in them: persons and carts before shelves, in noise and changing light.

Owns: how they look and how they move. A picture follows from its numbers alone. More pixels show the same scene larger.
Must not know who looks at it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.detector.decode import box
from edgectl.stack.detector.shape import LABELS, SIDE
from edgectl.stack.detector.stream import Stream, noise
from edgectl.stack.ops.event import Detection

PERSON, CART = LABELS
_EMPTY = 0.2  # of the frames show nobody
_MOST = 3  # things in a frame
_CROWDED = 0.12  # boxes of a frame overlap at most so much (IoU)
_SHOWN = 0.5  # of a thing has to be in the frame, else it is not there
_WAY = 2.6 * SIDE  # of a walk, most of it outside: there are times when nobody is in the picture
_STEP_SECONDS = 0.1
_WIRES = 6

_SKIN = ((236, 200, 170), (198, 144, 110), (141, 92, 62), (88, 56, 40))
_CLOTHES = ((192, 40, 44), (36, 68, 160), (28, 120, 72), (230, 190, 40), (120, 50, 140), (240, 240, 240), (40, 40, 48))
_TROUSERS = ((36, 40, 60), (70, 60, 52), (24, 24, 26), (90, 96, 110))
_WHEELS = (30, 30, 34)
_GOODS = ((200, 80, 60), (70, 120, 180), (220, 190, 90), (90, 150, 90), (180, 180, 190), (150, 100, 150))

Frame = NDArray[np.uint8]
Canvas = NDArray[np.float32]
Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Thing:
    """A person or a cart; lengths are in pixels of a picture of SIDE."""

    label: str
    x: float  # centre
    foot: float  # where it stands
    height: float
    width: float
    first: Colour
    second: Colour
    third: Colour
    gait: float  # -1 to 1: how far the legs are apart; below 0 the handle is on the left

    def corners(self) -> NDArray[np.float64]:
        """Return left, top, right, bottom."""
        return np.array([self.x - self.width / 2, self.foot - self.height, self.x + self.width / 2, self.foot])


def frame(seed: int, side: int = SIDE) -> tuple[Frame, tuple[Detection, ...]]:
    """Return picture number `seed`, (side, side, 3) RGB, and what is in it."""
    stream = Stream(f"scene {seed}")
    light, wanted = stream.number(0.55, 1.15), 0 if stream.number() < _EMPTY else 1 + stream.index(_MOST)
    things: list[Thing] = []
    for _ in range(4 * wanted):
        thing = _thing(stream, stream.number(0, SIDE))
        if len(things) < wanted and not any(_crowd(thing, other) for other in things):
            things.append(thing)
    return _picture(_background(seed, side), tuple(things), light, f"frame {seed}")


def motion(seed: int, step: int, side: int = SIDE) -> tuple[Frame, tuple[Detection, ...]]:
    """Return picture `step` of the film `seed` (10 a second), (side, side, 3) RGB, and what is in it."""
    stream = Stream(f"film {seed}")
    things: list[Thing] = []
    for _ in range(_MOST):
        thing = _thing(stream, 0)
        speed = stream.number(8, 22) * stream.choice((-1, 1)) * _STEP_SECONDS
        x = (stream.number(0, _WAY) + speed * step) % _WAY - (_WAY - SIDE) / 2
        gait = math.sin(speed * step) if thing.label == PERSON else -math.copysign(1, speed)  # a cart is pushed
        walked = replace(thing, x=x, gait=gait)
        if not any(_crowd(walked, other) for other in things):  # who would stand in another's way comes another time
            things.append(walked)
    light = stream.number(0.7, 1.0) + 0.12 * math.sin(step / 170 + stream.number(0, 6))
    return _picture(_background(seed, side), tuple(things), light, f"film {seed} {step}")


def _thing(stream: Stream, x: float) -> Thing:
    """Return a person or a cart as the stream will have it."""
    foot = stream.number(34, 62)
    near = 0.7 + 0.3 * (foot - 34) / 28  # what stands further up is further away
    if stream.number() < 0.55:  # noqa: PLR2004 - a few more persons than carts
        height = stream.number(26, 38) * near
        width = height * stream.number(0.36, 0.46)
        skin, clothes, trousers = stream.choice(_SKIN), stream.choice(_CLOTHES), stream.choice(_TROUSERS)
        return Thing(PERSON, x, foot, height, width, skin, clothes, trousers, stream.number(-1, 1))
    width = stream.number(18, 28) * near
    height = width * stream.number(0.72, 0.92)
    steel = stream.number(150, 215)
    metal, handle = (steel, steel, steel + 8), stream.choice(_CLOTHES)
    return Thing(CART, x, foot, height, width, metal, handle, _WHEELS, stream.choice((-1, 1)))


def _crowd(one: Thing, other: Thing) -> bool:
    a, b = one.corners(), other.corners()
    both = math.prod(max(0.0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    return both > _CROWDED * min(one.width * one.height, other.width * other.height)


def _picture(ground: Canvas, things: tuple[Thing, ...], light: float, name: str) -> tuple[Frame, tuple[Detection, ...]]:
    """Draw things on the background, the furthest first."""
    side = ground.shape[0]
    canvas, scale, found = ground.copy(), side / SIDE, []
    for thing in sorted(things, key=lambda one: one.foot):
        whole = thing.corners() / SIDE
        shown = np.clip(whole, 0.0, 1.0)
        if np.prod(shown[2:] - shown[:2]) < _SHOWN * np.prod(whole[2:] - whole[:2]):
            continue
        (_person if thing.label == PERSON else _cart)(canvas, thing, scale)
        found.append(Detection(thing.label, 1.0, box(shown)))
    grain = noise(name, 2 * side * side).reshape(2, side, side, 1).astype(np.float32)
    canvas *= light
    canvas += (grain[0] - grain[1]) * 0.05
    return np.clip(canvas, 0, 255).astype(np.uint8), tuple(found)


@lru_cache(maxsize=16)  # a film has one background
def _background(seed: int, side: int) -> Canvas:
    """Draw shelves full of goods, and the floor."""
    stream, scale = Stream(f"shelves {seed}"), side / SIDE
    canvas = np.empty((side, side, 3), dtype=np.float32)
    tone, floor = stream.number(110, 190), stream.number(20, 34)
    canvas[:] = (tone, tone * stream.number(0.94, 1.0), tone * stream.number(0.85, 1.0))
    top = stream.number(2, 8)
    while top < floor:
        deep, x = stream.number(7, 11), -stream.number(0, 6)
        while x < SIDE:
            wide = stream.number(3, 9)
            if stream.number() < 0.8:  # noqa: PLR2004 - else the place is sold out
                goods, shade = stream.choice(_GOODS), stream.number(0.5, 0.95)
                high = deep * stream.number(0.45, 0.85)
                _bar(canvas, scale, (x, top + deep - high, x + wide - 0.8, top + deep), _shaded(goods, shade))
            x += wide
        _bar(canvas, scale, (0, top + deep, SIDE, top + deep + 1.2), (tone * 0.5, tone * 0.48, tone * 0.45))
        top += deep + 1.2
    tile = stream.number(120, 205)
    _bar(canvas, scale, (0, top, SIDE, SIDE), (tile, tile, tile * 0.96))
    for x in np.arange(stream.number(0, 12), SIDE, stream.number(11, 18)).tolist():
        _bar(canvas, scale, (x, top, x + 0.9, SIDE), (tile * 0.86, tile * 0.86, tile * 0.82))
    canvas.flags.writeable = False
    return canvas


def _person(canvas: Canvas, thing: Thing, scale: float) -> None:
    x, foot, height, width = thing.x, thing.foot, thing.height, thing.width
    hip, neck = foot - 0.46 * height, foot - 0.8 * height
    apart = width * (0.1 + 0.12 * thing.gait)
    for leg in (-1, 1):
        middle = x + leg * (0.12 * width + apart)
        _bar(canvas, scale, (middle - 0.13 * width, hip, middle + 0.13 * width, foot), thing.third)
    _bar(canvas, scale, (x - 0.32 * width, neck, x + 0.32 * width, hip), thing.second)
    for arm in (-1, 1):
        middle = x + arm * 0.41 * width
        _bar(
            canvas,
            scale,
            (middle - 0.09 * width, neck + 0.02 * height, middle + 0.09 * width, hip),
            _shaded(thing.second, 0.75),
        )
    _disc(canvas, scale, (x, foot - 0.9 * height), 0.1 * height, thing.first)


def _cart(canvas: Canvas, thing: Thing, scale: float) -> None:
    left, top, right, foot = (float(value) for value in thing.corners())
    width, height = thing.width, thing.height
    wheel = 0.11 * height
    basket = foot - 0.38 * height
    _bar(
        canvas,
        scale,
        (left + 0.12 * width, top + 0.34 * height, right - 0.12 * width, basket),
        _shaded(thing.second, 0.8),
    )
    for part in range(_WIRES):  # the wires of the basket
        at = left + width * part / (_WIRES - 1)
        _bar(canvas, scale, (at - 0.5, top + 0.22 * height, at + 0.5, basket), thing.first)
    for y in (top + 0.22 * height, basket - 0.16 * height, basket):
        _bar(canvas, scale, (left, y - 0.5, right, y + 0.6), thing.first)
    _bar(
        canvas,
        scale,
        (left + 0.1 * width, foot - 2 * wheel - 0.6, right - 0.1 * width, foot - 2 * wheel + 0.6),
        thing.first,
    )
    handle = left if thing.gait < 0 else right
    _bar(canvas, scale, (handle - 0.8, top, handle + 0.8, basket), thing.second)
    for at in (0.2, 0.8):
        _disc(canvas, scale, (left + at * width, foot - wheel), wheel, thing.third)


def _shaded(colour: Colour, shade: float) -> Colour:
    return colour[0] * shade, colour[1] * shade, colour[2] * shade


def _bar(canvas: Canvas, scale: float, corners: tuple[float, float, float, float], colour: Colour) -> None:
    left, top, right, bottom = (max(0, round(value * scale)) for value in corners)
    canvas[top:bottom, left:right] = colour


def _disc(canvas: Canvas, scale: float, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    x, y, radius = (value * scale for value in (*centre, radius))
    left, top = max(0, int(x - radius)), max(0, int(y - radius))
    part = canvas[top : max(0, int(y + radius) + 1), left : max(0, int(x + radius) + 1)]
    rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
    inside = (rows + top + 0.5 - y) ** 2 + (columns + left + 0.5 - x) ** 2 <= radius**2
    part[inside] = colour
