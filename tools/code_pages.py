"""Reference pages that are read out of the source itself: metrics and journal events.

Owns: what counts as a metric (a name that begins with `edgectl_` or `vision_`, beside its kind and its help) and as
a kind or word of an event (a constant of `edgectl/wire/event.py`). Imports no service to know it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

_NAME = re.compile(r"(edgectl|vision)_[a-z0-9_]+")
_KINDS = ("counter", "gauge", "histogram")
_METRICS_HEAD = """# Metrics

Written by `nox -s docs` from the source; a test holds both together. How they are scraped, the alerts and the
dashboard on top of them: [observability.md](observability.md). Units are base units; counters end in `_total`.
"""
_EVENTS_HEAD = """# Events of a run

Written by `nox -s docs` from the source; a test holds both together. A run's journal is one JSON object a line, in
order, its last one the verdict: `edgectl journal STORE -o json`, on the node `/var/lib/edgectl/journal`.
"""


@dataclass(frozen=True, order=True, slots=True)
class Metric:
    """One family, as it is declared."""

    name: str
    kind: str
    about: str


def metrics(root: Path) -> list[Metric]:
    """Return every family that any code under `root` declares, by name."""
    found = {one for path in root.rglob("*.py") for one in _declared(ast.parse(path.read_text()))}
    return sorted(found)


def _declared(tree: ast.AST) -> Iterator[Metric]:
    names = {
        node.targets[0].id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        if isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KINDS:
            name, about, *_ = [*[_word(one, names) for one in node.args], "", ""]
            kind = node.func.id
        elif isinstance(node, ast.Tuple):
            name, kind, about, *_ = [*[_word(one, names) for one in node.elts], "", "", ""]
        else:
            continue
        if _NAME.fullmatch(name) and kind in _KINDS:
            yield Metric(name, kind, about)


def _word(node: ast.expr, names: Mapping[str, object]) -> str:
    """Return a text that stands there, or by a name of the same file; "" for anything else."""
    value = names.get(node.id) if isinstance(node, ast.Name) else node.value if isinstance(node, ast.Constant) else ""
    return value if isinstance(value, str) else ""


def metrics_page(root: Path) -> str:
    """Return docs/metrics.md."""
    parts = [_METRICS_HEAD]
    found = metrics(root)
    for title, prefix in (("Of a node, and of edgectl", "edgectl_"), ("Of the vision services", "vision_")):
        rows = [one for one in found if one.name.startswith(prefix)]
        parts.append(f"\n## {title}\n\n| metric | kind | what |\n|---|---|---|\n")
        parts += [f"| `{one.name}` | {one.kind} | {one.about.replace('|', chr(92) + '|')} |\n" for one in rows]
    return "".join(parts)


def events_page(source: Path) -> str:
    """Return docs/events.md, from the constants of the source and the comments behind them."""
    from edgectl.wire.event import Event

    constant = re.compile(r'^[A-Z]+ = "([a-z-]+)"(?:  # (.*))?$')
    kinds: list[str] = []
    words: list[str] = []
    into: list[str] | None = None
    for line in source.read_text().splitlines():
        into = kinds if line.startswith("# Kinds") else words if line.startswith("# Words") else into
        if (found := constant.match(line)) and into is not None:
            into.append(f"| `{found[1]}` | {found[2] or ''} |\n")
    parts = [_EVENTS_HEAD, "\n## Kinds\n\n| kind | what |\n|---|---|\n", *kinds]
    parts += ["\n## Words of a step\n\n| word | what |\n|---|---|\n", *words]
    parts += ["\n## Fields\n\n| field | type |\n|---|---|\n"]
    parts += [f"| `{one.name}` | `{one.type}` |\n" for one in fields(Event)]
    return "".join(parts) + f"\n{(Event.__doc__ or '').strip()}\n"
