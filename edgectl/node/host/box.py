"""This very machine: its serial numbers, network cards, memory, disks and GPUs; held against the one that is meant.

Owns: where a machine says what it is, and what counts as another one. Reads files alone, but for the GPUs of a driver
that does not name them there. Must not know who asks, and what becomes of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.gpu.facts import listed
from edgectl.node.io.look import Look
from edgectl.wire.finding import OK, STOP, WARN, Finding
from edgectl.wire.meant import Meant

SERIALS = ("product_serial", "board_serial", "chassis_serial")
# What vendors leave in the place of a number.
_NONE = re.compile(
    r"|to be filled.*|default string|none|n/?a|not (specified|applicable|available)|unknown|system serial number|"
    r"(base ?board|chassis|board) serial.*|0+|x+|123456789.*|0123456789.*|invalid|-+|\.+",
    re.IGNORECASE,
)
_NO_DISK = ("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "zd")
_SECTOR = 512  # of /sys/block/*/size, whatever the disk's own is
_SMI_SECONDS = 15.0
_UUID = re.compile(r"^GPU UUID:\s+(GPU-[0-9a-fA-F-]+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Box:
    """What the machine says of itself. `gpus` is None where no driver answers."""

    serials: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    gpus: tuple[str, ...] | None = None


def box_of(look: Look, *, gpus: bool) -> Box:
    """Look at the machine; at its cards only where they are asked for."""
    return Box(_serials(look), _macs(look), _gpus(look) if gpus else None)


def memory_bytes(look: Look) -> int:
    """Return the memory that the kernel has; 0 where it does not say."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", _text(look, look.places.root / "proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def disk_bytes(look: Look) -> int:
    """Return the size of the largest disk; 0 where none is to be seen."""
    folder, sizes = look.places.root / "sys/block", [0]
    for name in _names(look, folder):
        if not name.startswith(_NO_DISK):
            text = _text(look, folder / name / "size")
            sizes.append(int(text) * _SECTOR if text.isdecimal() else 0)
    return max(sizes)


def judge(box: Box, meant: Meant) -> Iterator[Finding]:
    """Yield what speaks for and against this being the machine that is meant. Pure.

    STOP: it is another one. WARN: it may be, and a part of it is not what is declared, or cannot be compared.
    """
    if meant.serial:
        yield _serial(box, meant.serial)
    if meant.macs:
        yield _cards(box, tuple(mac.lower() for mac in meant.macs))
    if meant.gpus:
        yield _uuids(box, meant)


def _serial(box: Box, serial: str) -> Finding:
    about = "machine-serial"
    if not box.serials:
        hint = "that is so in virtual machines; declare identity.macs instead"
        return Finding(about, WARN, f"this machine has no serial number; the inventory means {serial}", hint)
    if serial.strip().lower() in {one.lower() for one in box.serials}:
        return Finding(about, OK, f"serial number {serial}, as declared")
    shown = box.serials[0]
    hint = "swap the boxes, or, if this one was put in its place, correct identity.serial in the inventory"
    return Finding(
        about,
        STOP,
        f"this machine is {shown}, the inventory means {serial}",
        hint,
        tuple(f"has {one}" for one in box.serials),
    )


def _cards(box: Box, macs: tuple[str, ...]) -> Finding:
    about, missing = "machine-macs", [mac for mac in macs if mac not in box.macs]
    if not missing:
        return Finding(about, OK, f"network card {', '.join(macs)}, as declared")
    has = tuple(f"has {mac}" for mac in box.macs)
    if len(missing) == len(macs):
        shown = (
            f"this machine's network cards are {', '.join(box.macs) or 'none'}, the inventory means {', '.join(macs)}"
        )
        hint = "swap the boxes, or, if this one was put in its place, correct identity.macs in the inventory"
        return Finding(about, STOP, shown, hint, has)
    hint = "reseat the card, or correct identity.macs in the inventory"
    return Finding(about, WARN, f"this machine has no network card {', '.join(missing)}", hint, has)


def _uuids(box: Box, meant: Meant) -> Finding:
    """Judge the cards: fewer are the GPUs' own affair, others in the place of what is meant are another machine's."""
    about = "machine-gpus"
    if box.gpus is None:
        return Finding(about, OK, "no driver answers yet, so the GPUs are not compared")
    missing = [uuid for uuid in meant.gpus if uuid not in box.gpus]
    others = [uuid for uuid in box.gpus if uuid not in meant.gpus]
    if not missing:
        return Finding(about, OK, f"{len(meant.gpus)} of {len(meant.gpus)} declared GPUs are here")
    has = tuple(f"has {uuid}" for uuid in box.gpus)
    if len(others) > max(meant.gpu_count - len(meant.gpus), 0):
        shown = f"this machine's GPUs are {', '.join(box.gpus)}, the inventory means {', '.join(meant.gpus)}"
        hint = "swap the boxes or cards, or, if a card was replaced, correct identity.gpus in the inventory"
        return Finding(about, STOP, shown, hint, has)
    hint = "power off, reseat the card, power on; or correct identity.gpus in the inventory"
    return Finding(about, WARN, f"{', '.join(missing)} is not in this machine", hint, has)


def _serials(look: Look) -> tuple[str, ...]:
    folder = look.places.root / "sys/class/dmi/id"
    texts = [_text(look, folder / name) for name in SERIALS]
    # Boards without DMI (arm64) have it in the device tree.
    texts.append(_text(look, look.places.root / "sys/firmware/devicetree/base/serial-number").strip("\0"))
    return tuple(dict.fromkeys(text for text in texts if not _NONE.fullmatch(text)))


def _macs(look: Look) -> tuple[str, ...]:
    """Return the addresses of cards; of one in a bond its own, not the bond's."""
    folder, found = look.places.root / "sys/class/net", []
    for name in _names(look, folder):
        for place in ("bonding_slave/perm_hwaddr", "address"):
            if (mac := _text(look, folder / name / place).lower()) and mac.strip("0:"):
                found.append(mac)
                break
    return tuple(dict.fromkeys(found))


def _gpus(look: Look) -> tuple[str, ...] | None:
    root = look.places.root
    folder = root / "proc/driver/nvidia/gpus"
    names = _names(look, folder)
    told = [found[1] for name in names if (found := _UUID.search(_text(look, folder / name / "information")))]
    if told and len(told) == len(names):
        return tuple(told)
    if not any((root / place).exists() for place in ("proc/driver/nvidia/version", "dev/nvidiactl")):
        return None
    ran = look.run("nvidia-smi", "-L", limit_seconds=_SMI_SECONDS)
    uuids = tuple(gpu.uuid for gpu in listed(ran.out))
    return uuids if ran.ok and uuids else None


def _text(look: Look, path: Path) -> str:
    """Return a fact's text; what the machine does not have, or not tell, is none."""
    with suppress(LookFailed, OSError):
        return (look.text(path) or "").strip()
    return ""


def _names(look: Look, folder: Path) -> tuple[str, ...]:
    with suppress(LookFailed, OSError):
        return look.names(folder)
    return ()
