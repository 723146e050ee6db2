"""What is told to Prometheus, read from what services answer; and what is asked of it, read from a query."""

from __future__ import annotations

import re
from collections.abc import Iterable

PARTS = ("_bucket", "_sum", "_count")  # of a histogram
# What Prometheus and scrape.yaml add to everything, what a histogram adds, and what a rule of Prometheus' own has.
ADDED = {"store", "service", "job", "instance", "node", "le", "alertstate", "alertname"}
METRIC = re.compile(r"\b(?:vision|edgectl)(?:_[a-z0-9]+)+\b")

_TYPE = re.compile(r"^# TYPE (\w+) (\w+)$", re.MULTILINE)
_SAMPLE = re.compile(r"^((?:vision|edgectl)_\w+)(?:\{(.*)\})? \S+$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="(?:[^"\\]|\\.)*"')
_CHOSEN = re.compile(r"\b((?:vision|edgectl)(?:_[a-z0-9]+)+)\{([^}]*)\}")
_MATCH = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPED = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")

Exposed = dict[str, set[str]]  # the labels, by metric


def names(text: str) -> set[str]:
    """Return the metrics that a service's /metrics has, also those that have no sample yet."""
    return {name for name, _ in _TYPE.findall(text) if METRIC.fullmatch(name) and not name.endswith("_created")}


def labels(text: str) -> Exposed:
    """Return the labels of each metric that has a sample."""
    found: Exposed = {}
    for name, said in _SAMPLE.findall(text):
        if not name.endswith("_created"):
            base = next((name.removesuffix(part) for part in PARTS if name.endswith(part)), name)
            found.setdefault(base, set()).update(set(_LABEL.findall(said)) - {"le"})
    return found


def amiss(query: str, exposed: Exposed) -> set[str]:
    """Return what a query asks that nobody exposes: metrics, and labels that its metrics do not have."""
    bare = re.sub(r'"[^"]*"', '""', query)
    asked = {base_of(name, exposed) for name in METRIC.findall(bare)}
    wrong = {name for name in asked if name not in exposed}
    have = ADDED.union(*(exposed.get(name, set()) for name in asked))
    for name, chosen in _CHOSEN.findall(bare):
        own = exposed.get(base_of(name, exposed), have) | ADDED
        wrong |= {f"{name}{{{label}}}" for label in _MATCH.findall(chosen) if label not in own}
    for group in _GROUPED.findall(bare):
        wrong |= {f"by ({label})" for label in _words(group.split(",")) if label not in have}
    return wrong


def base_of(name: str, exposed: Iterable[str]) -> str:
    """Return a metric's own name, without the part of a histogram."""
    return next((name.removesuffix(part) for part in PARTS if name.removesuffix(part) in exposed), name)


def table(text: str) -> Exposed:
    """Return the metrics of the table in docs/observability.md: `_x` is short; {labels} are of their group (by ;)."""
    found: Exposed = {}
    for row in re.findall(r"^\| [^|]+ \| ([^|]*`(?:vision|edgectl)_[^|]*) \|$", text, re.MULTILINE):
        prefix = "_".join(row.strip("`").split("_")[:2])
        for group in row.split(";"):
            said = re.findall(r"\{([^}]*)\}", group)
            own = set(_words(said[0].split(","))) if said else set()
            for name in re.findall(r"`(\w+)`", group):
                found[prefix + name if name.startswith("_") else name] = own
    return found


def _words(texts: Iterable[str]) -> list[str]:
    return [text.strip() for text in texts if text.strip()]
