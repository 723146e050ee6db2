"""What an import has made, what it has not taken over, what stores still need. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgectl.control.intake.draft import Draft
from edgectl.control.intake.judged import Judged
from edgectl.report.words import count

_SOME = 3
_MOST = 12


def lines(draft: Draft, found: Judged, to: Path | None, *, verbose: bool) -> list[str]:
    """Return the sentences, the next command last."""
    what = f"{count(found.stores, 'store')}, {count(found.nodes, 'node')}, {count(len(draft.groups), 'group')}"
    return [
        f"{f'wrote {to}' if to else 'made an inventory'}: {what}",
        *(f"  note      {note}" for note in draft.notes),
        *_left(draft, verbose=verbose),
        *_missing(found, verbose=verbose),
        *_next(found, to),
    ]


def _left(draft: Draft, *, verbose: bool) -> Iterator[str]:
    """Yield each name that was not taken over, with its reason; all its places when verbose."""
    found: dict[tuple[str, str], list[str]] = {}
    for left in draft.left:
        found.setdefault((left.name, left.why), []).append(left.where)
    for (name, why), places in found.items():
        yield f"  not taken over: {name} ({_some(places, verbose=verbose)}): {why}"


def _missing(found: Judged, *, verbose: bool) -> Iterator[str]:
    shown = found.missing if verbose else found.missing[:_MOST]
    yield from (f"  missing   {sentence}" for sentence in shown)
    if len(shown) < len(found.missing):
        yield f"  missing   and {len(found.missing) - len(shown)} more; -v shows all"
    if found.keyless:
        nodes = count(len(found.keyless), "node")
        yield f"  missing   {nodes} without host_key: {_some(found.keyless, verbose=verbose)}"


def _next(found: Judged, to: Path | None) -> Iterator[str]:
    if to is None:
        yield "  next      the same with --to stores/inventory.yaml writes it"
    elif found.missing:
        yield f"  next      say in {to} what is missing (for all stores: under defaults)"
    if found.keyless:
        yield f'  next      edgectl inventory scan-keys "*" -i {to or "stores/inventory.yaml"}'


def _some(names: list[str], *, verbose: bool) -> str:
    shown = names if verbose else names[:_SOME]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(shown) < len(names) else "")
