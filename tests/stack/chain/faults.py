"""Every fault that a store is tried with, in the order of the chain's links."""

from __future__ import annotations

from tests.stack.chain.fault import Fault
from tests.stack.chain.faults_inside import INSIDE
from tests.stack.chain.faults_outside import OUTSIDE

FAULTS: dict[str, Fault] = {**INSIDE, **OUTSIDE}
