"""What an error says is wrong, without the lines of the file that it shows below."""

from __future__ import annotations

import re

from edgectl.wire.errors import EdgectlError

_QUOTED = re.compile(r" +[0-9]+ \| ")


def findings(error: EdgectlError) -> list[str]:
    """Return the findings alone, and the evidence behind them."""
    return [line for line in error.details if not _QUOTED.match(line)]
