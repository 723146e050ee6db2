"""Why a GPU is ready or not: the lowest thing that is wrong, in one sentence; could-not-look is never fine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgectl.node.gpu.why import judged
from edgectl.wire.gpu import NEVER, NOT_YET, Card, GpuLook, Holder, Layer, Offer, Smoke
from edgectl.wire.verdict import DEGRADED, NOT_READY, READY, UNKNOWN

XID = "Xid 79: GPU has fallen off the bus."
OK = Layer(READY, "fine")
SMOKE = Smoke(ok=True, seconds=1.24, gb_per_s=811.7, ago_seconds=11000)
POD = Holder("u1", "vision", "inference-7f")
CARD = Card(index=0, uuid="GPU-0", name="Tesla T4", listed=True, smoke=SMOKE, healthy=True, holders=(POD,))
SECOND = replace(CARD, index=1, uuid="GPU-1", holders=())
RESOURCE = "nvidia.com/gpu"
FINE = GpuLook(
    node="node-1",
    boot="b",
    count=2,
    required=1,
    resource=RESOURCE,
    offers=(Offer(RESOURCE, 2, 1, 2),),
    this_boot=True,
    marker=True,
    driver=OK,
    uvm=OK,
    toolkit=OK,
    devices=OK,
    kernel=OK,
    health=OK,
    api=OK,
    cards=(CARD, SECOND),
)
NO_DRIVER = Layer(NOT_YET, "the driver is not loaded")
NO_UVM = Layer(NOT_YET, "/dev/nvidia-uvm is missing")
NO_TOOLKIT = Layer(NEVER, "no nvidia-container-runtime")
HANGS = Layer(UNKNOWN, "devices.sh did not end within 20 s")
STUCK = Layer(NEVER, "nvidia-smi does not answer within 15 s: a GPU hangs")
DOWN = Layer(UNKNOWN, "the Kubernetes API does not answer: connection refused")

# what the node is like, what the first card is like, and its word, layer and sentence
CARDS: tuple[tuple[dict[str, Any], dict[str, Any], str, str, str], ...] = (
    ({}, {}, READY, "", "proven 3 h ago in 1.2 s, 812 GB/s; held by vision/inference-7f"),
    ({}, {"holders": ()}, READY, "", "proven 3 h ago in 1.2 s, 812 GB/s; held by no pod"),
    ({}, {"holders": None}, READY, "", "proven 3 h ago in 1.2 s, 812 GB/s; who holds it is not known"),
    ({}, {"holders": (Holder("u9"),)}, READY, "", "proven 3 h ago in 1.2 s, 812 GB/s; held by pod u9"),
    ({}, {"smoke": Smoke(ok=True, seconds=0.5)}, READY, "", "proven 0 s ago in 0.5 s; held by vision/inference-7f"),
    ({}, {"healthy": None}, READY, "", "proven 3 h ago in 1.2 s, 812 GB/s; held by vision/inference-7f"),
    ({"driver": NO_DRIVER}, {}, NOT_READY, "driver", "the driver is not loaded"),
    ({"driver": NO_DRIVER, "uvm": NO_UVM}, {"smoke": None}, NOT_READY, "driver", "the driver is not loaded"),
    ({"uvm": NO_UVM, "toolkit": NO_TOOLKIT}, {"fatal": XID}, NOT_READY, "uvm", "/dev/nvidia-uvm is missing"),
    ({"toolkit": NO_TOOLKIT}, {"listed": False}, NOT_READY, "toolkit", "no nvidia-container-runtime"),
    ({}, {"listed": False, "smoke": None}, NOT_READY, "listed", "the driver does not list it"),
    (
        {},
        {"listed": False, "fatal": XID},
        NOT_READY,
        "listed",
        f"the driver does not list it; the kernel says: {XID}",
    ),
    ({}, {"fatal": XID, "smoke": Smoke(ok=False)}, NOT_READY, "xid", f"the kernel says: {XID}"),
    ({"devices": STUCK}, {"listed": None, "smoke": None}, NOT_READY, "listed", STUCK.says),
    ({"health": STUCK}, {"fault": STUCK.says, "smoke": Smoke(ok=False)}, NOT_READY, "health", STUCK.says),
    ({"health": STUCK}, {"fault": "lost", "fatal": XID}, NOT_READY, "xid", f"the kernel says: {XID}"),
    ({"health": STUCK}, {}, READY, "", "proven 3 h ago"),
    ({"health": HANGS}, {}, UNKNOWN, "health", "proven in this boot, but devices.sh did not end within 20 s"),
    ({}, {"xids": ("Xid (PCI:0000:01:00): 31",)}, READY, "", "proven 3 h ago in 1.2 s, 812 GB/s; held by vision/inf"),
    ({}, {"smoke": None}, NOT_READY, "smoke", "not proven in this boot: no smoke has run on it yet"),
    ({}, {"smoke": None, "healthy": False}, NOT_READY, "plugin", "not proven in this boot: the device plugin calls it"),
    (
        {},
        {"smoke": Smoke(ok=False, reason="7 of 4096 results are wrong"), "healthy": False},
        NOT_READY,
        "smoke",
        "its smoke failed: 7 of 4096 results are wrong",
    ),
    ({}, {"smoke": Smoke(ok=False)}, NOT_READY, "smoke", "its smoke failed: no reason was given"),
    (
        {"offers": (Offer(RESOURCE, 2, 1, 0),)},
        {"healthy": False},
        NOT_READY,
        "plugin",
        "proven in this boot, but the device plugin calls it unhealthy",
    ),
    (
        {"this_boot": False, "offers": (Offer(RESOURCE, 2, 1),)},
        {"healthy": None},
        NOT_READY,
        "allocatable",
        "proven in this boot, but the API has no status of this node from this boot",
    ),
    (
        {"offers": (Offer(RESOURCE, 2, 1, 0),)},
        {"healthy": None},
        NOT_READY,
        "allocatable",
        "proven in this boot, but the kubelet offers no nvidia.com/gpu",
    ),
    ({"devices": HANGS}, {"listed": None}, UNKNOWN, "listed", "proven in this boot, but devices.sh did not end"),
    ({"devices": HANGS}, {"listed": None, "smoke": None}, NOT_READY, "smoke", "not proven in this boot"),
    ({"api": DOWN, "this_boot": None}, {}, UNKNOWN, "allocatable", "proven in this boot, but the Kubernetes API does"),
    ({"driver": Layer(UNKNOWN, "driver.sh is torn")}, {}, UNKNOWN, "driver", "proven in this boot, but driver.sh is"),
    ({"kernel": Layer(UNKNOWN, "no kernel log")}, {}, UNKNOWN, "xid", "proven in this boot, but no kernel log"),
    ({"kernel": Layer(UNKNOWN, "no kernel log")}, {"fatal": XID}, NOT_READY, "xid", "the kernel says: "),
    # a cheap look has asked no script: what was not asked is not held against a card
    (
        dict.fromkeys(("driver", "uvm", "toolkit", "devices", "kernel", "health"), Layer()),
        {"listed": None},
        READY,
        "",
        "proven",
    ),
)


@pytest.mark.parametrize(("node", "card", "word", "layer", "says"), CARDS)
def test_a_card(node: dict[str, Any], card: dict[str, Any], word: str, layer: str, says: str) -> None:
    """From the ground up: driver, uvm, toolkit, listed, Xid, smoke, plugin, allocatable; then who holds it."""
    seen = judged(replace(FINE, cards=(replace(CARD, **card), SECOND), **node)).cards[0]
    assert (seen.word, seen.layer) == (word, layer)
    assert seen.why.startswith(says)


UNPROVEN = replace(SECOND, smoke=None)
UNSEEN = {"devices": HANGS, "cards": (replace(CARD, listed=None), replace(SECOND, listed=None))}
NODES: tuple[tuple[dict[str, Any], str, str, str], ...] = (
    ({}, READY, "", "2 of 2 GPUs ready in this boot"),
    (
        {"cards": (CARD, UNPROVEN)},
        DEGRADED,
        "smoke",
        "1 of 2 GPUs ready, 1 required: GPU 1: not proven in this boot: no smoke has run on it yet",
    ),
    (
        {"cards": (CARD, UNPROVEN), "required": 2},
        NOT_READY,
        "smoke",
        "1 of 2 GPUs ready, 2 required: GPU 1: not proven in this boot: no smoke has run on it yet",
    ),
    ({"driver": NO_DRIVER}, NOT_READY, "driver", "0 of 2 GPUs ready, 1 required: the driver is not loaded"),
    ({"marker": False}, NOT_READY, "marker", "2 of 2 GPUs ready, but the marker is not set in this boot: inference is"),
    (
        {"offers": (Offer(RESOURCE, 2, 1, 1),)},
        DEGRADED,
        "allocatable",
        "2 of 2 GPUs ready, but the kubelet offers 1 nvidia.com/gpu of 2",
    ),
    (
        {"offers": (Offer(RESOURCE, 8, 8, 4),), "required": 2},
        NOT_READY,
        "allocatable",
        "2 of 2 GPUs ready, but the kubelet offers 4 nvidia.com/gpu, 8 required",
    ),
    (UNSEEN, UNKNOWN, "listed", "0 of 2 GPUs ready, 1 required: proven in this boot, but devices.sh did not end"),
    (
        {**UNSEEN, "required": 2, "cards": (replace(UNPROVEN, listed=None), replace(CARD, listed=None))},
        NOT_READY,
        "smoke",
        "0 of 2 GPUs ready, 2 required: GPU 1: not proven",
    ),
    (
        {**UNSEEN, "cards": (replace(UNPROVEN, listed=None), replace(CARD, listed=None))},
        UNKNOWN,
        "listed",
        "0 of 2 GPUs ready, 1 required: GPU 0: proven in this boot, but devices.sh",
    ),
    ({"cards": ()}, NOT_READY, "listed", "0 of 2 GPUs ready, 1 required: no GPU is known here"),
    ({"cards": (CARD, SECOND, replace(CARD, index=2, uuid="GPU-2"))}, READY, "", "2 of 2 GPUs ready in this boot"),
)


@pytest.mark.parametrize(("node", "word", "layer", "says"), NODES)
def test_a_node(node: dict[str, Any], word: str, layer: str, says: str) -> None:
    """Ready with all, degraded between required and all, unknown where it might be enough, not ready else."""
    seen = judged(replace(FINE, **node))
    assert (seen.word, seen.layer) == (word, layer)
    assert seen.why.startswith(says)
    assert (seen.exit, seen.serves) == ({READY: 0, DEGRADED: 9}.get(word, 5), word in {READY, DEGRADED})


def test_the_same_state_is_the_same_sentence() -> None:
    """What is wrong is said without an age: a condition is written again only when something has changed."""
    for card in (replace(CARD, healthy=False), replace(CARD, smoke=Smoke(ok=False, reason="wrong"))):
        later = replace(card, smoke=replace(card.smoke or SMOKE, ago_seconds=99999.0))
        first, second = (judged(replace(FINE, required=2, cards=(one, SECOND))) for one in (card, later))
        assert first.why == second.why
