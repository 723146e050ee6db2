"""`edgectl sandbox reboot|cut-power|power-on|power-off`: a node's power."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.options import Format, Output
from edgectl.cli.sandbox.app import app
from edgectl.cli.sandbox.show import STORE, Name, NodeName, done, one, say


@app.command(
    epilog="""\b
Examples:
  edgectl sandbox reboot store-042
  edgectl sandbox reboot store-042 --hard"""
)
def reboot(
    name: Name = STORE,
    node: NodeName = "",
    hard: Annotated[bool, typer.Option("--hard", help="By power cut: unsynced writes are lost.")] = False,
    output: Output = Format.TEXT,
) -> int:
    """Reboot a store's nodes; returns when sshd answers again."""
    one(name).reboot(node, hard=hard)
    return done(output, f"{name} has rebooted", store=name, power="on")


@app.command(
    "cut-power",
    epilog="""\b
Examples:
  edgectl sandbox cut-power store-042
  edgectl sandbox cut-power store-042 --back-on""",
)
def cut_power(
    name: Name = STORE,
    node: NodeName = "",
    back_on: Annotated[bool, typer.Option("--back-on", help="Power on again at once.")] = False,
    output: Output = Format.TEXT,
) -> int:
    """Take the power away: what was not synced to disk is lost."""
    store = one(name)
    store.cut_power(node)
    if not back_on:
        return done(output, f"{name} has lost its power", store=name, power="off")
    say(f"{name} has lost its power")
    store.power_on(node)
    return done(output, f"{name} is on again", store=name, power="on")


@app.command(
    "power-on",
    epilog="""\b
Example:
  edgectl sandbox power-on store-042""",
)
def power_on(name: Name = STORE, node: NodeName = "", output: Output = Format.TEXT) -> int:
    """Power on a store's nodes; returns when sshd answers."""
    one(name).power_on(node)
    return done(output, f"{name} is on", store=name, power="on")


@app.command(
    "power-off",
    epilog="""\b
Example:
  edgectl sandbox power-off store-042""",
)
def power_off(name: Name = STORE, node: NodeName = "", output: Output = Format.TEXT) -> int:
    """Power off a store's nodes in order."""
    one(name).power_off(node)
    return done(output, f"{name} is off", store=name, power="off")
