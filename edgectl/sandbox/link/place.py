"""Where the link's control socket is, however long the path to it: names only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def control_address(folder: Path) -> Iterator[str]:
    """Give a name of the control socket that fits into the 108 bytes of a socket address (unix(7))."""
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}/control.sock"
    finally:
        os.close(fd)
