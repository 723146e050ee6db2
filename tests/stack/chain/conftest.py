"""One store of real parts for all tests of a worker: faults break it and mend it again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.chain.rig import Rig


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """Start it; a test waits for it to be well."""
    rig = Rig()
    try:
        rig.start()
        yield rig
    finally:
        rig.close()
