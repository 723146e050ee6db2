"""Which events of a refused batch are the bad ones: found by halves, and only believed when others are taken.

Owns: that no event is set aside while the sink refuses all that it is given. Must not know how anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edgectl.stack.uplink.sender import Answered, Later
from edgectl.stack.uplink.store import Row

SUSPECTS = 16  # refused alone, and nothing taken between them: then it is hardly the events

Send = Callable[[Sequence[Row]], Answered | Later]


@dataclass(slots=True)
class Sorted:
    """What became of a batch; what is in neither list waits on. `later`: why it was not tried to the end."""

    taken: list[Row] = field(default_factory=list)
    refused: list[tuple[Row, str]] = field(default_factory=list)
    later: Later | None = None


def sort(rows: Sequence[Row], send: Send) -> Sorted:
    """Send a batch, in parts where it is refused."""
    found = Sorted()
    parts = [list(rows)]
    while parts:
        if not found.taken and len(found.refused) >= SUSPECTS:
            break
        part = parts.pop()
        answer = send(part)
        if isinstance(answer, Later):
            found.later = answer
            break
        if answer.taken:
            found.taken += part
        elif len(part) == 1:
            found.refused.append((part[0], answer.why))
        else:
            middle = len(part) // 2
            parts += [part[middle:], part[:middle]]  # the older half is sent first
    return found
