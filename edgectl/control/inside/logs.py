"""What pods write, line by line, from the newest ones or as it comes.

Owns: that no line comes twice and none is lost when the link was away. Must not know how they are shown.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from edgectl.control.inside.asked import CONNECT_SECONDS, READ_SECONDS, Asking, pieces
from edgectl.control.inside.plain import plain
from edgectl.control.inside.pods import Pod

_FOLLOW_SECONDS = 24 * 3600.0  # a pod may be quiet; a link that is lost ends the wait by itself
_BACK_SECONDS = 600.0
_MARGIN_SECONDS = 60.0  # lines under way when the link was lost
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when it was written (the node's clock; "" where nobody says) and what, as it may be shown.

    One that is too long to be held comes as several, all of one time.
    """

    pod: str
    container: str
    time: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines of a container: of the one before its last restart, the newest, since so many seconds."""

    previous: bool = False
    tail: int = 200
    since: float | None = None


def read(asking: Asking, pod: Pod, container: str, wanted: Wanted) -> Iterator[Line]:
    """Yield the lines that are there."""
    options: dict[str, Any] = {"tail_lines": wanted.tail}
    if wanted.since is not None:
        options["since_seconds"] = max(1, math.ceil(wanted.since))
    response = _ask(asking, pod, container, READ_SECONDS, previous=wanted.previous, **options)
    for line, _ in _told(pod, container, response):
        yield line


def follow(
    asking: Asking, pod: Pod, container: str, wanted: Wanted, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Line]:
    """Yield the lines that are there and those that come, until the container ends; over any loss of the link."""
    from urllib3.exceptions import HTTPError

    last, is_new, heard = "", True, clock()
    options: dict[str, Any] = {"tail_lines": wanted.tail}
    if wanted.since is not None:
        options["since_seconds"] = max(1, math.ceil(wanted.since))
    while True:
        try:
            response = _ask(asking, pod, container, _FOLLOW_SECONDS, follow=True, **options)
            for line, begins in _told(pod, container, response):
                heard = clock()
                if begins:
                    is_new, last = not line.time or line.time > last, max(last, line.time)
                if is_new:
                    yield line
        except (HTTPError, OSError):
            pass
        else:
            if asking.there.is_up():
                return
        if not asking.there.wait(_BACK_SECONDS):
            return
        options = {"since_seconds": math.ceil(clock() - heard + _MARGIN_SECONDS)}


def _ask(asking: Asking, pod: Pod, container: str, seconds: float, **options: Any) -> Any:
    return asking.answer(
        asking.api.read_namespaced_pod_log,
        pod.name,
        pod.namespace,
        container=container,
        timestamps=True,
        _request_timeout=(CONNECT_SECONDS, seconds),
        **options,
    )


def _told(pod: Pod, container: str, response: Any) -> Iterator[tuple[Line, bool]]:
    """Yield lines, each with whether it begins there: what a long one goes on with has no time of its own."""
    when = ""
    for text, begins in pieces(response):
        said = text
        if begins:
            first, _, rest = text.partition(" ")
            when, said = (first, rest) if _TIME.fullmatch(first) else ("", text)
        yield Line(pod.name, container, when, plain(said)), begins
