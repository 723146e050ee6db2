"""The exam's store: as an end-to-end test has it, with a sink beyond it, and ready before each question.

Owns: its inventory, how it comes up and goes, and what *ready* is when nobody asks doctor.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from edgectl.sandbox.bundle import make_bundle
from edgectl.sandbox.inventory import deployed_as, write_inventory
from edgectl.sandbox.machine.places import cache_home
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from tests.doctor.downstream import TOKEN, URL, Downstream, Papers
from tests.doctor.fault import Ground
from tests.doctor.names import Names
from tests.e2e.node import CONVERGE, Node
from tests.e2e.operator import Operator

STORE = "doctor"
VARIABLE = "EDGECTL_EXAM_TOKEN"
_QUIET_SECONDS = 200  # the timer comes at the earliest 300 s after the last run


def examined(authority: Path) -> Callable[[dict[str, Any]], None]:
    """Return the change of the inventory that makes a sandbox's store the exam's."""

    def change(doc: dict[str, Any]) -> None:
        secret = {"TOKEN": {"env": VARIABLE}, "ca.pem": {"file": str(authority)}}
        for store in doc["stores"].values():
            store["secrets"] = {"downstream": {"namespaces": ["vision"], "keys": secret}}
        values = doc["defaults"]["releases"]["vision-stack"]["values"]
        values["sink"] = {"enabled": False}
        folder = "/run/secrets/downstream"
        sink = {"url": URL, "token_file": f"{folder}/TOKEN", "ca_file": f"{folder}/ca.pem", "timeout_seconds": 3}
        values["uplink"] = {"secrets": ["downstream"], "sink": sink}

    return change


class Room:
    """The store that is examined; once it is not whole any more, another copy of the settled one takes its place."""

    def __init__(self, opened: Callable[[], AbstractContextManager[Ground]]) -> None:
        self._opened, self._open = opened, ExitStack()
        self._ground: Ground | None = None

    def take(self) -> Ground:
        """Return the one that is up, or a fresh one, ready."""
        if self._ground is None:
            self._ground = self._open.enter_context(self._opened())
            make_ready(self._ground)
        return self._ground

    def drop(self) -> None:
        """Throw away the one that is up."""
        self._ground = None
        self._open.close()


@contextmanager
def on(store: SandboxStore, operator: Operator, papers: Papers, *, boots: bool = False) -> Iterator[Ground]:
    """Make a store the exam's; what is around it ends with it. `boots`: it is the exam's, and heals itself first."""
    os.environ[VARIABLE] = TOKEN
    downstream, names = Downstream(store, papers), Names(store)
    try:
        names.serve()
        downstream.serve()
        if boots:
            Node(store).wait("the copy has healed itself", Node(store).has_healed, seconds=240, every=1)
        ground = Ground(store, Node(store), operator.with_(change=examined(papers.authority)), downstream)
        ground.operator.deploy()
        yield ground
    finally:
        downstream.end()
        names.end()


@contextmanager
def alone(say: Callable[[str], None], *, name: str = STORE, keep: str = "") -> Iterator[Room]:
    """Settle a store and keep a copy of it, of which fresh ones are made; all goes whatever happens.

    `keep`: begin from the copy of this name where there is one, and leave it there (stale after changes of charts).
    """
    box, key = Sandbox(say=say), keep or name
    folder = cache_home() / "exam" / keep if keep else Path(tempfile.mkdtemp(prefix="edgectl-exam-"))
    papers, supplies = Papers.made(folder), make_bundle(say)

    @contextmanager
    def opened(*, bare: bool = False) -> Iterator[Ground]:
        for left in [store.name for store in box.stores() if store.name == name]:
            box.down(left)
        store = box.up(name, gpus=1) if bare else box.from_saved(key, name)
        with ExitStack() as ending:
            ending.callback(box.down, name)
            if bare:
                write_inventory(store, supplies)
            operator = Operator(deployed_as(store), store.inventory)
            ending.callback(operator.end_all)
            yield ending.enter_context(on(store, operator, papers, boots=not bare))

    room = Room(opened)
    try:
        if not (keep and box.saved(keep)):
            with opened(bare=True) as ground:
                make_ready(ground)
                box.save(name, key)
        yield room
    finally:
        room.drop()
        if not keep:
            box.forget(key)
            shutil.rmtree(folder, ignore_errors=True)


def is_whole(ground: Ground) -> bool:
    """Tell whether it is as before any question: a deploy of the exam's inventory has nothing to change."""
    said = ground.operator.start("deploy", "-o", "json").finish(seconds=240)
    return said.code == 0 and not said.document["changed"]


def make_ready(ground: Ground, *, seconds: float = 240) -> None:
    """Let the store become ready by its own heals; AssertionError with what it says at the deadline."""
    end = time.monotonic() + seconds
    while True:
        said = ground.operator.start("status", "-o", "json").finish(seconds=60)
        if said.code == 0:
            return
        assert time.monotonic() < end, f"the store is not ready again within {seconds:.0f} s\n{said}"
        if ground.node.idle():
            ground.node.run("systemctl", "start", CONVERGE, seconds=240, check=False)
        time.sleep(1)


def let_time_pass(ground: Ground) -> None:
    """See to it that no heal of the timer comes into the question: it would mend what is asked about."""
    shown = ground.node.sh(f"systemctl show -P InactiveEnterTimestampMonotonic {CONVERGE}; cut -d. -f1 /proc/uptime")
    ended, now = shown.split()
    if int(now) - int(ended or 0) / 1e6 > _QUIET_SECONDS:
        ground.node.wait("no run is going on", ground.node.idle)
        ground.node.run("systemctl", "start", CONVERGE, seconds=240, check=False)
