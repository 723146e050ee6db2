"""A node's GPUs as Prometheus reads them: a textfile for node_exporter's textfile collector.

Owns: the metrics' names (base units, counters end in _total) and the text's form. Must not know how a GPU is looked
at; a number that is not known is left out, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.look import Hands, Look
from edgectl.wire.gpu import GpuLook

Sample = tuple[dict[str, str], float]
_GIGA = 1e9


def text(look: GpuLook, *, withdrawals: int, now: float) -> str:
    """Return the whole file. `withdrawals`: of proofs, in this boot; `now`: the wall clock. Pure."""
    tried = [(card, card.smoke) for card in look.cards if card.smoke is not None]
    families: tuple[tuple[str, str, str, list[Sample]], ...] = (
        ("edgectl_gpu_ready", "gauge", "1 while as many GPUs as required are proven and offered.", [({}, look.serves)]),
        ("edgectl_gpu_required", "gauge", "GPUs that the node needs to serve.", [({}, look.required)]),
        ("edgectl_gpu_declared", "gauge", "GPUs that the inventory declares.", [({}, look.count)]),
        (
            "edgectl_gpu_allocatable",
            "gauge",
            "Devices that the kubelet hands out in this boot.",
            [({"resource": one.resource}, one.allocatable) for one in look.offers if one.allocatable is not None],
        ),
        (
            "edgectl_gpu_proven",
            "gauge",
            "1 for a GPU whose newest smoke of this boot has computed rightly.",
            [({"uuid": card.uuid}, smoke.ok) for card, smoke in tried],
        ),
        (
            "edgectl_gpu_smoke_seconds",
            "gauge",
            "How long the newest smoke has taken.",
            [({"uuid": card.uuid}, smoke.seconds) for card, smoke in tried],
        ),
        (
            "edgectl_gpu_smoke_bytes_per_second",
            "gauge",
            "Memory bandwidth that the newest smoke has seen.",
            [({"uuid": card.uuid}, smoke.gb_per_s * _GIGA) for card, smoke in tried if smoke.gb_per_s],
        ),
        (
            "edgectl_gpu_withdrawals_total",
            "counter",
            "Proofs that were withdrawn, since the boot.",
            [({}, withdrawals)],
        ),
        (
            "edgectl_watchdog_deeds_total",
            "counter",
            "What the watchdog has done, since the boot.",
            [({"deed": word}, number) for word, number in sorted(look.watch.counts.items())],
        ),
        (
            "edgectl_watchdog_held",
            "gauge",
            "1 while the watchdog holds back and a person should look.",
            [({}, bool(look.watch.held))],
        ),
        ("edgectl_last_look_timestamp_seconds", "gauge", "When this was looked at, Unix time.", [({}, now)]),
    )
    return "".join(family(name, kind, about, samples) for name, kind, about, samples in families)


def withdrawals(look: Look) -> int:
    """Return how many proofs were withdrawn in this boot, by the proof's own log."""
    with suppress(LookFailed):
        lines = (look.text(look.places.gpu_log) or "").splitlines()
        return sum(line.split(" ")[1:2] == ["withdrawn"] for line in lines)
    return 0


def keep(hands: Hands, look: GpuLook, *, now: float) -> None:
    """Write the file, old or new, never torn; readable for the exporter. One that cannot be written fails nobody."""
    with suppress(OSError):
        hands.write(hands.places.metrics, text(look, withdrawals=withdrawals(hands), now=now), mode=0o644)


def family(name: str, kind: str, about: str, samples: Iterable[Sample]) -> str:
    """Return one metric with its samples; nothing where there are none."""
    lines = [f"{name}{_labels(labels)} {_number(value)}\n" for labels, value in samples]
    return "".join([f"# HELP {name} {about}\n# TYPE {name} {kind}\n", *lines]) if lines else ""


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items()) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
