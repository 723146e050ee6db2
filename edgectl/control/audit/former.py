"""Which of a node's audits was the one of a machine that is no more: `replace` says so in the chain here.

Owns: the line, and what follows from it. A new disk begins a new audit; only what was told before that line, in another
audit than the one that is told now, is excused. Must not know how a chain is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from edgectl.control.audit.check import REMARK, Finding, Seen
from edgectl.control.audit.copy import Copy
from edgectl.control.audit.own import note
from edgectl.control.collect.collect import folder
from edgectl.wire.audit import Head

REPLACED = "replaced"
Records = Sequence[Mapping[str, Any]]


def replaced(store: str, node: str) -> None:
    """Write into the chain here that another machine takes a node's place, and how far the old one's audit was."""
    note(store, REPLACED, node=node, head=Copy(folder() / store / node).head())


class Former:
    """What a chain here tells of the machines that a node was before; `chain` is the audit that it tells now."""

    def __init__(self, node: str, own: Records, chain: str) -> None:
        self._node, self._line = node, next((one for one in reversed(own) if self._is_line(one, node)), None)
        self._chains: set[str] = set()  # those that a machine had when another one took its place
        self._places: set[str] = set()
        last: Head | None = None
        for one in own:
            if self._is_line(one, node):
                ends = (last, Head.of(str(one.get("head", ""))))
                self._chains |= {head.chain for head in ends if chain and head is not None and head.chain != chain}
            last = self._seen(one) or last
        for one in own:
            if one is self._line:
                break
            head = self._seen(one)
            if head is not None and head.chain in self._chains:
                self._places.add(str(one["at"]))

    @staticmethod
    def _is_line(record: Mapping[str, Any], node: str) -> bool:
        return record.get("what") == REPLACED and record.get("node") == node

    def _seen(self, record: Mapping[str, Any]) -> Head | None:
        return Head.of(str((record.get("seen") or {}).get(self._node, "")))

    def speaks(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a line here is about a machine that is no more."""
        return str(record["at"]) in self._places

    def without(self, seen: Iterable[Seen], *, own: bool) -> list[Seen]:
        """Return the heads that still count; of those seen here by their line, of those set aside by their audit."""
        return [one for one in seen if (one.where not in self._places if own else one.head.chain not in self._chains)]

    def remarks(self) -> list[Finding]:
        """Say that the node's audit begins anew, where it does."""
        if self._line is None or not self._chains:
            return []
        sentence = f"{self._node} was replaced on {self._line.get('time', '')}: its audit begins anew there"
        return [Finding(REMARK, str(self._line["at"]), sentence)]
