"""The stores that are meant, and what they share: one inventory, one engine, one renderer, one look at git.

Owns that what is shared is made once, and by one thread at a time. Must not know what is asked of a store.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from edgectl.cli import store as stores
from edgectl.cli.door import Door, doors
from edgectl.control.deploy.operator import commit_of
from edgectl.control.payload.kept import Said
from edgectl.report.words import remarks

if TYPE_CHECKING:
    from edgectl.control.deploy.offer import Offer
    from edgectl.control.fleet.watch import Watch
    from edgectl.control.inventory.store import Store
    from edgectl.control.payload.rendered import Rendered


class Shared:
    """Opened once for many stores; its methods may be called from their threads."""

    def __init__(self, selector: str, inventory: Path, *, renders: bool) -> None:
        self._inventory = inventory
        self._opened, self.names = stores.some(selector, inventory)
        self._lock = Lock()
        self.engine = stores.runtime()
        self._renderer = stores.renderer() if renders else None
        self._version = commit_of(inventory) if renders else ("", "")
        self._said = Said()

    def find(self, name: str, watch: Watch) -> Store:
        """Return one store, resolved; the watch learns by what it is called."""
        with self._lock:
            found = self._opened.store(name)
        watch.own = tuple({name for node in found.nodes for name in (node.ssh.host, node.address) if name})
        return found

    def render(self, store: Store) -> Rendered:
        """Return the store's payload, judged; what rules only warn of is counted."""
        if self._renderer is None:
            raise RuntimeError("nothing is rendered for this command")
        with self._lock:
            rendered = self._renderer.render(store)
            self._said += Said.of(stores.judge(store, rendered, keep=False))
        return rendered

    def offer(self, store: Store, rendered: Rendered) -> Offer:
        """Return what the store's lead is offered."""
        return stores.offer(store, rendered, self.engine, inventory=self._inventory, version=self._version)

    def doors(self, store: Store) -> Mapping[str, Door]:
        """Return the doors of all its nodes."""
        return doors(store.nodes, self.engine)

    def remark(self, selector: str) -> None:
        """Say on stderr, once, that rules have something to say of what was sent."""
        if line := remarks(selector, self._said.warnings, self._said.excused):
            sys.stderr.write(line + "\n")
