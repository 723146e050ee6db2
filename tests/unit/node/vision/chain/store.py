"""A whole chain as data: all that one look brings when every link is well, and ways to break each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from edgectl.node.vision.chain.declared import zone_of
from edgectl.node.vision.chain.judged import judge
from edgectl.node.vision.chain.memory import Memory
from edgectl.node.vision.chain.said import Asked, Heard, Said, words
from edgectl.wire.chain import (
    CLOCK,
    CONFIG,
    DEGRADED,
    INPUT,
    MODEL,
    NETWORK,
    NOT_READY,
    READY,
    RESOURCE,
    Chain,
    Crossing,
    Dependency,
    Endpoint,
    State,
    Status,
)
from edgectl.wire.chainlook import MISSING, SILENT, ChainLook

SERVICES = ("camera", "inference", "bus", "uplink", "drift")
POS = Dependency("pos", "tcp", "pos:80", required=True)
PRINTER = Dependency("printer", "tcp", "printer:80", after="pos")
CHAIN = Chain("vision", {name: Endpoint(name, 9100) for name in SERVICES}, dependencies=(POS, PRINTER))
MS = {"camera": 3.0, "inference": 41.0, "bus": 2.0, "uplink": 8.0, "sink": 160.0}
HOPS = tuple(MS)
WALL = 1_795_800_000.0  # of the monotonic clock's zero
Break = Callable[[Asked], Asked]


def status(service: str, **links: State) -> Heard:
    """Return a service that is well, with what it says of what it needs."""
    found = {name.replace("__", ":"): state for name, state in links.items()}
    return Heard(Status(service, "1", State(READY), found))


def well() -> Asked:
    """Return a look at a store with nothing wrong."""
    return Asked(
        gpu=Said(READY, "1 of 1 computes in this boot"),
        model=Said(READY, "tiny-detector 2"),
        golden=Said(READY, "answers as known"),
        services={
            "camera": status("camera", camera__front=State(), inference=State(), bus=State(), uplink=State()),
            "inference": status("inference", model=State(), provider=State()),
            "uplink": status("uplink", bus=State(), sink=State(), queue=State(), disk=State()),
            "drift": status("drift", bus=State(), front=State()),
        },
        bus=Said(READY, "a message comes back"),
        canary=Crossing("c", "sink", MS),
        dependencies={"pos": Said(), "printer": Said()},
    )


def without_canary(asked: Asked, reached: str) -> Asked:
    """Let canary frames get so far at most."""
    have = HOPS.index(asked.canary.reached) if asked.canary and asked.canary.reached else -1
    want = HOPS.index(reached) if reached else -1
    if asked.canary is None or have <= want:
        return asked
    ms = {hop: MS[hop] for hop in HOPS[: want + 1]}
    return replace(asked, canary=Crossing("c", reached, ms, f"nothing from {HOPS[want + 1]}"))


def says(asked: Asked, service: str, link: str, state: State) -> Asked:
    """Let a service say something of a link; "" is itself."""
    heard = asked.services[service]
    if heard.status is None:
        return asked
    was = heard.status
    new = replace(was, state=state) if not link else replace(was, links={**was.links, link: state})
    return replace(asked, services={**asked.services, service: Heard(new)})


def down(asked: Asked, service: str, how: str = SILENT) -> Asked:
    """Let a service be silent, or its Service missing."""
    return replace(asked, services={**asked.services, service: Heard(None, Said(NOT_READY, "gone", NETWORK, how))})


def bus_down(asked: Asked) -> Asked:
    """Take the bus away: everyone notices, in his own words."""
    asked = replace(asked, bus=Said(NOT_READY, "connection refused", NETWORK, SILENT))
    for service in ("camera", "uplink", "drift"):
        asked = says(asked, service, "bus", State(DEGRADED, "bus:1883 does not answer", NETWORK))
    asked = says(asked, "camera", "uplink", State(DEGRADED, "no receipts", NETWORK))
    return without_canary(asked, "inference")


def uplink_down(asked: Asked) -> Asked:
    """Take the uplink away."""
    asked = says(down(asked, "uplink"), "camera", "uplink", State(DEGRADED, "no receipts", NETWORK))
    return without_canary(asked, "bus")


def inference_down(asked: Asked) -> Asked:
    """Take inference away: cameras answer by their rule."""
    asked = says(down(asked, "inference"), "camera", "inference", State(DEGRADED, "refused", NETWORK))
    golden = Said(NOT_READY, "connection refused", NETWORK, SILENT)
    if asked.golden is None or asked.golden.kind != MODEL:
        asked = replace(asked, golden=golden)
    return without_canary(asked, "camera")


def camera_down(asked: Asked) -> Asked:
    """Take the camera service away."""
    return replace(down(asked, "camera"), canary=None, no_canary=Said(DEGRADED, "sends no canary frame", NETWORK))


def _sink(state: State) -> Break:
    return lambda asked: without_canary(says(asked, "uplink", "sink", state), "uplink")


@dataclass(frozen=True)
class Case:
    """One way to break one link: its name, the kind, whether the store still sells."""

    link: str
    kind: str
    breaks: Break
    word: str = NOT_READY
    by: str = ""  # the service that tells of it; "canary": the frame does


CASES = {
    "gpu not proven": Case("gpu", RESOURCE, lambda a: replace(a, gpu=Said(NOT_READY, "0 of 1", RESOURCE))),
    "gpu fewer": Case("gpu", RESOURCE, lambda a: replace(a, gpu=Said(DEGRADED, "1 of 2", RESOURCE)), DEGRADED),
    "model other bytes": Case("model", MODEL, lambda a: replace(a, model=Said(NOT_READY, "another size", MODEL))),
    "model wrong answer": Case("model", MODEL, lambda a: replace(a, golden=Said(NOT_READY, "other", MODEL))),
    "model not loaded": Case(
        "model", MODEL, lambda a: says(a, "inference", "model", State(DEGRADED, "NaN", MODEL)), DEGRADED, by="inference"
    ),
    "inference silent": Case("inference", NETWORK, inference_down),
    "inference not ready": Case(
        "inference",
        RESOURCE,
        lambda a: says(a, "inference", "", State(NOT_READY, "out of memory", RESOURCE)),
        by="inference",
    ),
    "inference on the CPU": Case(
        "inference",
        CONFIG,
        lambda a: says(a, "inference", "provider", State(DEGRADED, "CPU", CONFIG)),
        DEGRADED,
        by="inference",
    ),
    "camera silent": Case("camera", NETWORK, camera_down),
    "camera missing": Case("camera", NETWORK, lambda a: down(camera_down(a), "camera", MISSING)),
    "one camera gone": Case(
        "camera:front",
        INPUT,
        lambda a: says(a, "camera", "camera:front", State(NOT_READY, "gone", INPUT)),
        DEGRADED,
        by="camera",
    ),
    "bus silent": Case("bus", NETWORK, bus_down),
    "uplink silent": Case("uplink", NETWORK, uplink_down, DEGRADED),
    "uplink full": Case(
        "uplink",
        RESOURCE,
        lambda a: says(a, "uplink", "queue", State(DEGRADED, "full", RESOURCE)),
        DEGRADED,
        by="uplink",
    ),
    "sink expired": Case(
        "sink", CLOCK, _sink(State(NOT_READY, "its TLS certificate expired", CLOCK)), DEGRADED, by="uplink"
    ),
    "sink silent": Case("sink", NETWORK, _sink(State(DEGRADED, "no answer", NETWORK)), DEGRADED, by="uplink"),
    "sink black hole": Case("sink", NETWORK, lambda a: without_canary(a, "uplink"), DEGRADED, by="canary"),
    "drift silent": Case("drift", NETWORK, lambda a: down(a, "drift"), DEGRADED),
    "drifted": Case(
        "drift", MODEL, lambda a: says(a, "drift", "front", State(DEGRADED, "drift", MODEL)), DEGRADED, by="drift"
    ),
    "required dependency": Case(
        "pos", NETWORK, lambda a: replace(a, dependencies={**a.dependencies, "pos": Said(NOT_READY, "no", NETWORK)})
    ),
    "other dependency": Case(
        "printer",
        NETWORK,
        lambda a: replace(a, dependencies={**a.dependencies, "printer": Said(NOT_READY, "no", NETWORK)}),
        DEGRADED,
    ),
}


def seen(asked: Asked, memory: Memory | None = None, *, now: float = 0.0, chain: Chain = CHAIN) -> ChainLook:
    """Judge a fault that has lasted for two looks, behind one that was well."""
    kept = memory or Memory("b").after(words(well()), now - 60)
    for at in (now - 1, now):
        kept = kept.after(words(asked), at)
    return judge("node-1", chain, kept.links, asked.canary, wall=lambda at: WALL + at, zone=zone_of(""), now=now)
