"""What edgectl relies on in k3s, asked of this machine, where it runs.

Owns: how a row is asked. What a running store is not asked is the operator's to say (control/accept/bare.py).
"""

from __future__ import annotations

from edgectl.node.io.look import Look
from edgectl.node.lab.row import Row
from edgectl.node.lab.running import ROWS
from edgectl.wire.lab import Relied

_SECONDS = 60.0
_TAIL = 8


def relied(look: Look) -> tuple[Relied, ...]:
    """Ask every row that a running store can be asked."""
    return tuple(_asked(look, row) for row in ROWS)


def _asked(look: Look, row: Row) -> Relied:
    ran = look.run("sh", "-c", row.script, limit_seconds=_SECONDS)
    wrong = row.judge(ran.out) if ran.ok else f"it could not be asked: {ran.last_words}"
    return Relied(row.id, row.behaviour, row.source, wrong=wrong, said=ran.evidence()[-_TAIL:] if wrong else ())
