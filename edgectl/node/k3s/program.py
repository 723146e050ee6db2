"""Where the program of a k3s lies that somebody else has installed, and which version it says that it is.

By the unit that starts it, else by the places where its installers put it. Must not know who asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from edgectl.node.io.look import Look
from edgectl.node.survey.others import K3S

_UNITS = ("k3s.service", "k3s-agent.service")
_FOLDERS = ("etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_KNOWN = tuple(path for path in K3S.files if path.endswith("/bin/k3s"))
_STARTS = re.compile(r'^\s*ExecStart\s*=[\s\-@:+!|]*"?(/[^\s"]+)', re.MULTILINE)
_SAYS = re.compile(r"k3s version (v\d+\.\d+\.\S+)")


def said(look: Look, program: Path) -> str:
    """Return which version a program says that it is; "" where it is not there, or cannot say it."""
    found = _SAYS.search(look.run(str(program), "--version").out) if program.exists() else None
    return found[1] if found else ""


def installed(look: Look) -> tuple[Path, str]:
    """Return the program of the k3s that is here, and its version: the first that says one, else the first at all."""
    programs = [path for path in dict.fromkeys(_programs(look)) if path.exists()]
    for program in programs:
        if version := said(look, program):
            return program, version
    return (programs or [look.places.root / _KNOWN[0].lstrip("/")])[0], ""


def stores(look: Look) -> bool:
    """Tell whether a server has stored a cluster here."""
    database = look.places.k3s_data / "server/db"
    return (database / "state.db").exists() or (database / "etcd").is_dir()


def _programs(look: Look) -> Iterator[Path]:
    """Yield where it may lie. What is not called k3s is a script that would start who knows what: never run."""
    root = look.places.root
    for unit in _UNITS:
        for folder in _FOLDERS:
            dropped = root / folder / f"{unit}.d"
            files = [
                *(dropped / name for name in reversed(look.names(dropped)) if name.endswith(".conf")),
                root / folder / unit,
            ]
            for file in files:
                for path in reversed(_STARTS.findall(look.text(file) or "")):
                    if Path(path).name == "k3s":
                        yield root / path.lstrip("/")
    yield from (root / path.lstrip("/") for path in _KNOWN)
