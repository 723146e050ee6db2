"""The clock before k3s starts: never earlier than this node was on before, and synchronised if that comes in time.

Run by edgectl-clock.service. What it cannot bring about it says, and ends well: k3s must start all the same. Owns the
file whose time is the last that this node knew; the watchdog and the engine keep it. Imports little, k3s waits for it.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgectl.node.io import programs
from edgectl.node.io.places import Places
from edgectl.node.startup.part import part, say

KEEP_SECONDS = 600.0
INSANE_SECONDS = 30.0  # how long a clock that cannot be right is waited for, whatever is declared
FAR_SECONDS = 2 * 365 * 86400.0  # a node may lie in a box for long; beyond it, the clock is in doubt
SANE_YEAR = 2025  # as in host/preflight.sh
_BEHIND_SECONDS = 60.0  # hardware clocks drift, and the file's time is late by nothing
_EVERY_SECONDS = 1.0
_ASK_SECONDS = 15.0
_SCRIPT = Path(__file__).parents[1] / "host/time.sh"
_UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
_TIMEX_BYTES = 512  # more than any struct timex; modes = 0: nothing is changed


def clock_boot(places: Places) -> None:
    """Bring the clock as near to the truth as is possible before k3s."""
    servers, seconds = _declared(part(places))
    ClockBoot(places, ask=lambda: _ask(servers)).run(seconds)


class ClockBoot:
    """One boot. Time is handed in."""

    def __init__(
        self,
        places: Places,
        *,
        ask: Callable[[], tuple[int, str]],
        now: Callable[[], float] = time.time,
        set_clock: Callable[[float], None] = lambda seconds: time.clock_settime(time.CLOCK_REALTIME, seconds),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        say: Callable[[str], None] = say,
    ) -> None:
        self._places = places
        self._ask = ask
        self._now = now
        self._set = set_clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._say = say

    def run(self, wait_seconds: float) -> None:
        """Lift the clock where it must be, then wait for synchronisation, so long at most; then k3s starts."""
        self._lift()
        if wait_seconds > 0 or not self._sane():
            self._wait(wait_seconds if self._sane() else max(wait_seconds, INSANE_SECONDS), declared=wait_seconds > 0)

    def _lift(self) -> None:
        known, now = last_known(self._places), self._now()
        if known is None:
            return
        if now > known + FAR_SECONDS:
            self._say(
                f"the clock says {_day(now)}, more than {FAR_SECONDS / 31536000:.0f} years after this node was last "
                f"on ({_day(known)}). It is not set back; if it is wrong, set it: date -s, then hwclock -w"
            )
        if now >= known - _BEHIND_SECONDS:
            return
        sentence = f"the clock says {_day(now)}, and this node was on at {_day(known)} already (a dead battery?)"
        try:
            self._set(known)
        except OSError as error:
            self._say(f"{sentence}; it cannot be set: {error.strerror or error}")
        else:
            self._say(f"{sentence}; set to that")

    def _wait(self, limit_seconds: float, *, declared: bool) -> None:
        """Ask until somebody has told the time, or too late; each answer is said once.

        Where nobody is declared to tell it, a clock that can be right is enough.
        """
        deadline, told = self._monotonic() + limit_seconds, ""
        while True:
            code, reason = self._ask()
            if reason != told:
                self._say(reason)
                told = reason
            if code == 0 or (not declared and self._sane()):
                return
            if self._monotonic() >= deadline:
                self._say(f"not synchronised within {limit_seconds:.0f} s; k3s starts with {_day(self._now())}")
                return
            self._sleep(_EVERY_SECONDS)

    def _sane(self) -> bool:
        return time.gmtime(self._now()).tm_year >= SANE_YEAR


def last_known(places: Places) -> float | None:
    """Return the last time that this node knew; None when it has never known any."""
    with suppress(OSError):
        return places.clock.stat().st_mtime
    return None


def keep(places: Places, now: float, *, synchronised: Callable[[], bool] | None = None) -> None:
    """Remember the time, durably. A jump that only a wrong clock makes is believed of a synchronised one alone.

    Else one boot with a clock in the far future would lift the clock of every later one.
    """
    known = last_known(places)
    plausible = time.gmtime(now).tm_year >= SANE_YEAR and (known is None or known <= now <= known + FAR_SECONDS)
    if not plausible and not (synchronised or is_synchronised)():
        return
    with suppress(OSError):  # a full or read-only disk is said elsewhere
        descriptor = os.open(places.clock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.utime(descriptor, (now, now))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_synchronised() -> bool:
    """Ask the kernel whether somebody keeps its clock right (adjtimex(2))."""
    with suppress(OSError, AttributeError):
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        return 0 <= int(state) < _UNSYNCHRONISED
    return False


def _declared(node: dict[str, Any]) -> tuple[tuple[str, ...], float]:
    """Return whom to ask, for the sentence, and how long; nobody and no time where nothing is declared."""
    try:
        time_sync = node["host"]["os"]["time"]
        return tuple(str(name) for name in time_sync["servers"]), float(time_sync["wait_seconds"])
    except (KeyError, TypeError, ValueError):
        return (), 0.0


def _ask(servers: tuple[str, ...]) -> tuple[int, str]:
    ran = programs.run(("sh", str(_SCRIPT), *servers), limit_seconds=_ASK_SECONDS)
    return (1 if ran.code is None else ran.code), ran.out.strip() or ran.last_words


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
