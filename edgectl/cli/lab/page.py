"""The page of an acceptance: one file of HTML that opens with no network.

Owns: the file. Must not know what is told.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edgectl.control.accept.report import Report


def write(path: Path, made: Report) -> None:
    """Write it whole, or say why it is not there; that changes nothing of how the acceptance ended."""
    from edgectl.control.staging import staged
    from edgectl.report.page.accepted import page

    try:
        with staged(path) as stream:
            stream.write(page(made).encode("utf-8", "replace"))
    except OSError as error:
        sys.stderr.write(f"  note      {path} could not be written: {os.strerror(error.errno or 0)}\n")
