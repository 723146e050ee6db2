"""All rows, in the order in which they are tried: what needs a running server first, what disturbs it later.

The list is the package's own (edgectl/node/lab): `edgectl accept` asks a running store the same. What a running store
is not asked (edgectl/control/accept/bare.py) is tried here.
"""

from __future__ import annotations

from edgectl.control.accept import bare
from edgectl.node.lab import running
from tests.contract.row import Check, Row, held
from tests.contract.rows import config, images, layout, node, runtime, token, unit

_BARE: dict[str, Check] = {
    **layout.CHECKS,
    **node.CHECKS,
    **images.CHECKS,
    **config.CHECKS,
    **runtime.CHECKS,
    **unit.CHECKS,
    **token.CHECKS,
}
WHY_NOT = {"clock": "one kernel, one clock: a node of the sandbox may not set it"}
ROWS: tuple[Row, ...] = (
    *(Row(one.id, one.behaviour, one.source, held(one)) for one in running.ROWS),
    *(Row(one.id, one.behaviour, one.source, _BARE.get(one.id), WHY_NOT.get(one.id, "")) for one in bare.ROWS),
)
