"""Collected stores as metrics: one file for node_exporter's textfile collector. Pure.

Owns: names and labels. Labels come from the inventory, words from a fixed list: no node can invent a series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgectl.control.collect.watched import WORDS, Stand

_HELP = (
    ("edgectl_node_asked", "1 for a node that could be asked at this collect."),
    ("edgectl_node_word", "1 for the word that is the node's own verdict at its last beat."),
    ("edgectl_node_beat_age_seconds", "For how long no new beat has come from the node, by this machine's clock."),
    ("edgectl_node_sequence", "The sequence that runs there; 0 for none."),
    (
        "edgectl_node_rejected_sequence",
        "The sequence that was turned down last, while no other has done better; 0 for none.",
    ),
    ("edgectl_node_certificate_days", "Days until the first of k3s's certificates ends."),
    ("edgectl_node_disk_used_ratio", "How full the disk of /var/lib/edgectl is."),
    ("edgectl_node_gpus_declared", "GPUs that the inventory declares."),
    ("edgectl_node_gpus_ready", "GPUs that have computed in the node's boot."),
)


def metrics(stands: Iterable[Stand], now: float) -> str:
    """Return the file's text."""
    found = list(stands)
    values: dict[str, Callable[[Stand], float | None]] = {
        "edgectl_node_asked": lambda one: float(not one.unreached),
        "edgectl_node_beat_age_seconds": lambda one: one.age(now),
        "edgectl_node_sequence": lambda one: one.says("runs"),
        "edgectl_node_rejected_sequence": lambda one: one.rejected if one.beat else None,
        "edgectl_node_certificate_days": lambda one: one.certificate_days,
        "edgectl_node_disk_used_ratio": lambda one: _ratio(one.says("disk")),
        "edgectl_node_gpus_declared": lambda one: one.says("gpus"),
        "edgectl_node_gpus_ready": lambda one: one.says("gpu"),
    }
    lines = []
    for name, said in _HELP:
        lines += [f"# HELP {name} {said}", f"# TYPE {name} gauge"]
        for one in found:
            label = f'store="{_escaped(one.store)}",node="{_escaped(one.node)}"'
            if name == "edgectl_node_word":
                if one.word:
                    lines += [f'{name}{{{label},word="{word}"}} {int(word == one.word)}' for word in WORDS]
            elif (value := values[name](one)) is not None:
                lines.append(f"{name}{{{label}}} {value:g}" if value < 10**6 else f"{name}{{{label}}} {value:.0f}")
    stamp = "edgectl_collect_timestamp_seconds"
    lines += [f"# HELP {stamp} When this was collected, Unix time.", f"# TYPE {stamp} gauge", f"{stamp} {now:.0f}"]
    return "\n".join(lines) + "\n"


def _ratio(percent: int | None) -> float | None:
    return None if percent is None else percent / 100


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
