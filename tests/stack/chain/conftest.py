"""One store of real parts for all tests of a worker: faults break it and mend it again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.chain.law import HEALED_SECONDS, Watch, is_well
from tests.stack.chain.rig import Rig


@pytest.fixture(scope="session")
def begun() -> Iterator[Rig]:
    """Start it."""
    rig = Rig()
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


@pytest.fixture
def rig(begun: Rig) -> Rig:
    """Give it when all of it is well."""
    Watch(begun).until(is_well, HEALED_SECONDS)
    return begun
