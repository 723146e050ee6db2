"""A transfer in words: how far, how fast, how long still, how long it will take, what holds it back. Pure."""

from __future__ import annotations

from edgectl.control.deploy.caps import ASKED, LIMITS, MEASURED, Caps, Forecast
from edgectl.control.deploy.transfer import Progress
from edgectl.control.payload.effects import Pause
from edgectl.report.words import both_rates, rate, size

_MINUTE = 60
_HOUR = 3600
_LONGEST_HOURS = 99
_FEWER = 0.9
_PLAIN = {LIMITS: f"{LIMITS} of the inventory", ASKED: ASKED, MEASURED: "as measured on this link"}


def far(progress: Progress) -> str:
    """Say how far it is: `24.1 / 31.0 MB   78 %   1.9 Mbit/s   0:29 left`. The rate is the line's."""
    parts = [_of(progress.sent_bytes, progress.total_bytes), f"{_percent(progress):>3} %"]
    if progress.rate is not None:
        parts.append(f"{rate(progress.rate):>10}" if progress.rate > 0 else "stands still")
    if progress.seconds_left is not None and not progress.is_done:
        parts.append(left(progress.seconds_left))
    return "   ".join(parts)


def all_of(progress: Progress) -> str:
    """Say what was sent, and in how many bytes on the line where those were clearly fewer."""
    packed = (
        f" (packed: {size(progress.wire_bytes)})" if 0 < progress.wire_bytes < progress.total_bytes * _FEWER else ""
    )
    return f"{size(progress.total_bytes)}{packed}"


def left(seconds: float) -> str:
    """Say how long still: `0:29 left`, `12:05 left`, `3 h 05 min left`."""
    whole = max(round(seconds), 0)
    if whole < _HOUR:
        return f"{whole // _MINUTE}:{whole % _MINUTE:02d} left"
    if whole < _LONGEST_HOURS * _HOUR:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min left"
    return f"over {_LONGEST_HOURS} h left"


def time_of(forecast: Forecast) -> str:
    """Say how long the bytes will take and by what one knows; "" where nobody does."""
    if forecast.rate is None:
        return ""
    why = _PLAIN.get(forecast.why, forecast.why)
    if forecast.seconds is None:  # a limit ends, and nobody knows what the line carries then
        return f"{both_rates(forecast.rate)} at first ({why})"
    by = "if the line carries" if forecast.line_unknown else "at"
    return f"at most about {_length(forecast.seconds)} {by} {both_rates(forecast.rate)} ({why})"


def pause_of(pause: Pause) -> str:
    """Say which workload will not serve for a while, how long about, and why."""
    return f"{pause.workload} {about(pause)}: {pause.why}"


def about(pause: Pause) -> str:
    """Say how long a pause will be, and by what one knows."""
    by = "as measured here" if pause.measured else "a guess: not measured here yet"
    return f"about {_length(pause.seconds)} ({by})"


def limit_of(limit: float | None, caps: Caps) -> str:
    """Say how much may go from now on, and who says so."""
    instead = caps.instead_of()
    if limit is None:
        return "no limit from now on"
    if caps.asked is None:
        return f"{both_rates(limit)} now, by {_PLAIN[LIMITS]}"
    more = f", instead of {both_rates(instead)} by {LIMITS}" if instead is not None else ""
    return f"{both_rates(limit)}, by {ASKED}{more}"


def _length(seconds: float) -> str:
    """Say an estimate no more exactly than it is."""
    whole = max(round(seconds), 1)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s" if whole < 10 * _MINUTE else f"{whole // _MINUTE} min"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def _of(sent: int, total: int) -> str:
    """Return `24.1 / 31.0 MB`, both in the unit of the whole."""
    whole, unit = size(total).split()
    scale = {"B": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    if sent >= total:
        return f"{whole} / {whole} {unit}"
    decimals = len(whole.partition(".")[2])
    step = 10**decimals
    return f"{int(sent / scale * step) / step:.{decimals}f} / {whole} {unit}"  # down: it is not there before it is


def _percent(progress: Progress) -> int:
    return 100 if progress.is_done else int(100 * progress.sent_bytes / progress.total_bytes)
