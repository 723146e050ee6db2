"""What the camera service is told: its cameras, where inference and the bus are, how much it keeps.

Owns: the file's shape, its defaults, and what in it cannot be meant. Must not know how anything is read or sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from urllib.parse import quote, urlsplit

from edgectl.stack.ops.settings import BusAddress
from edgectl.stack.ops.settings import read as told

ALL, DETECTIONS = MODES = ("all", "detections")
SYNTHETIC, FILE, RTSP, V4L2 = ("synthetic", "file", "rtsp", "v4l2")
SOURCES = "synthetic:SEED, file:PATH, rtsp://HOST/PATH or v4l2:/dev/videoN"

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")  # a topic, a label and a link at once
_TAKEN = ("canary",)


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera. Seconds are the store's clock's, but for `silent_seconds`, which a socket keeps."""

    source: str
    fps: float = 5.0  # frames a second that are looked at; what comes faster is passed over
    motion: float = 0.004  # mean change of the picture (0 to 1) from which a frame is judged; 0: every frame
    idle_seconds: float = 10.0  # one frame is judged at least so often, whether anything moves or not
    frozen_seconds: float = 60.0  # the same picture, bit for bit, for so long: the camera is stuck; 0: never
    silent_seconds: float = 5.0  # no frame for so long: it is opened anew
    width: int = 0  # what the camera should give; 0: whatever it gives
    height: int = 0


@dataclass(frozen=True, slots=True)
class Inference:
    """Who is asked what is in a frame, and how long it is waited for."""

    url: str = "http://inference:8000"
    model: str = "tiny-detector"
    side: int = 64  # pixels of the square that the model sees
    deadline_ms: float = 400.0
    threshold: float = 0.5  # score from which something is a detection
    workers: int = 2  # frames that are asked about at the same time


@dataclass(frozen=True, slots=True)
class OutboxRoom:
    """How many events wait in memory for the uplink's receipt, and when one is sent again."""

    events: int = 10_000
    resend_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Events:
    """Which frames become events, and how often a camera may tell."""

    mode: str = DETECTIONS
    min_interval_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Reference:
    """The canary's frame: a picture file; without one a scene of the reference model's."""

    file: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. `name` is who waits for the receipts: `vision/receipts/NAME`."""

    name: str = "camera"
    cameras: dict[str, Camera] = field(default_factory=dict)
    inference: Inference = Inference()
    bus: BusAddress = field(default_factory=BusAddress)
    outbox: OutboxRoom = OutboxRoom()
    events: Events = Events()
    canary: Reference = Reference()


def read(file: Path) -> Settings:
    """Return what a file says; ValueError names everything in it that cannot be meant."""
    settings = told(Settings, file)
    wrong = list(problems(settings))
    if wrong:
        raise ValueError("; ".join(wrong))
    return settings


def problems(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each thing that cannot be meant."""
    for name, camera in settings.cameras.items():
        yield from _of_camera(name, camera)
    inference, outbox, events = settings.inference, settings.outbox, settings.events
    if not _NAME.fullmatch(settings.name):
        yield f"name: {settings.name!r} must be small letters, digits and .-_"
    if urlsplit(inference.url).scheme != "http":
        yield f"inference.url: {inference.url!r} must be http://HOST:PORT"
    yield from _within("inference.side", inference.side, 8, 4096)
    yield from _within("inference.deadline_ms", inference.deadline_ms, 1, 60_000)
    yield from _within("inference.threshold", inference.threshold, 0, 1)
    yield from _within("inference.workers", inference.workers, 1, 64)
    yield from _within("outbox.events", outbox.events, 1, 100_000)
    yield from _within("outbox.resend_seconds", outbox.resend_seconds, 0.1, 86_400)
    yield from _within("events.min_interval_seconds", events.min_interval_seconds, 0, 86_400)
    if events.mode not in MODES:
        yield f"events.mode: {' or '.join(MODES)}, not {events.mode!r}"


def _of_camera(name: str, camera: Camera) -> Iterator[str]:
    where = f"cameras.{name}"
    if not _NAME.fullmatch(name) or name in _TAKEN:
        yield f"{where}: a camera's name is small letters, digits and .-_, and not {' or '.join(_TAKEN)}"
    if kind_of(camera.source) is None:
        yield f"{where}.source: {redacted(camera.source)!r} is not {SOURCES}"
    yield from _within(f"{where}.fps", camera.fps, 0.001, 240)
    yield from _within(f"{where}.motion", camera.motion, 0, 1)
    yield from _within(f"{where}.silent_seconds", camera.silent_seconds, 0.1, 3600)
    if camera.width < 0 or camera.height < 0:
        yield f"{where}: width and height are pixels; 0 is whatever comes"


def _within(where: str, value: float, low: float, high: float) -> Iterator[str]:
    if not low <= value <= high:  # also what is no number
        yield f"{where}: {low:g} to {high:g}, not {value:g}"


def kind_of(source: str) -> str | None:
    """Return which of the kinds of sources this is; None for no one."""
    kind, colon, rest = source.partition(":")
    if not colon or not rest or kind not in {SYNTHETIC, FILE, RTSP, V4L2}:
        return None
    if kind == RTSP and not rest.startswith("//"):
        return None
    if kind == SYNTHETIC and not rest.isdecimal():
        return None
    return kind


def filled(source: str, env: Mapping[str, str]) -> str:
    """Put the environment's values in the place of $NAME, escaped for a URL; ValueError names the one that is missing.

    So a camera's password comes from a Secret and stands in no ConfigMap.
    """
    try:
        return Template(source).substitute({name: quote(value, safe="") for name, value in env.items()})
    except KeyError as error:
        raise ValueError(f"${error.args[0]} is not in the environment") from error
    except ValueError:
        raise ValueError("a $ must be followed by the name of a variable; for a $ itself write $$") from None


def redacted(source: str) -> str:
    """Return a source for people: no user, no password, no query."""
    if kind_of(source) != RTSP:
        return source
    parts = urlsplit(source)
    return f"rtsp://{parts.netloc.rpartition('@')[2]}{parts.path}"
