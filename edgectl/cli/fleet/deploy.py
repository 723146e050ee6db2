"""`edgectl deploy` of several stores: the press of one button for each, side by side."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgectl.cli import store as stores
from edgectl.cli.fleet.several import DEPLOYS_AT_ONCE, Showing, run
from edgectl.cli.fleet.stores import Shared
from edgectl.cli.press import asked, ended, left, watched
from edgectl.cli.signed import signed
from edgectl.control.deploy.line import Line
from edgectl.control.deploy.together import Together
from edgectl.control.fleet.watch import Watch


@dataclass(frozen=True, slots=True)
class Orders:
    """What the command line asks of each deploy."""

    accept_degraded: bool = False
    may_reboot: bool = False
    take_over: bool = False


def deploys(selector: str, inventory: Path, orders: Orders, limit: float | None, showing: Showing) -> int:
    """Deploy them; returns the exit code. `limit` holds for each of them."""
    shared = Shared(selector, inventory, renders=True)

    def press(name: str, watch: Watch) -> tuple[int, dict[str, Any]]:
        found = shared.find(name, watch)
        stores.permitted(found)
        values = stores.values(found)
        doors = shared.doors(found)
        with stores.speaking_of(name):
            rendered = shared.render(found)
            offer = shared.offer(found, rendered)
            offer = replace(
                offer,
                accept_degraded=orders.accept_degraded,
                may_reboot=orders.may_reboot,
                take_over=orders.take_over,
                values=values,
            )
            data = rendered.payload.encode() if found.trust else b""
            offer = signed(offer, found, engine_bytes=len(shared.engine.tar), payload=data)
            others = {
                node.name: (stores.for_node(offer, rendered, node.name), doors[node.name].open)
                for node in found.followers
            }
            line = Line(stores.caps(found, limit))
            with ExitStack() as stack:
                with watch.begins():
                    given, learnt = stack.enter_context(asked(offer))
                    whole = Together(given, doors[found.lead.name].open, watch, others, line)
                    watch.when_left(lambda: left(whole, offer.node, learnt))
                return ended(offer, watched(whole, offer.node, learnt), learnt)

    code = run("deploy", shared.names, press, showing, at_once=DEPLOYS_AT_ONCE)
    shared.remark(shlex.quote(selector))
    return code
