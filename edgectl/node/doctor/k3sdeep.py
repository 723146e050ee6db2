"""More evidence about a k3s that is not well: how systemd saw its end, its last fatal words, whether it is frozen.

Owns: these reads. They are made only where something is wrong already, and change what is known, not what is judged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.doctor.symptom import Symptom
from edgectl.node.io.look import Look

_LOUD = re.compile(r"level=(?:fatal|error)|panic:|no space left|address already in use|certificate|Failed")
_TIME = re.compile(r'^time="[^"]*" ')
_LINES, _LONGEST = 40, 220


def deepened(look: Look, unit: str, found: Sequence[Symptom]) -> tuple[Symptom, ...]:
    """Return the symptoms, with evidence for those of k3s and its API."""
    if not any(one.wrong and one.part in {"k3s", "api"} for one in found):
        return tuple(found)
    more, frozen = _read(look, unit)
    deep = []
    for one in found:
        if one.wrong and one.part == "k3s":
            one = replace(one, evidence=tuple(dict.fromkeys((*more, *one.evidence[:1]))))  # noqa: PLW2901
        elif one.wrong and one.part == "api":
            one = replace(one, code="E-API-02" if frozen else one.code, evidence=(*one.evidence[:1], *more))  # noqa: PLW2901
        deep.append(one)
    return tuple(deep)


def _read(look: Look, unit: str) -> tuple[tuple[str, ...], bool]:
    said, frozen = [], False
    with suppress(LookFailed):
        shown = look.unit(unit)
        keys = ("ActiveState", "SubState", "Result", "NRestarts", "UnitFileState")
        said.append(f"{unit}: " + " ".join(f"{key}={shown[key]}" for key in keys if key in shown))
        pid = shown.get("MainPID", "0")
        if pid not in {"", "0"}:
            state = (look.text(look.places.root / f"proc/{pid}/stat") or "").rpartition(")")[2].split()[:1]
            frozen = state == ["T"]
            if frozen:
                said.append(f"process {pid} is stopped by a signal (state T)")
    with suppress(LookFailed):
        ran = look.run("journalctl", "-u", unit, "-n", str(_LINES), "--no-pager", "-o", "cat")
        loud = [_TIME.sub("", line)[:_LONGEST] for line in ran.out.splitlines() if _LOUD.search(line)]
        said += loud[-2:]
    return tuple(said), frozen
