"""The clock: can it be, does it agree with the operator's, and what keeps it over a power cut? Pure."""

from __future__ import annotations

import time
from collections.abc import Iterator

from edgectl.node.survey.facts import Facts
from edgectl.wire.finding import OK, STOP, WARN, Finding

_SANE_YEAR = 2025  # as in host/preflight.sh
_APART_SECONDS = 5.0  # the question's own way is in it
_RTC_SECONDS = 120


def judge(facts: Facts, *, now: float, asked: float | None) -> Iterator[Finding]:
    """Yield what there is to say. `now`: this clock when asked, `asked`: the operator's when he did."""
    if not _can_be(now):
        hint = "set it (timedatectl set-time), or let it reach a time server; its battery may be dead"
        yield Finding("clock", STOP, f"the clock says {time.strftime('%F', time.gmtime(now))}, which cannot be", hint)
    elif asked is not None:
        apart = now - asked
        if abs(apart) > _APART_SECONDS:
            said = f"this clock is {_length(abs(apart))} {'ahead of' if apart > 0 else 'behind'} the operator's"
            hint = "which of the two is wrong? timedatectl on both; certificates and signed offers go by the node's"
            yield Finding("clock", WARN, said, hint)
        else:
            yield Finding("clock", OK, "the clock agrees with the operator's")
    yield _rtc(facts, now)
    yield _sync(facts)


def _rtc(facts: Facts, now: float) -> Finding:
    about, value = "clock-rtc", facts.number("rtc")
    hint = "replace the board's battery: without a network the next power cut starts with a wrong clock"
    if value is None:
        return Finding(about, OK, "no clock that runs without power is to be seen (so in virtual machines)")
    if not _can_be(value):
        shown = time.strftime("%F", time.gmtime(value))
        return Finding(about, WARN, f"the clock that runs without power says {shown}: it has lost its time", hint)
    if abs(now - value) > _RTC_SECONDS and _can_be(now):
        apart = _length(abs(now - value))
        return Finding(about, WARN, f"the clock that runs without power is {apart} off", "hwclock --systohc --utc")
    return Finding(about, OK, "the clock that runs without power agrees")


def _can_be(seconds: float) -> bool:
    return time.gmtime(seconds).tm_year >= _SANE_YEAR


def _sync(facts: Facts) -> Finding:
    about = "clock-sync"
    words = dict(line.split("=", 1) for line in facts.all("time") if "=" in line)
    if not words:
        return Finding(about, WARN, "whether the clock is kept in time is not known", "timedatectl")
    if words.get("NTPSynchronized") == "yes":
        return Finding(about, OK, "kept in time by a server")
    if words.get("NTP") == "yes":
        return Finding(
            about, WARN, "no time server has answered yet", "is UDP port 123 let out? host.time.servers names others"
        )
    hint = "declare host.time in the inventory, or install systemd-timesyncd or chrony"
    return Finding(about, WARN, "nothing keeps the clock in time", hint)


def _length(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
