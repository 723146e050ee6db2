"""Bring what all end-to-end tests need, once, before several run side by side: `python -m tests.e2e.supplies`.

Cold, it builds for minutes and says how far it is; tests that run side by side could not. A host that cannot carry
stores is left to the tests themselves, which say so.
"""

from __future__ import annotations

import sys

from edgectl.sandbox.bundle import make_bundle
from edgectl.sandbox.gpu.libcuda import cuda_library
from edgectl.sandbox.machine.base import base_image
from edgectl.sandbox.requirements import require
from edgectl.wire.errors import NotReady


def main() -> int:
    """Build or find everything."""
    try:
        require(_say)
    except NotReady as missing:
        _say(missing.message)
        return 0
    make_bundle(_say)  # the driver's packages are in it
    base_image(_say)
    cuda_library()
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
