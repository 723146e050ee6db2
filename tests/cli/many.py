"""Several stores, each a node in a folder with the real session and engine; which one is spoken to is its address."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgectl.node.io import programs
from edgectl.node.io.places import Places
from tests.cli.conftest import KEY
from tests.cli.node import Session, StoreNode, store_node

_HERE = threading.local()


class OneOfMany(StoreNode):
    """A node whose threads know that they are its own."""

    def _begin(self, work: Any) -> threading.Thread:
        def own() -> None:
            _HERE.node = self
            work()

        return super()._begin(own)


@dataclass
class Fleet:
    """The nodes by store; `before` is called with a store's name when it is connected to."""

    inventory: Path
    nodes: dict[str, OneOfMany] = field(default_factory=dict)
    before: Callable[[str], None] = lambda _: None
    now: int = 0
    most: int = 0

    def connect(self, where: Any, runtime: Any) -> Session:
        """Open a session with the store whose address it is."""
        name = next(name for name in self.nodes if where.host.endswith(f".{int(name[-3:])}"))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            self.before(name)
        finally:
            self.now -= 1
        return self.nodes[name].connect(where, runtime)

    def declare(self, name: str, text: str) -> None:
        """Change what one store should become."""
        said = self.inventory.read_text()
        own = f'    host: {{files: [{{path: /etc/motd, text: "{text}"}}]}}\n'
        self.inventory.write_text(said.replace(f"  {name}:\n", f"  {name}:\n{own}"))


def _program(argv: Sequence[str], **how: Any) -> programs.Ran:
    node: OneOfMany = _HERE.node
    return node.program(argv, **how)


def fleet_of(count: int, inventory: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """Write an inventory of so many stores (store-001 and on, odd ones in group eu), and put nodes behind it."""
    stores = "".join(
        f"  store-{number:03}:\n    groups: [{'eu' if number % 2 else 'us'}]\n"
        f"    nodes: {{node-1: {{address: 10.77.0.{number}, host_key: {KEY}}}}}\n"
        for number in range(1, count + 1)
    )
    head = inventory.read_text().partition("stores:\n")[0]
    inventory.write_text(f"{head}groups: {{eu: {{}}, us: {{}}}}\nstores:\n{stores}")
    made = Fleet(inventory)
    with ExitStack() as stack:
        rest = store_node(folder / "none", monkeypatch)
        stack.enter_context(closing(rest))  # type: ignore[type-var]
        next(rest)
        for number in range(1, count + 1):
            node = OneOfMany(Places(folder / f"store-{number:03}"))
            node.places.run.mkdir(parents=True)
            made.nodes[f"store-{number:03}"] = node
        monkeypatch.setattr(programs, "run", _program)
        monkeypatch.setattr("edgectl.control.link.bootstrap.open_session", made.connect)
        yield made
        for node in made.nodes.values():
            node.join()
