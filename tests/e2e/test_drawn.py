"""Faults at drawn moments of a real update, on a real node: the same command ends in the declared state.

Eight in CI, sixty with `nox -s long`. The moments are drawn over the duration of an update that was measured before.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.node import CONVERGE
from tests.e2e.test_second_deploy import greeting

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
_CI, _ALL = 3, 60  # in CI one of each fault
_FAULTS = ("power cut", "engine killed", "link cut")
_DURATION: list[float] = []


def _strike(shop: Shop, fault: str) -> None:
    if fault == "power cut":
        shop.sandbox.reboot(hard=True, wait_seconds=90)
    elif fault == "engine killed":
        shop.node.run("systemctl", "kill", "--kill-whom=main", "-s", "KILL", CONVERGE, check=False)
    else:
        shop.sandbox.link.cut()
        _wait(5.0)
        shop.sandbox.link.heal()


def _wait(seconds: float, true: Callable[[], bool] = lambda: False) -> None:
    """Let real time pass: the moment of a fault is the point of it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not true():
        time.sleep(0.01)


def _measured(shop: Shop) -> float:
    """Return how long an update takes here, from the press to the verdict."""
    if not _DURATION:
        began = time.monotonic()
        shop.operator.with_(change=greeting("measured")).deploy()
        _DURATION.append(time.monotonic() - began)
    return _DURATION[0]


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=() if number < _CI else pytest.mark.long) for number in range(_ALL)]
)
def test_a_fault_at_a_drawn_moment(shop: Shop, number: int) -> None:
    """Whatever strikes, whenever: pressed again it is done, nothing is torn, and another press changes nothing."""
    fault, place = _FAULTS[number % len(_FAULTS)], number // len(_FAULTS)
    drawn = random.Random(number)  # noqa: S311 - a reproducible moment, no secret
    share = (place % 4 + drawn.random()) / 4
    moment = share * _measured(shop)
    operator = shop.operator.with_(change=greeting(f"drawn-{number}"))
    pressed = operator.start("deploy", "-o", "json")
    _wait(moment)
    _strike(shop, fault)
    first = pressed.finish(seconds=300)
    second = operator.deploy(seconds=300)
    assert second["verdict"]["word"] == "ready", (fault, moment, first)
    assert operator.deploy()["changed"] == [], (fault, moment, first)
    assert shop.node.answers() == ""
    assert _torn(shop) == [], (fault, moment)


def _torn(shop: Shop) -> list[str]:
    """Return what is neither old nor new: blobs whose bytes do not have their name, half files, links to nothing."""
    script = (
        'cd /var/lib/edgectl; for f in blobs/sha256/*; do echo "${f##*/}  $f"; done | sha256sum -c --quiet 2>&1; '
        "find slots -name '*.json' -size 0; find -L slots -type l; ls staging/*.part 2>/dev/null; "
        "for f in slots/*/envelope.json; do python3 -m json.tool $f >/dev/null || echo $f; done"
    )
    return shop.node.sh(script, seconds=120).splitlines()
