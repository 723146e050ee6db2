"""Audits, in lines and as documents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from edgectl.control.audit.check import BROKEN
from edgectl.control.audit.compare import Side
from edgectl.report.words import count

_OWN = frozenset({"begun", "sealed", "goes-on"})  # of the chain itself: they say nothing of the store
_LEFT_OUT = frozenset({"v", "chain", "prev", "at", "store", "side"})
_SECONDS = 19


def lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each thing that was asked or has come of it."""
    shown = [row for row in rows if row.get("what") not in _OWN]
    if not shown:
        yield "nothing was asked in that time"
    for row in shown:
        when = str(row.get("time", ""))[:_SECONDS].replace("T", " ")
        sequence = f"sequence {row['sequence']}" if row.get("sequence") else ""
        said = [str(row.get("phase", "")), sequence, _outcome(row), _asked(row), str(row.get("reason", ""))]
        where = f"{row['store']}/{row['side']}"
        yield f"{when}  {where:<22} {row['what']:<9} {', '.join(filter(None, said))}{_who(row.get('by') or {})}"


def document(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return it for programs."""
    return [{"store": row["store"], "side": row["side"], "at": row["at"], "record": _record(row)} for row in rows]


def verified(every: Mapping[str, Sequence[Side]]) -> Iterator[str]:
    """Yield what can be believed, and what cannot."""
    for store, sides in every.items():
        if not sides:
            yield f"{store}: no audit is here: edgectl collect {store}"
        for side in sides:
            checked, where = side.checked, f"{store}/{side.name}"
            broken = [one for one in checked.findings if one.weight == BROKEN]
            if not broken:
                last = max(checked.heads, default=0)
                yield f"{where}: whole, {count(len(checked.records), 'line')}, {checked.first} to {last}"
            else:
                since = broken[0].since
                until = f"after {since}" if since else "at all"
                yield f"{where}: CANNOT BE BELIEVED {until}"
            for one in checked.findings:
                yield f"  {'broken' if one.weight == BROKEN else 'note':<9} {one.where}: {one.sentence}"


def verified_document(every: Mapping[str, Sequence[Side]]) -> dict[str, Any]:
    """Return it for programs."""
    return {
        store: {
            side.name: {
                "whole": side.checked.is_whole,
                "lines": len(side.checked.records),
                "first": side.checked.first,
                "last": max(side.checked.heads, default=0),
                "chain": side.checked.chain,
                "findings": [
                    {"weight": one.weight, "at": one.where, "sentence": one.sentence, "believed_until": one.since}
                    for one in side.checked.findings
                ],
            }
            for side in sides
        }
        for store, sides in every.items()
    }


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in _LEFT_OUT}


def _outcome(row: Mapping[str, Any]) -> str:
    outcome = row.get("outcome") or ""
    if not isinstance(outcome, dict):
        return str(outcome)
    word = str(outcome.get("word") or outcome.get("error") or "")
    return word or (f"exit {outcome['exit']}" if "exit" in outcome else "")


def _asked(row: Mapping[str, Any]) -> str:
    asked = row.get("asked") or {}
    return " ".join(str(asked[name]) for name in ("deed", "name", "version", "why") if asked.get(name))


def _who(by: Mapping[str, str]) -> str:
    if not by:
        return ""
    who = by.get("signer") or by.get("from") or "somebody"
    key = f" {by['key'][:19]}" if by.get("key") else ""
    proof = f" [{by['proof']}]" if by.get("proof") else ""
    return f"  by {who}{key}{proof}"
