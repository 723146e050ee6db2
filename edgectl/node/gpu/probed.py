"""The shell probes of a node's GPUs, asked by name: a layer each, and the rows and lines that some of them add.

Owns: which scripts there are, how long each may take, and how their lines are read; all that knows their form is here.
Must not know what follows from it.
"""

from __future__ import annotations

import csv
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.node.io.look import Look
from edgectl.node.io.programs import Ran
from edgectl.wire.gpu import NEVER, NOT_YET, Layer
from edgectl.wire.verdict import READY, UNKNOWN

SCRIPTS = ("driver", "uvm", "toolkit", "xid", "health")
LIMIT_SECONDS = 10.0  # all run at once: a look ends long before the link would be taken for dead
_BY_EXIT = {0: READY, 1: NOT_YET, 2: NEVER}
_COLUMNS = 11
# What a program on the card has done, not the card (NVIDIA's device plugin ignores the same); 63 and 94 are contained.
_HARMLESS = frozenset({13, 31, 43, 45, 63, 68, 94, 109})
_XID = re.compile(r"Xid \(PCI:([0-9a-fA-F:.]+)\): (\d+)")
_PCI = re.compile(r"(?:([0-9a-fA-F]+):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})(?:\.\d+)?")
_ABSENT = frozenset({"", "N/A", "[N/A]", "[Not Supported]", "[Unknown Error]", "[GPU is lost]"})


@dataclass(frozen=True)
class Row:
    """One GPU as nvidia-smi lists it; None and "" are what it does not tell."""

    index: int
    uuid: str
    pci: str
    name: str
    driver: str = ""
    memory_mib: int | None = None
    temperature_c: int | None = None
    ecc_errors: int | None = None
    throttled: str = ""
    mig: bool = False


@dataclass(frozen=True)
class Xid:
    """One line of the kernel about one card."""

    pci: str
    number: int
    line: str

    @property
    def fatal(self) -> bool:
        """Whether the card itself is what it speaks of."""
        return self.number not in _HARMLESS


@dataclass(frozen=True)
class Probed:
    """What all scripts have said."""

    layers: dict[str, Layer] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    xids: tuple[Xid, ...] = ()

    def layer(self, name: str) -> Layer:
        """Return one script's; one that was not asked is one, too."""
        return self.layers.get(name, Layer())


def probed(look: Look) -> Probed:
    """Run all scripts at once; one that does not end spoils its own layer only."""
    with ThreadPoolExecutor(len(SCRIPTS)) as pool:
        ends = dict(zip(SCRIPTS, pool.map(lambda name: _run(look, name), SCRIPTS), strict=True))
    layers = {name: layer(name, ran) for name, ran in ends.items()}
    return Probed(layers, rows(ends["health"].out), xids(ends["xid"].out))


def layer(name: str, ran: Ran) -> Layer:
    """Read how a script has ended: its first line is the reason. One that said nothing has not looked."""
    says = next((line.strip() for line in ran.out.splitlines() if line.strip()), "")
    if ran.code is None:
        return Layer(UNKNOWN, f"{name}.sh did not end within {LIMIT_SECONDS:.0f} s")
    if ran.code not in _BY_EXIT or not says:
        return Layer(UNKNOWN, f"{name}.sh could not look: {ran.last_words}")
    return Layer(_BY_EXIT[ran.code], says)


def rows(text: str) -> tuple[Row, ...]:
    """Read the rows below a reason line: index, uuid, pci, name, driver, memory, temperature, ecc, slowdowns, mig."""
    found = []
    for cells in csv.reader(text.splitlines()[1:], skipinitialspace=True):
        words = [cell.strip() for cell in cells]
        if len(words) < _COLUMNS or not words[0].isdecimal():
            continue
        slow = (("heat", words[8]), ("hardware", words[9]))
        found.append(
            Row(
                index=int(words[0]),
                uuid=words[1],
                pci=pci(words[2]),
                name=words[3],
                driver="" if words[4] in _ABSENT else words[4],
                memory_mib=_number(words[5]),
                temperature_c=_number(words[6]),
                ecc_errors=_number(words[7]),
                throttled=", ".join(what for what, word in slow if word == "Active"),
                mig=words[10] == "Enabled",
            )
        )
    return tuple(found)


def xids(text: str) -> tuple[Xid, ...]:
    """Read the kernel's lines about cards, wherever they stand."""
    lines = ((line, _XID.search(line)) for line in text.splitlines())
    return tuple(Xid(pci(found[1]), int(found[2]), _from_nvrm(line)) for line, found in lines if found)


def pci(address: str) -> str:
    """Return one form of a card's address: nvidia-smi writes 00000000:01:00.0, the kernel 0000:01:00."""
    found = _PCI.fullmatch(address.strip())
    return f"{int(found[1] or '0', 16):04x}:{found[2]}:{found[3]}".lower() if found else ""


def _run(look: Look, name: str) -> Ran:
    return look.run("sh", str(Path(__file__).with_name(f"{name}.sh")), limit_seconds=LIMIT_SECONDS)


def _number(word: str) -> int | None:
    found = re.match(r"\d+", word)
    return int(found[0]) if found else None


def _from_nvrm(line: str) -> str:
    """Return the kernel's sentence without what a log puts in front of it."""
    return line[line.find("Xid (PCI") :].strip()
