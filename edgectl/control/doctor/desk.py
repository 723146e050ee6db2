"""This machine, the operator's own, and whether it can deploy at all.

Owns: what is looked at here, each for itself, and what it is called. Asks no store.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgectl.control.bundle.layout import Bundle
from edgectl.control.inventory.load import load
from edgectl.control.link.keys import agent_keys, offer
from edgectl.control.policy.lint import lint
from edgectl.wire.diagnosis import Cause, Diagnosis, Unseen
from edgectl.wire.errors import EdgectlError
from edgectl.wire.runbook import page_of

_PYTHON = (3, 11)
_LEAST_BYTES = 500_000_000
_SANE_YEAR = 2025


def _keys(files: tuple[Path, ...]) -> tuple[int, tuple[str, ...]]:
    with agent_keys(ask=True) as held:
        found = offer(files, held)
    return len(found.candidates), found.problems


@dataclass(frozen=True)
class Desk:
    """What is looked at; a test has its own."""

    inventory: Path
    home: Path
    python: tuple[int, int] = sys.version_info[:2]
    now: Callable[[], float] = time.time
    free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    keys: Callable[[tuple[Path, ...]], tuple[int, tuple[str, ...]]] = _keys  # of files that are named, or the usual


def looked(desk: Desk) -> Diagnosis:
    """Look at all of it; what is wrong with one does not hide another."""
    checks: tuple[tuple[str, Callable[[Desk], Cause | None]], ...] = (
        ("Python", _python),
        ("clock", _clock),
        ("disk", _disk),
        ("keys", _held),
        ("inventory", _inventory),
        ("bundle", _bundle),
    )
    causes: list[Cause] = []
    fine: list[str] = []
    unseen: list[Unseen] = []
    for name, check in checks:
        if name == "bundle" and any(one.part == "inventory" for one in causes):
            continue  # it is found by a valid inventory: one of the two is blamed
        try:
            cause = check(desk)
        except (OSError, ValueError) as error:
            unseen.append(Unseen(name, str(error)))
            continue
        if cause is None:
            fine.append(name)
        else:
            causes.append(cause)
    return Diagnosis("this machine", tuple(causes), tuple(unseen), tuple(fine), looked=len(checks))


def _cause(code: str, part: str, says: str, evidence: tuple[str, ...] = (), hint: str = "") -> Cause:
    page = page_of(code)
    title, do = (page.title, page.do) if page else (part, "")
    return Cause(code, part, f"{title}: {says}", evidence, hint or do)


def _python(desk: Desk) -> Cause | None:
    said = ".".join(map(str, desk.python))
    return None if desk.python >= _PYTHON else _cause("E-OPS-01", "Python", f"it is {said}", (sys.executable,))


def _clock(desk: Desk) -> Cause | None:
    now = time.gmtime(desk.now())
    if now.tm_year >= _SANE_YEAR:
        return None
    said = time.strftime("%F %T UTC", now)
    return _cause("E-OPS-06", "clock", f"it says {said}", (said,))


def _disk(desk: Desk) -> Cause | None:
    free = desk.free(desk.home)
    if free >= _LEAST_BYTES:
        return None
    said = f"{free / 1e6:.0f} MB are free in {desk.home}"
    return _cause("E-OPS-05", "disk", said, (said,))


def _held(desk: Desk) -> Cause | None:
    named = _named(desk)
    count, problems = desk.keys(named)
    where = f"neither the agent nor {named[0] if named else '~/.ssh'} has one"
    return None if count else _cause("E-OPS-02", "keys", where, problems[:4])


def _named(desk: Desk) -> tuple[Path, ...]:
    """Return the key files that the inventory names for its first store; none where it cannot be read."""
    with suppress(EdgectlError):
        opened = load(desk.inventory)
        return opened.store(opened.names()[0]).lead.ssh.keys if opened.names() else ()
    return ()


def _inventory(desk: Desk) -> Cause | None:
    try:
        opened = load(desk.inventory)
        names = opened.select("*")
        opened.want(names)
        said = lint(opened, names, None, datetime.fromtimestamp(desk.now(), UTC).date())
    except EdgectlError as error:
        return _cause("E-OPS-03", "inventory", error.message, error.details[:4], error.hint)
    if not said.errors:
        return None
    lines = tuple(one.line for one in said.said if one.severity == "error" and not one.excused)
    return _cause("E-OPS-03", "inventory", f"{said.errors} error{'s' if said.errors > 1 else ''}", lines[:4])


def _bundle(desk: Desk) -> Cause | None:
    try:
        folder = load(desk.inventory).bundle()
        Bundle.open(folder)
    except EdgectlError as error:
        return _cause("E-OPS-04", "bundle", error.message, error.details[:4], error.hint)
    return None
