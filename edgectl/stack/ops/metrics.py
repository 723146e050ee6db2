"""The services' metrics: made when they are first asked for, the same one for the same name, named by one rule.

Owns: the rule (`vision_SERVICE_WHAT_UNIT`, base units, counters end in _total) and that asking twice is no error. Must
not know what is measured.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

SERVICES = ("camera", "inference", "bus", "uplink", "sink", "drift", "trace")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

Made = TypeVar("Made")
_NAME = re.compile(rf"vision_(?:{'|'.join(SERVICES)})(?:_[a-z0-9]+)+")
_ODD_UNITS = re.compile(r"_(?:ms|millis|milliseconds|minutes|hours|kb|mb|kib|mib|percent)(?:_total)?$")
_lock = threading.Lock()
_made: dict[str, Any] = {}


def counter(name: str, about: str, labels: Sequence[str] = ()) -> Counter:
    """Return a number that only grows; its name ends in _total."""
    from prometheus_client import Counter

    return _once(Counter, name, about, labels, total=True)


def gauge(name: str, about: str, labels: Sequence[str] = ()) -> Gauge:
    """Return a number that is what it is now."""
    from prometheus_client import Gauge

    return _once(Gauge, name, about, labels)


def histogram(name: str, about: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS) -> Histogram:
    """Return a distribution."""
    from prometheus_client import Histogram

    return _once(Histogram, name, about, labels, buckets=tuple(buckets))


def wrong(name: str, *, total: bool) -> str:
    """Return what is wrong with a metric's name in one sentence, "" when nothing is."""
    if not _NAME.fullmatch(name):
        return f"{name} is not vision_SERVICE_WHAT with one of {', '.join(SERVICES)}"
    if _ODD_UNITS.search(name):
        return f"{name} is not in a base unit (seconds, bytes, ratio)"
    if name.endswith("_total") != total:
        return f"{name}: a counter's name ends in _total, and no other's does"
    return ""


def _once(kind: type[Made], name: str, about: str, labels: Sequence[str], *, total: bool = False, **more: Any) -> Made:
    with _lock:
        found = _made.get(name)
        if found is None:
            if sentence := wrong(name, total=total):
                raise ValueError(sentence)
            found = _made[name] = kind(name, about, tuple(labels), **more)  # type: ignore[call-arg]
        if not isinstance(found, kind):
            raise ValueError(f"{name} is a {type(found).__name__} already")
        return found
