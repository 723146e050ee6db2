"""Real stores for end-to-end tests: one is converged from bare metal, the tests use clones of it.

A clone is shared by tests that leave it ready, and thrown away after one that failed: none sees another's failure.
Owns: where stores come from, that they always go away, and the evidence of a failure. Without root or a kernel that
can carry stores the tests are skipped, loudly; where CI is set that is a failure.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # modules of this folder are no part of the package

from edgectl.sandbox.bundle import Supplies, make_bundle
from edgectl.sandbox.inventory import deployed_as, write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.machine.store import SandboxStore
from edgectl.sandbox.requirements import require
from edgectl.wire.errors import EdgectlError, NotReady
from tests.e2e.node import Node
from tests.e2e.operator import Operator, Said

# Another one for a second run at the same time; workers of pytest-xdist have stores of their own.
PREFIX = os.environ.get("EDGECTL_E2E_PREFIX", "e2e") + os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
_BARE, _CLONE, _KEY = f"{PREFIX}-bare", f"{PREFIX}-clone", f"{PREFIX}-converged"
_REUSE = bool(os.environ.get("EDGECTL_E2E_REUSE"))  # keep the converged copy, for who writes tests; stale after changes
_SKIPPED = pytest.StashKey[str]()
TIMES = pytest.StashKey[list[tuple[str, float]]]()
_FAILED = pytest.StashKey[bool]()
STORES_UP: dict[str, SandboxStore] = {}  # the stores whose evidence a failure wants


@dataclass(slots=True)
class Converged:
    """What was seen while a bare node became a store."""

    plan: Said
    plan_wrote: set[str]
    deploy: dict[str, Any]
    told: str
    answers: str
    timeline: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shop:
    """A converged store of this test: the node, the operator with its inventory, the line between them."""

    sandbox: SandboxStore
    node: Node
    operator: Operator


_LONGEST = ("test_storm.py", "test_watchdog.py", "test_gpu.py", "test_several.py", "test_bad_update.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: side by side with others, the last one would hold everybody up."""
    items.sort(key=lambda item: _LONGEST.index(item.path.name) if item.path.name in _LONGEST else len(_LONGEST))


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TIMES] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Attach what the stores say to a test that failed, while they are still up."""
    report: pytest.TestReport = yield
    if report.failed and report.when in {"setup", "call"}:
        item.stash[_FAILED] = True
        for name, store in STORES_UP.items():
            with suppress(EdgectlError, OSError):
                report.sections.append((f"store {name}", Node(store).evidence()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say loudly what was not tested, and where the time of the stores went."""
    if reason := config.stash.get(_SKIPPED, ""):
        terminalreporter.write_sep("!", "END-TO-END TESTS WERE SKIPPED: nothing of edgectl was tried on a real store")
        terminalreporter.write_line(reason)
    if times := config.stash[TIMES]:
        terminalreporter.write_sep("-", "stores")
        for what, seconds in times:
            terminalreporter.write_line(f"{seconds:7.1f} s  {what}")


@pytest.fixture(scope="session", autouse=True)
def _host(request: pytest.FixtureRequest) -> None:
    """Look at the host before anything is made on it."""
    try:
        require(_say)
    except NotReady as missing:
        reason = "\n".join((missing.message, *missing.details))
        if os.environ.get("CI"):
            pytest.fail(f"CI must run every end-to-end test. {reason}", pytrace=False)
        request.config.stash[_SKIPPED] = reason
        pytest.skip(reason)


@pytest.fixture(scope="session")
def supplies() -> Supplies:
    """Return k3s, Helm and images, from the user's cache or built (cold: minutes)."""
    return make_bundle(_say)


@pytest.fixture(scope="session")
def box() -> Sandbox:
    """Return this machine's stores, without those of a run that was killed."""
    box = Sandbox(say=_say)
    for store in box.stores():
        if store.name in {_BARE, _CLONE}:
            box.down(store.name)
    return box


@pytest.fixture(scope="session")
def converged(box: Sandbox, supplies: Supplies, pytestconfig: pytest.Config) -> Iterator[Converged]:
    """Bring up a bare node, deploy it once, keep a copy of its disk: this is the way from bare to converged."""
    times = pytestconfig.stash[TIMES]
    began = time.monotonic()
    STORES_UP[_BARE] = store = box.up(_BARE, gpus=1)
    operator = Operator(_BARE, write_inventory(store, supplies))
    try:
        node = Node(store)
        times.append((f"{_BARE}: power to sshd", time.monotonic() - began))
        before = node.listing()
        plan = operator.run("plan")
        wrote = node.listing() ^ before
        said = operator.run("deploy", "-v", "-o", "json")
        deploy = said.document
        run = next(run for run in node.runs() if deploy["run"] in run)
        times.append((f"{_BARE}: deploy, with {deploy['blob_bytes'] / 1e6:.0f} MB sent", said.seconds))
        found = Converged(plan, wrote, deploy, said.err, node.answers())
        for item in node.events(run):
            if item.get("word") in {"changed", "ok"}:
                found.timeline.append((item["title"], item["at"]))
        times += [(f"    {title}", at) for title, at in found.timeline]
        began = time.monotonic()
        store.power_off()
        box.save(_BARE, _KEY)
        times.append((f"{_BARE}: power off and keep a copy", time.monotonic() - began))
    finally:
        operator.end_all()
        STORES_UP.pop(_BARE)
        box.down(_BARE)
    yield found
    if not _REUSE:
        box.forget(_KEY)


class Clones:
    """One clone at a time: shared by tests, thrown away after one that failed."""

    def __init__(self, box: Sandbox, times: list[tuple[str, float]]) -> None:
        self._box = box
        self._times = times
        self._shop: Shop | None = None

    def take(self) -> Shop:
        """Return the one that is up, or a new one once it has healed itself."""
        if self._shop is None:
            began = time.monotonic()
            STORES_UP[_CLONE] = store = self._box.from_saved(_KEY, _CLONE)
            powered = time.monotonic() - began
            node = Node(store)
            self._shop = Shop(store, node, Operator(deployed_as(store), store.inventory))
            node.wait("the clone has healed itself after its boot", node.is_ready, seconds=180)
            ready = time.monotonic() - began
            self._times += [(f"{_CLONE}: from the kept disk to sshd", powered), (f"{_CLONE}: to ready", ready)]
        return self._shop

    def drop(self) -> None:
        """Throw away the one that is up."""
        if self._shop is not None:
            self._shop.operator.end_all()
        self._shop = None
        if STORES_UP.pop(_CLONE, None) is not None:
            self._box.down(_CLONE)


@pytest.fixture(scope="session")
def clones(request: pytest.FixtureRequest, box: Sandbox) -> Iterator[Clones]:
    """Yield the clones; the last one goes with the session, whatever happens."""
    if not (_REUSE and box.saved(_KEY)):
        request.getfixturevalue("converged")
    found = Clones(box, request.config.stash[TIMES])
    yield found
    found.drop()


@pytest.fixture
def shop(clones: Clones, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Yield a store that is ready; its line is whole. What it runs may be what an earlier test has deployed."""
    try:
        yield clones.take()
    finally:
        if request.node.stash.get(_FAILED, False):
            clones.drop()


@pytest.fixture
def settled(shop: Shop) -> Shop:
    """Return a store that is as its own inventory says: another deploy has nothing to do."""
    shop.operator.deploy()
    return shop


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
