"""What edgectl has made of a machine's system is put back: by its own steps, told that nothing is declared.

Owns: which steps those are, and their order. What was there before edgectl is again; what only edgectl brought, goes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgectl.node.converge.protocol import ApplyFailed, Status
from edgectl.node.host.files import Files
from edgectl.node.host.packages.claims import Claims
from edgectl.node.host.packages.step import SystemPackages
from edgectl.node.host.services import Services
from edgectl.node.host.users.accounts import accounts
from edgectl.node.host.users.step import Users
from edgectl.node.io.look import Hands
from edgectl.wire.errors import StepFailed
from edgectl.wire.host import Packages
from edgectl.wire.launch import HOMES, home_of

_TRIES = 3
_SECONDS = 60.0
PODS = "/var/lib/edgectl-"  # folders of pods that are edgectl's by name, as those of its own chart


def put_back(hands: Hands) -> None:
    """Put files, services, packages and accounts back. Raises StepFailed, LookFailed."""
    _undo(hands, Files("host-files", "host files", (), readers={}))
    _undo(hands, Services(()))
    if Claims(hands).all():
        _undo(hands, SystemPackages(Packages()))
    _undo(hands, Users(()))
    for name in _ours(hands):
        ran = hands.change("userdel", name, limit_seconds=_SECONDS)
        if not ran.ok:
            raise StepFailed(f"the account {name} does not go: {ran.last_words}", details=ran.evidence())
    shutil.rmtree(hands.places.root / HOMES.lstrip("/"), ignore_errors=True)
    with suppress(OSError):
        (hands.places.root / HOMES.lstrip("/")).parent.rmdir()


def pods_data(hands: Hands, folders: tuple[str, ...]) -> list[str]:
    """Take away what pods kept in folders of edgectl's; returns those that may be somebody else's, and stay."""
    left = []
    for path in folders:
        if path.startswith(PODS):
            place = hands.places.root / path.lstrip("/")
            shutil.rmtree(place, ignore_errors=True)
            with suppress(OSError):
                place.parent.rmdir()
        elif (hands.places.root / path.lstrip("/")).exists():
            left.append(path)
    return left


def _undo(hands: Hands, step: Any) -> None:
    seen = step.probe(hands)
    for _ in range(_TRIES):
        if seen.status is not Status.DRIFTED:
            break
        try:
            step.apply(hands, seen)
        except ApplyFailed as error:
            raise StepFailed(f"{step.title}: {error}", details=error.evidence) from error
        seen = step.probe(hands)
    if seen.status is not Status.CURRENT:
        raise StepFailed(f"{step.title}: {seen.reason}", hint="run the same command again", details=seen.evidence)


def _ours(hands: Hands) -> Iterator[str]:
    passwd, shadow, group = (hands.text(Path(hands.places.root / "etc" / name)) or "" for name in _FILES)
    yield from (one.name for one in accounts(passwd, shadow, group).values() if one.home == home_of(one.name))


_FILES = ("passwd", "shadow", "group")
