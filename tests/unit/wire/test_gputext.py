"""The lines about GPUs: 80 columns, ASCII, everything that is wrong, and what to do next."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.node.gpu import why
from edgectl.wire import gputext
from edgectl.wire.gpu import NEVER, NOT_YET, Card, Deed, GpuLook, Layer, Offer, Plugin, Smoke, Watch
from edgectl.wire.gputext import ago, lines, next_of
from edgectl.wire.verdict import NOT_READY, READY, UNKNOWN

XID = "Xid 79: pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
GOOD = "GPU-5a9dbc01-0000-4000-8000-000000000000"
BAD = "GPU-5a9dbc01-0000-4000-8000-000000000001"
LOOK = GpuLook(
    node="node-1",
    boot="6e5dc6c8-cdb4-4f77-8912-805f0038f363",
    count=2,
    required=1,
    resource="nvidia.com/gpu",
    offers=(Offer("nvidia.com/gpu", 2, 1, 1), Offer("nvidia.com/mig-1g.5gb", 7, 4)),
    marker=True,
    marker_ago_seconds=11000.0,
    driver=Layer(READY, "535.183.01 is loaded"),
    uvm=Layer(NOT_YET, "/dev/nvidia-uvm is missing"),
    toolkit=Layer(NEVER, "nvidia-container-runtime is missing"),
    health=Layer(UNKNOWN, "health.sh did not end within 10 s " * 5),
    api=Layer(READY, "answers"),
    plugin=Plugin("gpu-system/nvidia-device-plugin-24245", runs=True, restarts=1, answers=True),
    cards=(
        Card(
            0, GOOD, "Tesla T4", "0000:01:00", temperature_c=41, word=READY, why="proven 3 h ago in 1.2 s; held by a/b"
        ),
        Card(
            -1,
            BAD,
            "NVIDIA RTX 6000 Ada Generation",
            "0000:02:00",
            listed=False,
            ecc_errors=4,
            throttled="heat",
            xids=(XID.replace("79", "31"), XID),
            fatal=XID,
            smoke=Smoke(ok=False, ago_seconds=700),
            word=NOT_READY,
            layer="listed",
            why=f"the driver does not list it; the kernel says: {XID}",
        ),
    ),
    watch=Watch("GPU 1: 3 tries in vain", (Deed("restarted", "the plugin", 720.0),)),
    layer="listed",
)


def test_lines_fit_a_terminal() -> None:
    """80 columns and ASCII, however long a sentence is; nothing that is wrong is left out."""
    said = lines(LOOK)
    text = "\n".join(said)
    assert max(map(len, said)) <= 80, text
    assert text.isascii()
    flat = re.sub(r"\s+", " ", text)
    for words in (
        "boot 6e5dc6c8 the marker is set, 3 h ago: inference is let in",
        "waiting nvidia-uvm /dev/nvidia-uvm is missing",
        "failed toolkit nvidia-container-runtime is missing",
        "unknown nvidia-smi health.sh did not end within 10 s",
        "ok plugin gpu-system/nvidia-device-plugin-24245 answers, 1 restart",
        "waiting allocatable 1 of 2 nvidia.com/gpu, 1 required",
        "unknown allocatable not known of 7 nvidia.com/mig-1g.5gb, 4 required",
        f"ready GPU 0 proven 3 h ago in 1.2 s; held by a/b Tesla T4 {GOOD} 0000:01:00 41 C",
        "not ready GPU-5a9dbc01 the driver does not list it; the kernel says: Xid 79",
        "4 uncorrected ECC errors slowed down by heat tried 11 min ago",
        "kernel: Xid 31",
        "held watchdog GPU 1: 3 tries in vain",
        "did watchdog restarted the plugin, 12 min ago",
    ):
        assert words in flat
    assert flat.count("79") == 1, "the fatal line stands in the reason already"


def test_what_is_fine_is_said_on_request() -> None:
    """A driver that is as it should be is a line of `-v` only; one that was not asked is none at all."""
    assert not [line for line in lines(LOOK) if "535.183.01" in line]
    assert "  ok        driver          535.183.01 is loaded" in lines(LOOK, verbose=True)
    assert not [line for line in lines(replace(LOOK, kernel=Layer()), verbose=True) if "kernel  " in line]


@pytest.mark.parametrize(
    ("plugin", "says"),
    [
        (Plugin(), "waiting   plugin          no pod of it is on this node"),
        (Plugin("a/b"), "waiting   plugin          a/b does not run, has no socket yet, 0 restarts"),
        (Plugin("a/b", runs=True, answers=False), "plugin          a/b its socket does not answer, 0 restarts"),
        (Plugin("a/b", runs=True, others=("a/c",)), "waiting   plugin          2 of them quarrel: a/b, a/c"),
    ],
)
def test_the_plugin(plugin: Plugin, says: str) -> None:
    """None, one that does not run, one that is stuck, two: each in its own words."""
    assert any(says in line for line in lines(replace(LOOK, plugin=plugin)))


def test_every_layer_has_its_next_step() -> None:
    """Each layer that a sentence can end at is one that something is said to be done about; nothing else is."""
    source = Path(why.__file__).read_text()
    names = set(re.findall(r'(?:return|READY,|NOT_READY,|DEGRADED,|\()\s*"([a-z]+)",', source))
    assert names == set(gputext._NEXT)
    for layer in names:
        said = next_of(replace(LOOK, layer=layer), there="edgectl ssh store-042 -- ")
        assert said
        assert "{" not in said
    assert next_of(replace(LOOK, layer="")) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s ago"), (59.4, "59 s ago"), (60, "1 min ago"), (7199, "1 h ago"), (200000, "2 d ago")],
)
def test_ages(seconds: float, text: str) -> None:
    """In the largest unit that fits, rounded down; a clock that ran back is now."""
    assert ago(seconds) == text
