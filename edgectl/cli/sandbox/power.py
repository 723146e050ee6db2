"""`edgectl sandbox reboot|cut-power|power-on|power-off`: a node's power."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.sandbox.app import app
from edgectl.cli.sandbox.show import (
    STORE,
    Name,
    NodeName,
    one,
    say,
)
from edgectl.wire.errors import Exit


@app.command(
    epilog="""Examples:

  edgectl sandbox reboot store-042

  edgectl sandbox reboot store-042 --hard"""
)
def reboot(
    name: Name = STORE,
    node: NodeName = "",
    hard: Annotated[bool, typer.Option("--hard", help="By power cut: unsynced writes are lost.")] = False,
) -> int:
    """Reboot a store's nodes; returns when sshd answers again."""
    one(name).reboot(node, hard=hard)
    say(f"{name} has rebooted")
    return int(Exit.OK)


@app.command(
    "cut-power",
    epilog="""Examples:

  edgectl sandbox cut-power store-042

  edgectl sandbox cut-power store-042 --back-on""",
)
def cut_power(
    name: Name = STORE,
    node: NodeName = "",
    back_on: Annotated[bool, typer.Option("--back-on", help="Power on again at once.")] = False,
) -> int:
    """Take the power away: what was not synced to disk is lost, as on a real machine."""
    store = one(name)
    store.cut_power(node)
    say(f"{name} has lost its power")
    if back_on:
        store.power_on(node)
        say(f"{name} is on again")
    return int(Exit.OK)


@app.command(
    "power-on",
    epilog="""Example:

  edgectl sandbox power-on store-042""",
)
def power_on(name: Name = STORE, node: NodeName = "") -> int:
    """Power on a store's nodes; returns when sshd answers."""
    one(name).power_on(node)
    say(f"{name} is on")
    return int(Exit.OK)


@app.command(
    "power-off",
    epilog="""Example:

  edgectl sandbox power-off store-042""",
)
def power_off(name: Name = STORE, node: NodeName = "") -> int:
    """Power off a store's nodes in order."""
    one(name).power_off(node)
    say(f"{name} is off")
    return int(Exit.OK)
