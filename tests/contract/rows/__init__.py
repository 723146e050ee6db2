"""All rows, in the order in which they are tried: what needs a running server first, what disturbs it later."""

from __future__ import annotations

from tests.contract.row import Row
from tests.contract.rows import config, images, layout, node, runtime, token, unit

ROWS: tuple[Row, ...] = (
    *layout.ROWS,
    *node.ROWS,
    *images.ROWS,
    *config.ROWS,
    *runtime.ROWS,
    *unit.ROWS,
    *token.ROWS,
)
