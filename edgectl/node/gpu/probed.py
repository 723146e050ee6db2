"""The shell probes of a node's GPUs, asked by name: a layer each, and the rows that some of them add (facts.py).

Owns: which scripts there are, what each is given, how long it may take, and how its end is read. Must not know what
follows from it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.node.gpu import facts
from edgectl.node.io.look import Look
from edgectl.node.io.programs import Ran
from edgectl.wire.gpu import NEVER, NOT_YET, Layer
from edgectl.wire.payload import Gpu
from edgectl.wire.verdict import READY, UNKNOWN

LIMIT_SECONDS = 20.0  # each ends by itself before; all run at once
_BY_EXIT = {0: READY, 1: NOT_YET, 2: NEVER}


@dataclass(frozen=True)
class Probed:
    """What all scripts have said."""

    layers: dict[str, Layer] = field(default_factory=dict)
    listed: tuple[facts.Listed, ...] = ()
    health: tuple[facts.Health, ...] = ()
    xids: dict[str, tuple[facts.Xid, ...]] = field(default_factory=dict)

    def layer(self, name: str) -> Layer:
        """Return one script's; one that was not asked is one, too."""
        return self.layers.get(name, Layer())


def probed(look: Look, gpu: Gpu) -> Probed:
    """Run all scripts at once; one that does not end spoils its own layer only."""
    asked = {
        "driver": (gpu.driver,),
        "uvm": (),
        "toolkit": (gpu.toolkit,),
        "devices": (str(gpu.count), *gpu.uuids),
        "xid": (),
        "health": (),
    }
    with ThreadPoolExecutor(len(asked)) as pool:
        ends = dict(zip(asked, pool.map(lambda name: _run(look, name, *asked[name]), asked), strict=True))
    layers = {name: layer(name, ran) for name, ran in ends.items()}
    listed, health, xids = facts.listed(ends["devices"].out), facts.health(ends["health"].out), ends["xid"].out
    return Probed(layers, listed, health, facts.xids(xids))


def layer(name: str, ran: Ran) -> Layer:
    """Read how a script has ended: its first line is the reason. One that said nothing has not looked."""
    says = next((line.strip() for line in ran.out.splitlines() if line.strip()), "")
    if ran.code is None:
        return Layer(UNKNOWN, f"{name}.sh did not end within {LIMIT_SECONDS:.0f} s")
    if ran.code not in _BY_EXIT or not says:
        return Layer(UNKNOWN, f"{name}.sh could not look: {ran.last_words}")
    return Layer(_BY_EXIT[ran.code], says)


def _run(look: Look, name: str, *words: str) -> Ran:
    script = Path(__file__).with_name(f"{name}.sh")
    return look.run("sh", str(script), *(word for word in words if word), limit_seconds=LIMIT_SECONDS)
