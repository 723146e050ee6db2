"""The chain as Prometheus reads it: a textfile beside that of the GPUs.

Owns: the metrics' names. Must not know how the chain is looked at.
"""

from __future__ import annotations

from contextlib import suppress

from edgectl.node.gpu.metrics import Sample, family
from edgectl.node.io.look import Hands
from edgectl.wire.chainlook import ChainLook
from edgectl.wire.verdict import DEGRADED, READY

_MS = 1000.0


def text(look: ChainLook, *, now: float) -> str:
    """Return the whole file. `now`: the wall clock. Pure."""
    links: list[Sample] = [({"link": link.name}, link.word == READY) for link in look.links]
    hops: list[Sample] = [({"hop": hop}, ms / _MS) for hop, ms in look.ms.items()]
    stamp = "edgectl_chain_last_look_timestamp_seconds"
    families: tuple[tuple[str, str, str, list[Sample]], ...] = (
        (
            "edgectl_chain_ready",
            "gauge",
            "1 while the store sells, whole or not.",
            [({}, look.word in {READY, DEGRADED})],
        ),
        ("edgectl_chain_degraded", "gauge", "1 while it sells with something missing.", [({}, look.word == DEGRADED)]),
        ("edgectl_chain_link_ready", "gauge", "1 for a link that is well; 0 also for one that was not asked.", links),
        ("edgectl_chain_hop_seconds", "gauge", "How long the newest canary frame took from the hop before.", hops),
        (stamp, "gauge", "When this was looked at, Unix time.", [({}, now)]),
    )
    return "".join(family(name, kind, about, samples) for name, kind, about, samples in families)


def keep(hands: Hands, look: ChainLook, *, now: float) -> None:
    """Write the file, old or new, never torn. One that cannot be written fails nobody."""
    with suppress(OSError):
        hands.write(hands.places.chain_metrics, text(look, now=now), mode=0o644)
