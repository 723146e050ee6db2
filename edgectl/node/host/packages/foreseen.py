"""What apt would do, and why it would not: its own words, read. Pure.

Owns: the form of `apt-get -s` and of the errors of apt and dpkg (2.4 to 3.0, dpkg 1.21 to 1.22), in English (LC_ALL=C).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from edgectl.node.io.programs import Ran

_INST = re.compile(r"^Inst (\S+?)(?::\w+)?(?: \[([^\]]+)\])? \((\S+) ", re.MULTILINE)
_REMV = re.compile(r"^Remv (\S+?)(?::\w+)? \[([^\]]+)\]", re.MULTILINE)
_BROKEN = re.compile(r"^dpkg: error processing (?:package|archive) (\S+) \(--\w+\):\n (.*(?:\n {2,}.*)*)", re.MULTILINE)
_SCRIPT = re.compile(r"(?:installed|new|old)?\s*\S+ package (\S+) script subprocess (.*)")
_NOISE = ("dpkg", "debconf:", "E:", "W:", "Errors were", "Error:", "Warning:")


@dataclass(frozen=True, slots=True)
class Foreseen:
    """name -> (version that is there or "", version that comes), and name -> version that goes."""

    comes: dict[str, tuple[str, str]] = field(default_factory=dict)
    goes: dict[str, str] = field(default_factory=dict)

    @property
    def before(self) -> dict[str, str]:
        """Return the versions that are there now of all that it touches; "" for none."""
        return {**{name: old for name, (old, _) in self.comes.items()}, **self.goes}


def foreseen(out: str) -> Foreseen:
    """Read what `apt-get -s` would do."""
    comes = {match[1]: (match[2] or "", match[3]) for match in _INST.finditer(out)}
    return Foreseen(comes, {match[1]: match[2] for match in _REMV.finditer(out)})


def unmet(ran: Ran) -> str:
    """Return what apt lacks, and whose it is to bring it."""
    _, _, told = ran.out.partition("dependencies:\n")
    found, name = [], ""
    for line in told.splitlines():
        head, colon, rest = line.strip().partition(" : ")
        name, rest = (head, rest) if colon else (name, line.strip())
        kind, colon, rest = rest.partition(": ")
        if name and colon and kind in {"Depends", "PreDepends", "Pre-Depends"}:
            need, _, why = rest.partition(" but ")
            found.append(f"{name} needs {need}, but {why.strip()}" if why else f"{name} needs {need}")
        elif name and colon and kind in {"Conflicts", "Breaks"}:
            found.append(f"{name} does not go with {rest}")
    reason = "; ".join(found) or ran.last_words.removeprefix("E: ").removeprefix("Error: ")
    if "--fix-broken" in ran.out + ran.err:
        return f"packages of this system do not fit together ({reason}): apt --fix-broken install, then deploy again"
    return f"{reason}; neither this system nor the bundle has it, nothing was changed: add it to the bundle"


def why(ran: Ran) -> str:
    """Return why dpkg could not do its work: which package, which script of it, and the last that it said."""
    if ran.code is None:
        return f"apt did not end in {ran.seconds:.0f} s"
    broken = _BROKEN.search(ran.err)
    if broken is None:
        return ran.last_words.removeprefix("E: ").removeprefix("Error: ")
    name, reason = broken[1].rpartition("/")[2], " ".join(broken[2].split())
    script = _SCRIPT.search(reason)
    if script is None:
        return f"{name}: {reason}"
    said = [line.strip() for line in ran.err[: broken.start()].splitlines() if line.strip()]
    said = [line for line in said if not line.startswith(_NOISE)] or [ran.out.strip().rpartition("\n")[2]]
    return f'{name}: its {script[1]} script {script[2]} ("{said[-1]}")'
