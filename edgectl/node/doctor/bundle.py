"""What a support desk wants to see of this node, as one .tar.gz: logs, journals, verdicts, versions, facts, redacted.

Owns: what is in it, and that it is never larger than `MOST_BYTES`: each file has a bound, and all together one of
their raw bytes. What cannot be read says so in its place. Writes nothing on the node.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from edgectl.node.converge import journal
from edgectl.node.converge.protocol import LookFailed
from edgectl.node.doctor.redact import known
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.wire.parcel import parcel
from edgectl.wire.redaction import Redaction

MOST_BYTES = 5_000_000
_RAW_BYTES = 4_500_000  # of all texts; gzip makes at most a thousandth more of it, and each file costs 1.5 KB of tar
_MOST_FILES = 250
_FILE_BYTES, _SMALL_BYTES = 300_000, 60_000
_JOURNALS, _PODS = 40, 120
_CUT = "[... the beginning is left out ...]\n"
_PROGRAMS: dict[str, tuple[str, ...]] = {
    "system/failed-units.txt": ("systemctl", "list-units", "--failed", "--no-pager", "--plain"),
    "system/edgectl-units.txt": ("systemctl", "list-timers", "edgectl*", "--all", "--no-pager"),
    "system/disk.txt": ("df", "-hT"),
    "system/inodes.txt": ("df", "-i"),
    "system/memory.txt": ("free", "-m"),
    "system/network.txt": ("ip", "-br", "addr"),
    "system/routes.txt": ("ip", "route"),
    "system/time.txt": ("timedatectl",),
    "system/processes.txt": ("ps", "-eo", "pid,ppid,stat,rss,etime,comm", "--sort=-rss"),
    "system/kernel.log": ("dmesg", "--level=emerg,alert,crit,err,warn"),
    "gpu/nvidia-smi.txt": ("nvidia-smi", "-q"),
    "k3s/version.txt": ("k3s", "--version"),
    "k3s/nodes.txt": ("kubectl", "describe", "nodes"),
    "k3s/pods.txt": ("kubectl", "get", "pods", "-A", "-o", "wide"),
    "k3s/events.txt": ("kubectl", "get", "events", "-A", "--sort-by=.lastTimestamp"),
    "k3s/releases.txt": ("helm", "list", "-A"),
}
_UNITS = ("k3s", "k3s-agent", "edgectl-converge", "edgectl-watchdog", "edgectl-gpu", "edgectl-clock", "edgectl-net")
Text = Callable[[], str]


def pack(places: Places, *, diagnosis: str, most_bytes: int = MOST_BYTES, look: Look | None = None) -> bytes:
    """Return the archive."""
    look = look or Look(places)
    redaction = Redaction(known(look))
    left = min(_RAW_BYTES, most_bytes * 9 // 10)
    files: dict[str, bytes] = {}
    for name, most, text in _members(look, diagnosis):
        if len(files) == _MOST_FILES:
            break
        try:
            said = text()
        except (LookFailed, OSError, ValueError) as error:
            said = f"could not be read: {error}\n"
        if len(said) > 2 * most:  # what is cut anyway is not searched; a line's beginning is not lost
            said = said[-2 * most :].partition("\n")[2]
        data = redaction.of(said).encode(errors="replace")
        room = min(most, left - 1024)
        if room < len(_CUT):
            break
        if len(data) > room:
            data = _CUT.encode() + data[len(data) - room + len(_CUT) :]
        if data.strip():
            files[name] = data
            left -= len(data) + 1024
    listed = "".join(f"{len(data):>9}  {name}\n" for name, data in files.items())
    head = f"edgectl doctor's bundle of {os.uname().nodename}, {time.strftime('%F %T UTC', time.gmtime())}; redacted\n"
    return parcel("doctor", {"MANIFEST.txt": (head + listed).encode(), **files})


def _members(look: Look, diagnosis: str) -> Iterator[tuple[str, int, Text]]:
    """Yield name, most bytes, and how it is read; the most telling first, for the room is bounded."""
    places = look.places
    yield "doctor.txt", _SMALL_BYTES, lambda: diagnosis + "\n"
    yield "versions.txt", _SMALL_BYTES, lambda: _versions(look)
    for unit in _UNITS:
        told = ("journalctl", "-u", unit, "-n", "3000", "--no-pager", "-o", "short-iso")
        yield f"logs/{unit}.log", _FILE_BYTES, partial(_said, look, told)
    for name, argv in _PROGRAMS.items():
        yield name, _SMALL_BYTES * 2, partial(_said, look, argv)
    runs = [path for folder in places.journals for path in journal.runs(folder)[:_JOURNALS]]
    for path in runs[:_JOURNALS]:
        yield f"journal/{path.name}", _SMALL_BYTES, partial(path.read_text, errors="replace")
    for name in ("promoted.json", "rejected.json", "envelope.json"):
        for path in sorted(places.slots.glob(f"[0-9]*/{name}"))[-5:]:
            inside = path.relative_to(places.slots)
            yield f"slots/{inside}", _SMALL_BYTES, partial(path.read_text, errors="replace")
    for path in (places.watch, places.chain, places.gpu_proof, places.reboot, places.pause, places.k3s_started):
        yield f"state/{path.name}", _SMALL_BYTES, partial(_text, look, path)
    for path in _pod_logs(places.root / "var/log/pods"):
        inside = path.relative_to(places.root / "var/log/pods")
        yield f"pods/{inside}", _SMALL_BYTES // 2, partial(tail, path, _SMALL_BYTES // 2)


def _pod_logs(folder: Path) -> list[Path]:
    """Return the newest log of each container, the newest first: on the disk, for the API may be down."""
    newest: dict[Path, tuple[float, Path]] = {}
    with suppress(OSError):
        for path in folder.glob("*/*/*.log"):
            with suppress(OSError):
                newest[path.parent] = max(newest.get(path.parent, (0.0, path)), (path.stat().st_mtime, path))
    return [path for _, path in sorted(newest.values(), reverse=True)[:_PODS]]


def tail(path: Path, most: int) -> str:
    """Return the end of a file, from a line's beginning on: half a line may hide half a secret."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - most, 0))
        data = file.read()
    return (data if size <= most else data.partition(b"\n")[2]).decode(errors="replace")


def _versions(look: Look) -> str:
    said = []
    for name in ("current", "previous", "candidate"):
        link = look.places.slots / name
        if link.is_symlink():
            said.append(f"slot {name}: {link.resolve().name}, engine {(link.resolve() / 'runtime').readlink()}")
    uname = os.uname()
    said.append(f"kernel {uname.release} {uname.machine}; up {look.up_seconds():.0f} s; boot {look.boot_id()}")
    said.append(look.text(look.places.root / "etc/os-release") or "no /etc/os-release")
    return "\n".join(said) + "\n"


def _text(look: Look, path: Path) -> str:
    return look.text(path) or ""


def _said(look: Look, argv: tuple[str, ...]) -> str:
    ran = look.run(*argv, limit_seconds=15)
    if ran.code == 127:  # noqa: PLR2004 - not installed
        return ""
    return ran.out + (f"\n{ran.err}" if ran.err.strip() else "")
