"""A transfer in words: rates in bits and bytes, times that one can believe, reasons."""

from __future__ import annotations

import pytest

from edgectl.control.deploy.caps import ASKED, DOWNLINK, LIMITS, MEASURED, Caps, Forecast
from edgectl.control.deploy.transfer import Progress
from edgectl.control.inventory.store import LimitSettings, NetworkSettings
from edgectl.report.transfer import all_of, far, left, limit_of, time_of
from edgectl.report.words import both_rates, rate


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (0, "0 bit/s"),
        (100, "800 bit/s"),
        (8_000, "64 kbit/s"),
        (62_500, "500 kbit/s"),
        (124_999, "1.0 Mbit/s"),
        (237_500, "1.9 Mbit/s"),
        (1.25e9, "10.00 Gbit/s"),
    ],
)
def test_rates_as_lines_are_sold(found: float, says: str) -> None:
    """Bits a second; nothing is a thousand of the smaller unit."""
    assert rate(found) == says


def test_both_units_stand_side_by_side() -> None:
    """Law: nobody takes bits for bytes."""
    assert both_rates(62_500) == "500 kbit/s (62.5 KB/s)"


@pytest.mark.parametrize(
    ("progress", "says"),
    [
        (Progress(24_100_000, 31_000_000, 237_500, 29.2), "24.1 / 31.0 MB    77 %   1.9 Mbit/s   0:29 left"),
        (Progress(30_999_999, 31_000_000, 237_500, 0.1), "30.9 / 31.0 MB    99 %   1.9 Mbit/s   0:00 left"),
        (Progress(0, 31_000_000), "0.0 / 31.0 MB     0 %"),
        (Progress(5_000, 31_000_000, 0.0), "0.0 / 31.0 MB     0 %   stands still"),
        (Progress(31_000_000, 31_000_000, 237_500, 0.0), "31.0 / 31.0 MB   100 %   1.9 Mbit/s"),
        (
            Progress(999_900_000, 1_512_000_000, 8_000, 64_012),
            "0.99 / 1.51 GB    66 %    64 kbit/s   17 h 46 min left",
        ),
        (Progress(7, 12, None, None), "7 / 12 B    58 %"),
    ],
)
def test_how_far(progress: Progress, says: str) -> None:
    """Bytes of bytes in one unit, whole percents that are there, the rate, the time; less where less is known."""
    assert far(progress) == says
    assert len(far(progress)) <= 80 - 12 - 14, "beside its bar, in 80 columns"


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (-3, "0:00 left"),
        (0.4, "0:00 left"),
        (59.6, "1:00 left"),
        (725, "12:05 left"),
        (11_100, "3 h 05 min left"),
        (1e9, "over 99 h left"),
    ],
)
def test_how_long_still(seconds: float, says: str) -> None:
    """Law: never negative, never longer than a line, whatever the rate was."""
    assert left(seconds) == says


@pytest.mark.parametrize(
    ("forecast", "says"),
    [
        (Forecast(), ""),
        (
            Forecast(131, 237_500, DOWNLINK),
            "at most about 2 min 11 s at 1.9 Mbit/s (237.5 KB/s) (network.downlink_mbit)",
        ),
        (Forecast(0.2, 1e6, MEASURED), "at most about 1 s at 8.0 Mbit/s (1.0 MB/s) (as measured on this link)"),
        (
            Forecast(496, 62_500, LIMITS, line_unknown=True),
            "at most about 8 min 16 s if the line carries 500 kbit/s (62.5 KB/s) (network.limits of the inventory)",
        ),
        (Forecast(7_900, 62_500, ASKED), "at most about 2 h 11 min at 500 kbit/s (62.5 KB/s) (--limit)"),
        (Forecast(None, 62_500, LIMITS), "500 kbit/s (62.5 KB/s) at first (network.limits of the inventory)"),
    ],
)
def test_how_long(forecast: Forecast, says: str) -> None:
    """A time with the rate and its reason; nothing where nobody knows."""
    assert time_of(forecast) == says


def test_who_holds_it_back() -> None:
    """Law: a limit of the command line says that it holds instead of the inventory's."""
    network = NetworkSettings(None, (LimitSettings(250_000),))
    said = limit_of(62_500, Caps(network, 62_500))
    assert said == "500 kbit/s (62.5 KB/s), by --limit, instead of 2.0 Mbit/s (250.0 KB/s) by network.limits"
    assert limit_of(62_500, Caps(asked=62_500)) == "500 kbit/s (62.5 KB/s), by --limit"
    assert limit_of(250_000, Caps(network)) == "2.0 Mbit/s (250.0 KB/s) now, by network.limits of the inventory"
    assert limit_of(None, Caps()) == "no limit from now on"


@pytest.mark.parametrize(
    ("wire", "says"),
    [(0, "31.0 MB"), (31_400_000, "31.0 MB"), (29_000_000, "31.0 MB"), (9_800_000, "31.0 MB (packed: 9.8 MB)")],
)
def test_what_was_sent(wire: int, says: str) -> None:
    """The content, and the bytes on the line where they were clearly fewer."""
    assert all_of(Progress(31_000_000, 31_000_000, None, 0.0, wire)) == says
