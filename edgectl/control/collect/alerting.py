"""What one receiver of alerts has been told, and what it still must be: a file beside the record.

Owns: that nothing is lost and nothing told twice without need. What is to be told is noted before it is sent and
settled when it was taken: where the receiver is down, or this program is killed, the next collect tells it. An alert of
a store that was not asked this time stays as it is; one of a store that has left its inventory is over, since nobody
can ask it any more. One collect at a time reads, tells and notes: what another one has noted meanwhile is not lost.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from edgectl.control.collect.watched import Alert
from edgectl.control.collect.webhook import SECONDS, Posted, Webhook
from edgectl.control.staging import staged
from edgectl.wire.document import LATER, canonical, from_json, to_json

_OTHERS_SECONDS = 4 * SECONDS  # of waiting for other collects, each of which may take its time with the receiver
_AGAIN_SECONDS = 0.1


@dataclass(frozen=True)
class Kept:
    """One alert as this receiver knows it, or shall."""

    alert: Alert
    starts: float
    ends: float = 0.0  # it is over, and the receiver has not been told
    told: bool = False  # as it is now
    inventory: str = field(default="", metadata=LATER)  # the file that had its store when it was seen; "": any

    @property
    def posted(self) -> Posted:
        """Return it as it is told."""
        one = self.alert
        labels = {"alertname": one.name, "store": one.store, "node": one.node, "severity": one.severity}
        return Posted(labels, {"summary": one.summary, "description": f"next: {one.todo}"}, self.starts, self.ends)


@dataclass(frozen=True)
class Memory:
    """All of them, by key."""

    alerts: dict[str, Kept]


@dataclass(frozen=True)
class Look:
    """One collect: by which inventory, all the stores of that, and the nodes that it has asked (`STORE/NODE`)."""

    inventory: str
    stores: AbstractSet[str]
    nodes: AbstractSet[str]

    def ends(self, kept: Kept) -> bool:
        """Tell whether an alert that was not found is over: its node was asked, or has left this inventory.

        Other inventories may tell the same receiver out of the same folder: what they hold is theirs.
        """
        store, node = kept.alert.store, kept.alert.node
        if f"{store}/{node}" in self.nodes:
            return True
        return kept.inventory in ("", self.inventory) and (store not in self.stores or store in self._asked)

    @cached_property
    def _asked(self) -> AbstractSet[str]:
        return {where.partition("/")[0] for where in self.nodes}


def note_of(root: Path, url: str) -> Path:
    """Return the file of one receiver; its name gives nothing of the address away."""
    return root / f"alerts-{hashlib.sha256(url.encode()).hexdigest()[:12]}.json"


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Keep other collects from a note; False where one of them does not end in time. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _locked(descriptor, time.monotonic() + _OTHERS_SECONDS)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_AGAIN_SECONDS)
        else:
            return True


def read(path: Path) -> Memory:
    """Return what is noted; nothing where there is none, or what is there cannot be read.

    An inventory that is no longer there holds nothing: a checkout has another path each time.
    """
    try:
        found = from_json(Memory, json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return Memory({})
    lost = {one.inventory for one in found.alerts.values() if one.inventory and not Path(one.inventory).is_file()}
    kept = found.alerts.items()
    return Memory({key: replace(one, inventory="") if one.inventory in lost else one for key, one in kept})


def merged(memory: Memory, found: Iterable[Alert], look: Look, now: float) -> Memory:
    """Return what shall be known after a look at some nodes."""
    alerts = {one.key: one for one in found}
    kept = dict(memory.alerts)
    for key, one in alerts.items():
        before = kept.get(key)
        if before is None or before.ends:  # new, or back before anybody was told that it had gone
            starts = now if before is None else before.starts
            kept[key] = Kept(one, starts, inventory=look.inventory)
        else:
            kept[key] = Kept(one, before.starts, told=before.told, inventory=look.inventory)
    for key, before in memory.alerts.items():
        if key not in alerts and not before.ends and look.ends(before):
            if before.told:
                kept[key] = replace(before, ends=now, told=False)
            else:
                del kept[key]  # it came and went while nobody could be told
    return Memory(kept)


def tell(path: Path, memory: Memory, receiver: Webhook, now: float) -> tuple[int, str]:
    """Tell what the receiver does not know; returns how many it was told of, and why it took them not ("" if it did).

    OSError where it cannot be noted: then nothing is told, since it would be told again and again.
    """
    _keep(path, memory)
    waits = [one for one in memory.alerts.values() if receiver.repeats or not one.told]
    if not waits:
        return 0, ""
    if why := receiver.post([one.posted for one in waits], now):
        return len([one for one in waits if not one.told]), why
    _keep(path, Memory({key: replace(one, told=True) for key, one in memory.alerts.items() if not one.ends}))
    return len(waits), ""


def _keep(path: Path, memory: Memory) -> None:
    with staged(path, mode=0o600) as stream:
        stream.write(canonical(to_json(memory)))
