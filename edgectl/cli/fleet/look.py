"""`edgectl plan` and `edgectl status` of several stores: looks, side by side."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgectl.cli import store as stores
from edgectl.cli.fleet.several import LOOKS_AT_ONCE, Showing, run
from edgectl.cli.fleet.stores import Shared
from edgectl.cli.signed import signed
from edgectl.control.deploy.caps import Forecast
from edgectl.control.deploy.everywhere import everywhere, status, together
from edgectl.control.deploy.look import Seen
from edgectl.control.deploy.look import plan as look
from edgectl.control.fleet.watch import Watch
from edgectl.report.looked import plan_code, plan_document
from edgectl.wire.errors import Exit


def stands(selector: str, inventory: Path, showing: Showing) -> int:
    """Look at what stores run; returns the exit code."""
    shared = Shared(selector, inventory, renders=False)

    def ask(name: str, watch: Watch) -> tuple[int, dict[str, Any]]:
        found = shared.find(name, watch)
        doors = {node: door.open for node, door in shared.doors(found).items()}
        with stores.speaking_of(name):
            seen = status(doors, found.lead.name, lambda leads: watch if leads else Watch())
        watch.take(seen.events)
        return int(seen.verdict.get("exit", Exit.NOT_READY)), {"store": name, **seen.document()}

    return run("status", shared.names, ask, showing, at_once=LOOKS_AT_ONCE)


def plans(selector: str, inventory: Path, showing: Showing, *, exit_code: bool) -> int:
    """Look at what deploys would change; returns the exit code."""
    shared = Shared(selector, inventory, renders=True)

    def ask(name: str, watch: Watch) -> tuple[int, dict[str, Any]]:
        found = shared.find(name, watch)
        doors = shared.doors(found)
        rendered = shared.render(found)
        data = rendered.payload.encode()
        offer = signed(shared.offer(found, rendered), found, engine_bytes=len(shared.engine.tar), payload=data)

        def look_at(node: str) -> Callable[[], Seen]:
            given = stores.for_node(offer, rendered, node)
            return lambda: look(given, data, doors[node].open, Watch())

        with stores.speaking_of(name):
            seen = look(offer, data, doors[found.lead.name].open, watch)
            seen = together(seen, everywhere({node.name: look_at(node.name) for node in found.followers}))
        watch.take(seen.events)
        forecast = stores.caps(found).forecast(seen.missing_bytes) if seen.missing_bytes else Forecast()
        return plan_code(seen, exit_code=exit_code), plan_document(name, offer.payload, seen, forecast)

    code = run("plan", shared.names, ask, showing, at_once=LOOKS_AT_ONCE)
    shared.remark(shlex.quote(selector))
    return code
