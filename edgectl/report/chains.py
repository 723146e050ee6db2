"""A store's chain: the text and the document of `edgectl chain`. Pure.

Owns: its colours. What the node says of its chain is its own (wire/chaintext.py).
"""

from __future__ import annotations

import textwrap
from typing import Any

from edgectl.wire.chain import DEGRADED, NOT_READY, READY
from edgectl.wire.chainlook import NOT_ASKED, ChainLook
from edgectl.wire.chaintext import COLUMNS, headline, lines, next_of, plain
from edgectl.wire.document import to_json
from edgectl.wire.verdict import UNKNOWN

_COLOURS = {READY: "32", DEGRADED: "33", NOT_READY: "1;31", UNKNOWN: "1;31", NOT_ASKED: "2"}


def document(store: str, look: ChainLook) -> dict[str, Any]:
    """Return it for `--output json`."""
    return {"store": store, "word": look.word, "reason": look.reason, "chain": to_json(look)}


def drawing(store: str, look: ChainLook, *, colour: bool = False) -> str:
    """Draw it: the sentence, the way of a frame, each link, what to do next."""
    paint = _painted if colour else plain
    said = [headline(store, look, paint=paint), *lines(look, paint=paint)]
    if todo := next_of(look, store=store):
        head = "  next      "
        said += textwrap.wrap(
            todo, COLUMNS, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
        )
    return "\n".join(said)


def _painted(word: str, text: str) -> str:
    return f"\x1b[{_COLOURS.get(word, '0')}m{text}\x1b[0m"
