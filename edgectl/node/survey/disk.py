"""The disk: room, kind, health. Pure, but for the numbers of a file system, which are handed in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from edgectl.node.survey.facts import Facts
from edgectl.wire.finding import OK, STOP, WARN, Finding

_HEADROOM = 1.2  # as what receives content asks for
_INODES, _FEW_INODES = 100_000, 10_000
_KINDS = frozenset({"ext4", "ext3", "xfs", "btrfs", "f2fs"})
_WRITTEN = ("/", "/usr", "/usr/local", "/etc", "/var", "/var/lib")


@dataclass(frozen=True)
class Room:
    """Of the file system where edgectl and k3s keep all they have; inodes are 0 where it has no fixed number."""

    free_bytes: int
    free_inodes: int
    inodes: int


def judge(facts: Facts, room: Room, *, missing_bytes: int, free_bytes: int) -> Iterator[Finding]:
    """Yield what there is to say. `missing_bytes`: to come; `free_bytes`: declared, needed before anything changes."""
    yield _room(room, missing_bytes=missing_bytes, free_bytes=free_bytes)
    if room.inodes:
        low = room.free_inodes < _INODES
        hint = "df -i; many small files somewhere, or a file system that was made with too few"
        word = STOP if room.free_inodes < _FEW_INODES else WARN if low else OK
        yield Finding("disk-inodes", word, f"{room.free_inodes} inodes free", hint if low else "")
    mounts = {parts[0]: parts[1:] for line in facts.all("mount") if len(parts := line.split()) > 2}  # noqa: PLR2004
    for path in _WRITTEN:
        if path in mounts and "ro" in mounts[path][1].split(","):
            hint = "dmesg says why the kernel gave it up; fsck, or correct /etc/fstab; then mount -o remount,rw"
            yield Finding("disk-read-only", STOP, f"{path} is mounted read-only", hint)
    if kind := _kind(mounts):
        fine = kind in _KINDS
        hint = "" if fine else "k3s keeps its images on an overlay: use ext4 or xfs for /var/lib"
        yield Finding("disk-kind", OK if fine else WARN, f"/var/lib is {kind}", hint)
    yield from _health(facts)
    if errors := facts.all("disk-error"):
        hint = "replace the disk before it is needed; smartctl -a says more"
        yield Finding("disk-errors", WARN, "the kernel has logged errors of a disk in this boot", hint, errors)


def _room(room: Room, *, missing_bytes: int, free_bytes: int) -> Finding:
    # Each is asked for when its time comes: by whoever takes the content, and then by the gate `host`.
    need = max(int(missing_bytes * _HEADROOM), missing_bytes + free_bytes)
    shown = f"{room.free_bytes / 1e9:.1f} GB of disk free"
    if room.free_bytes < need:
        parts = f"{missing_bytes / 1e6:.0f} MB to come, {free_bytes / 1e9:.1f} GB kept free"
        hint = "free space on the file system of /var/lib, or add a disk"
        return Finding("disk-room", STOP, f"{shown}, {need / 1e9:.1f} GB are needed ({parts})", hint)
    return Finding("disk-room", OK, shown)


def _kind(mounts: dict[str, list[str]]) -> str:
    for path in ("/var/lib", "/var", "/"):
        if path in mounts:
            return mounts[path][0]
    return ""


def _health(facts: Facts) -> Iterator[Finding]:
    if not facts.one("smart-tool"):
        yield Finding("disk-smart", OK, "the disks' own word is not known: smartmontools is not installed")
        return
    for line in facts.all("smart"):
        name, _, text = line.partition(" ")
        passed = _passed(text)
        if passed is None:
            yield Finding("disk-smart", OK, f"{name} does not say how it is")
        elif passed:
            yield Finding("disk-smart", OK, f"{name} passes its own check")
        else:
            reason = f"the disk {name} says of itself that it fails (SMART)"
            yield Finding(
                "disk-smart", STOP, reason, f"replace it now, before a store is built on it: smartctl -a /dev/{name}"
            )


def _passed(text: str) -> bool | None:
    try:
        found = json.loads(text)["smart_status"]["passed"]
    except (ValueError, LookupError, TypeError):
        return None
    return found if isinstance(found, bool) else None
