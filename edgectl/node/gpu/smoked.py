"""How a GPU's smoke ended, as a Device.

Owns: how `smoke.py` is started, its deadline, and the judgement of what it says. Only its own word makes a *never*: a
smoke that was killed, crashed or ran out of time (a driver that hangs looks like one that is slow) may be tried again.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgectl.node.gpu.proof import Device
from edgectl.node.io.look import Look
from edgectl.node.io.programs import Ran

SCRIPT = Path(__file__).with_name("smoke.py")
LIMIT_SECONDS = 30.0

_READY, _NEVER = 0, 2


def smoke(read: Look, uuid: str, limit_seconds: float = LIMIT_SECONDS) -> Device:
    """Try one GPU (or MIG device) in a process of its own, which is killed at its deadline."""
    ran = read.run(sys.executable, "-I", str(SCRIPT), uuid, limit_seconds=limit_seconds)
    return judged(ran, uuid, limit_seconds, at=time.monotonic())


def listed(read: Look, limit_seconds: float = LIMIT_SECONDS) -> tuple[tuple[Device, ...], str]:
    """Return the devices that CUDA knows, untried, and why there are none: one sentence, empty when there are some."""
    ran = read.run(sys.executable, "-I", str(SCRIPT), "--list", limit_seconds=limit_seconds)
    said = _said(ran)
    try:
        devices = tuple(_device(found) for found in said["devices"])
        if devices and ran.code == _READY:
            return devices, ""
        return (), str(said.get("reason") or "CUDA knows no device")
    except (KeyError, TypeError, ValueError, AttributeError):
        return (), _end(ran, limit_seconds)


def judged(ran: Ran, uuid: str, limit_seconds: float, *, at: float = 0.0) -> Device:
    """Return what the end of a smoke says of its GPU. It is ok only if exit code and words agree on it, and name it."""
    said = _said(ran)
    try:
        reason, seconds, speed = str(said["reason"]), float(said["seconds"]), float(said["gb_per_s"])
        known = _device(said)
        if known.uuid != uuid:
            return Device(uuid, reason=f"its smoke has spoken of {known.uuid}", seconds=ran.seconds, at=at)
        busy = said.get("busy") is True
        ok, never = said["ok"] is True and ran.code == _READY, said["ok"] is False and ran.code == _NEVER
    except (KeyError, TypeError, ValueError, AttributeError):
        return Device(uuid, reason=_end(ran, limit_seconds), seconds=ran.seconds, at=at)
    if not ok:
        reason = reason or _end(ran, limit_seconds)
    return replace(known, ok=ok, never=never, busy=busy, reason=reason, seconds=seconds, gb_per_s=speed, at=at)


def _said(ran: Ran) -> Any:
    """Return the JSON of the last line; nothing of a smoke that did not end by itself."""
    lines = ran.out.strip().splitlines()
    if ran.code is None or not lines:
        return None
    try:
        return json.loads(lines[-1])
    except ValueError:
        return None


def _device(found: Any) -> Device:
    return Device(str(found["uuid"]), str(found["name"]), memory_bytes=int(found["memory_bytes"]))


def _end(ran: Ran, limit_seconds: float) -> str:
    if ran.code is None:
        return f"did not end within {limit_seconds:.0f} s (a hung driver)"
    if ran.code < 0:
        try:
            name = signal.Signals(-ran.code).name
        except ValueError:
            name = f"signal {-ran.code}"
        return f"its smoke was ended by {name} (a crash in the driver's library, or it was killed): {ran.last_words}"
    return f"its smoke ended with {ran.code} and no verdict: {ran.last_words}"
