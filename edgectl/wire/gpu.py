"""What is seen of a node's GPUs: the answer of `edgectl gpu`, from the driver up to the pod that holds a card.

Owns: the shape that the node fills and both sides show. Sentences come with it: the node has judged. Ages are in
seconds before the look; None is "not known", never "none".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgectl.wire.errors import Exit
from edgectl.wire.verdict import DEGRADED, READY, UNKNOWN

NOT_YET = "not yet"
NEVER = "never"
NOT_ASKED = ""  # by a look that goes without it
_EXITS = {READY: Exit.OK, DEGRADED: Exit.DEGRADED}


@dataclass(frozen=True, slots=True)
class Layer:
    """What one shell probe has said. `status`: ready, not yet, never, unknown (could not look), "" (not asked)."""

    status: str = NOT_ASKED
    says: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """One resource: how many devices all declared GPUs offer, how many are enough, how many the kubelet hands out."""

    resource: str
    offered: int
    least: int
    allocatable: int | None = None


@dataclass(frozen=True, slots=True)
class Plugin:
    """The device plugin's pod on this node. `answers` is about its socket beside the kubelet's."""

    pod: str = ""  # namespace/name; "" when there is none
    runs: bool = False
    restarts: int = 0
    answers: bool | None = None
    others: tuple[str, ...] = ()  # more than one plugin on a node quarrel over it


@dataclass(frozen=True, slots=True)
class Smoke:
    """The newest CUDA smoke of this boot; that of another boot counts as none."""

    ok: bool
    reason: str = ""
    seconds: float = 0.0
    gb_per_s: float = 0.0
    ago_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Holder:
    """A pod that holds a GPU by the kubelet's own record; without a name where the API could not tell it."""

    uid: str
    namespace: str = ""
    pod: str = ""

    @property
    def named(self) -> str:
        """Return namespace/name, or the UID."""
        return f"{self.namespace}/{self.pod}" if self.pod else f"pod {self.uid}"


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU. `word` is ready, not ready or unknown; `layer` is where it ends, from the ground up."""

    index: int  # the driver's own number; -1 where the driver does not list it
    uuid: str = ""
    name: str = ""
    pci: str = ""
    listed: bool | None = None
    spare: bool = False  # not listed, not declared by name, offered to nobody; as many as are declared are listed
    driver: str = ""  # the version that nvidia-smi names beside it
    memory_mib: int | None = None
    temperature_c: int | None = None
    ecc_errors: int | None = None  # uncorrected
    throttled: str = ""  # what slows it down
    mig: bool = False
    xids: tuple[str, ...] = ()  # the kernel's lines about it
    fatal: str = ""  # the one that it does not come back from
    fault: str = ""  # what nvidia-smi says that makes it of no use
    smoke: Smoke | None = None
    healthy: bool | None = None  # as the plugin tells the kubelet
    holders: tuple[Holder, ...] | None = None
    word: str = UNKNOWN
    layer: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that the watchdog has done."""

    word: str
    what: str = ""
    ago_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What the watchdog has done, and what it holds back from, with its reason."""

    held: str = ""
    deeds: tuple[Deed, ...] = ()  # within the last hour
    counts: dict[str, int] = field(default_factory=dict)  # by word, in this boot


@dataclass(frozen=True, slots=True)
class GpuLook:
    """All of one node's GPUs. `word` and `why` are the node's own: ready, degraded, not ready, unknown."""

    node: str
    boot: str
    count: int
    required: int
    resource: str
    offers: tuple[Offer, ...] = ()
    this_boot: bool | None = None  # the node's status in the API is newer than this boot
    marker: bool = False  # of this boot
    marker_ago_seconds: float | None = None
    driver: Layer = field(default_factory=Layer)
    uvm: Layer = field(default_factory=Layer)
    toolkit: Layer = field(default_factory=Layer)
    devices: Layer = field(default_factory=Layer)  # which cards nvidia-smi lists
    kernel: Layer = field(default_factory=Layer)  # what it says of Xids
    health: Layer = field(default_factory=Layer)  # what nvidia-smi says of each card
    api: Layer = field(default_factory=Layer)  # whether the Kubernetes API could be asked
    plugin: Plugin = field(default_factory=Plugin)
    cards: tuple[Card, ...] = ()
    watch: Watch = field(default_factory=Watch)
    word: str = UNKNOWN
    layer: str = ""
    why: str = ""

    @property
    def exit(self) -> int:
        """The exit code for this node, as of `status`."""
        return int(_EXITS.get(self.word, Exit.NOT_READY))

    @property
    def ready(self) -> tuple[Card, ...]:
        """The GPUs that may be worked with now."""
        return tuple(card for card in self.cards if card.word == READY)

    @property
    def serves(self) -> bool:
        """Whether as many as required are ready and inference is let in."""
        return self.word in _EXITS
