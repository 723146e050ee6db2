"""What the GPU probes print, as data: GPUs as nvidia-smi lists and asks them, Xids by GPU.

Owns: the forms of devices.sh's, health.sh's and xid.sh's rows. Judges nothing: the scripts do, by their exit codes.
A line that does not fit is left out: what cannot be read is no GPU.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LISTED = re.compile(r"GPU (\d+): (.*?) \(UUID: (\S+)\)")
_SHARE = re.compile(r"\s*MIG .*\(UUID: (\S+)\)")
_XID = re.compile(r"(fatal|other) (\S+) (\d+) ?(.*)")
_ADDRESS = re.compile(r"([0-9a-f]{1,8}):([0-9a-f]{1,2}):([0-9a-f]{1,2})(?:\.\d)?")
_FIELDS = 13
_GONE = ("[GPU is lost]", "[GPU requires reset]")


@dataclass(frozen=True)
class Listed:
    """One GPU of `nvidia-smi -L`, with the MIG devices that it is divided into."""

    index: int
    name: str
    uuid: str
    shares: tuple[str, ...] = ()


@dataclass(frozen=True)
class Health:
    """One GPU's row of health.sh. None where this card, or this driver, does not say it."""

    index: int
    uuid: str
    address: str  # as Xids name it: 0000:01:00
    name: str
    driver: str
    memory_mib: int | None
    celsius: int | None
    power_state: str
    uncorrected: int | None  # memory errors since the driver was loaded
    slowed: tuple[str, ...] = ()  # of hw, hw-thermal, sw-thermal: why it computes slower than it could
    divided: bool = False  # in MIG mode
    gone: bool = False  # lost, or of no use until it is reset


@dataclass(frozen=True)
class Xid:
    """One error that the kernel's driver has told in this boot."""

    address: str
    code: int
    fatal: bool
    text: str


def listed(text: str) -> tuple[Listed, ...]:
    """Read what `nvidia-smi -L` says."""
    found: list[Listed] = []
    for line in text.splitlines():
        if gpu := _LISTED.match(line):
            found.append(Listed(int(gpu[1]), gpu[2], gpu[3]))
        elif found and (share := _SHARE.match(line)):
            last = found[-1]
            found[-1] = Listed(last.index, last.name, last.uuid, (*last.shares, share[1]))
    return tuple(found)


def health(text: str) -> tuple[Health, ...]:
    """Read health.sh's rows; its reason line is none."""
    return tuple(found for line in text.splitlines() if (found := _row(line)))


def xids(text: str) -> dict[str, tuple[Xid, ...]]:
    """Read xid.sh's rows, oldest first, by the PCI address of the GPU."""
    found: dict[str, tuple[Xid, ...]] = {}
    for line in text.splitlines():
        if row := _XID.fullmatch(line):
            place = address(row[2])
            found[place] = (*found.get(place, ()), Xid(place, int(row[3]), row[1] == "fatal", row[4]))
    return found


def address(text: str) -> str:
    """Return a PCI address in one form: nvidia-smi writes 00000000:0C:00.0 where the kernel writes 0000:0c:00."""
    parts = _ADDRESS.fullmatch(text.lower())
    if parts is None:
        return text
    return f"{int(parts[1], 16):04x}:{int(parts[2], 16):02x}:{int(parts[3], 16):02x}"


def _row(line: str) -> Health | None:
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != _FIELDS or not fields[0].isdecimal():
        return None
    reasons = zip(("hw", "hw-thermal", "sw-thermal"), fields[9:12], strict=True)
    return Health(
        index=int(fields[0]),
        uuid=fields[1],
        address=address(fields[2]),
        name=fields[3],
        driver=fields[4],
        memory_mib=_number(fields[5]),
        celsius=_number(fields[6]),
        power_state=fields[7],
        uncorrected=_number(fields[8]),
        slowed=tuple(name for name, said in reasons if said == "Active"),
        divided=fields[12] == "Enabled",
        gone=any(word in fields for word in _GONE),
    )


def _number(text: str) -> int | None:
    """Return a number; None for [N/A], [Not Supported], [Unknown Error] and the like."""
    return int(text) if text.isdecimal() else None
