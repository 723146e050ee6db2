"""One fault of the exam: how it is made and unmade, how it shows without doctor, and what is true of it.

Owns: the words of a question. Must not know which faults there are, nor how an answer is marked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edgectl.sandbox.gpu.knobs import Knobs
from edgectl.sandbox.machine.store import SandboxStore
from tests.doctor.downstream import Downstream
from tests.doctor.parts import PARTS
from tests.e2e.node import Node
from tests.e2e.operator import Operator


@dataclass(frozen=True, slots=True)
class Ground:
    """A store that is ready, with who is around it."""

    store: SandboxStore
    node: Node
    operator: Operator  # with the exam's own inventory
    downstream: Downstream

    @property
    def knobs(self) -> Knobs:
        """The GPUs' knobs."""
        return Knobs(self.store)


Deed = Callable[[Ground], None]
Seen = Callable[[Ground], bool]


@dataclass(frozen=True, slots=True)
class Truth:
    """What a right answer has of one cause: its part, and in its sentence one text of each group."""

    parts: tuple[str, ...]  # any of them names it rightly
    says: tuple[tuple[str, ...], ...]
    noted: bool = False  # it is nobody's fault: a note that says it names it, too


@dataclass(frozen=True, slots=True)
class Fault:
    """One cause that is made on purpose."""

    name: str
    truth: Truth
    seed: Deed
    undo: Deed
    seen: Seen  # from outside: the effect is there
    follows: tuple[str, ...] = ()  # parts that cannot be well with it: named, they are consequences and no blame
    within: float = 30  # seconds in which the effect shows

    @property
    def touched(self) -> frozenset[str]:
        """All parts that are not healthy."""
        return frozenset((*self.truth.parts, *self.follows))


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that the exam asks: a fault, or two at once.

    `hidden`: the second lies under the first, where nobody can see it; then the first alone is asked for.
    """

    faults: tuple[Fault, ...]
    hidden: bool = False
    firsts: tuple[str, ...] = field(default=())  # names of the faults that may stand first; () is the first one alone

    @property
    def name(self) -> str:
        """How it is called."""
        return (" over " if self.hidden else " and ").join(fault.name for fault in self.faults)

    @property
    def asked(self) -> tuple[Fault, ...]:
        """The causes that an answer must name."""
        return self.faults[:1] if self.hidden else self.faults

    @property
    def leads(self) -> tuple[Fault, ...]:
        """The causes that may stand first."""
        return tuple(fault for fault in self.faults if fault.name in (self.firsts or (self.faults[0].name,)))

    @property
    def well(self) -> frozenset[str]:
        """The parts that are healthy: to name one as a cause is a wrong blame."""
        touched = frozenset[str]().union(*(fault.touched for fault in self.faults))
        return frozenset(PARTS) - touched
