"""Both sides of a store's audit held against each other: what was asked from here, and what its nodes tell.

Owns: where both lie, and which heads count as seen. Must not know how a chain is checked, nor how anything is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgectl.control.audit.check import BROKEN, REMARK, Checked, Finding, Seen, check
from edgectl.control.audit.copy import GOT, NAME, Copy
from edgectl.control.audit.former import Former
from edgectl.wire.audit import Head, parts

HERE = "here"
_TOOK = frozenset({"accepted", "again", "late"})


@dataclass(frozen=True, slots=True)
class Side:
    """One chain of a store: this operator's (`here`), or a node's as it was collected last."""

    name: str
    checked: Checked


def sides(store: str, own: Path, collected: Path) -> list[Side]:
    """Return every chain of a store that is here, checked."""
    mine = _files(parts(own / store), own)
    alone = check(mine, store=store)
    found = []
    nodes = sorted(path for path in (collected / store).glob("*") if (path / NAME).exists() or Copy.earlier(path))
    told: dict[str, list[dict[str, Any]]] = {}
    for folder in nodes:
        name = folder.name
        files = _files([folder / NAME], collected) if (folder / NAME).exists() else []
        former = Former(name, alone.records, check(files).chain)
        seen = former.without(_seen_of(name, alone), own=True)
        seen += former.without(_set_aside(store, folder, collected), own=False)
        got = _got(folder)
        now, later = [one for one in seen if one.time <= got], [one for one in seen if one.time > got]
        checked = check(files, store=store, node=name, seen=now)
        told[name] = checked.records
        last = max(checked.heads, default=0)
        if beyond := [one for one in later if one.head.n > last and one.head.chain == checked.chain]:
            checked.findings.append(
                Finding(REMARK, beyond[-1].where, f"{name} has told more since ({got or 'never'}): edgectl collect")
            )
        checked.findings += former.remarks()
        checked.findings += _differences(name, alone, checked, got, former)
        found.append(Side(name, checked))
    if mine:
        peers = list(_peers(told, alone))
        found.insert(0, Side(HERE, check(mine, store=store, seen=peers)))
    return found


def _seen_of(node: str, own: Checked) -> Iterator[Seen]:
    for record in own.records:
        head = Head.of(str((record.get("seen") or {}).get(node, "")))
        if head is not None:
            yield Seen(head, record["at"], str(record.get("time", "")))


def _set_aside(store: str, folder: Path, root: Path) -> Iterator[Seen]:
    """Yield the ends of what was collected before the node told another story."""
    for path in Copy.earlier(folder):
        was = check(_files([path], root), store=store, node=folder.name)
        if was.heads:
            n = max(was.heads)
            when = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")
            yield Seen(Head(was.chain, n, was.heads[n]), was.records[-1]["at"], when)


def _peers(told: dict[str, list[dict[str, Any]]], own: Checked) -> Iterator[Seen]:
    """Yield what nodes were told of the chain here: an end that is gone here stands there."""
    for node, records in told.items():
        for record in records:
            head = Head.of(str(record.get("peer", "")))
            if head is not None and head.chain == own.chain:
                yield Seen(head, f"{node}, {record['at']}", str(record.get("time", "")))


def _differences(node: str, own: Checked, theirs: Checked, got: str, former: Former) -> Iterable[Finding]:
    """Yield deploys of which both sides speak, and differently; and those that the node should know and does not."""
    ends = {str(one["run"]): one for one in theirs.records if one.get("phase") == "ended" and one.get("run")}
    took = {one.get("sequence") for one in theirs.records if one.get("phase") in _TOOK}
    for mine in own.records:
        if mine.get("phase") != "ended" or node not in (mine.get("seen") or {}) or str(mine.get("time", "")) > got:
            continue
        if former.speaks(mine):
            continue
        run, word = str(mine.get("run", "")), str((mine.get("outcome") or {}).get("word", ""))
        end = ends.get(run)
        lead_says = str((end.get("outcome") or {}).get("word", "")) if end else ""
        if end and word and lead_says and word not in {lead_says, "degraded"}:
            sentence = f"run {run} ended here as {word}, and by {node}'s audit as {lead_says}"
            yield Finding(BROKEN, f"{mine['at']}, {end['at']}", sentence)
        if mine.get("sequence") and theirs.first == 1 and mine["sequence"] not in took:
            sentence = (
                f"{node} has taken sequence {mine['sequence']} by the audit here, and its own does not know of it"
            )
            yield Finding(BROKEN, mine["at"], sentence)


def _files(paths: Iterable[Path], root: Path) -> list[tuple[str, bytes]]:
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            found.append((str(path.relative_to(root.parent)), path.read_bytes()))
    return found


def _got(folder: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return (folder / GOT).read_text(encoding="ascii").strip()
    return ""
