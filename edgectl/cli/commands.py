"""All commands by name, each imported when it is asked for: `edgectl --help` stays fast.

Owns the list of commands and their one-line help. Must not know what a command does.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer._click import Command, Context, HelpFormatter
from typer.core import TyperGroup
from typer.main import get_group

from edgectl.cli.interrupted import Interrupted
from edgectl.cli.plainly import plainly

# name -> (module of edgectl.cli, its line in `edgectl --help`: the first sentence of its own help)
TABLE = {
    "init": ("init", "Write a commented starter inventory."),
    "inventory": ("inventory", "Check, compare and fill the inventory."),
    "bundle": ("bundle", "Make, check and carry what is sent to stores."),
    "keys": ("keys", "Say whose signed offers stores take."),
    "lint": ("lint", "Check what would be sent to stores: inventory, charts, rules."),
    "explain": ("explain", "Show where each value of a store comes from and what it replaced."),
    "render": ("render", "Show what stores would become, without talking to them."),
    "image": ("image", "Write the files from which a machine comes up for the first time."),
    "preflight": ("preflight", "Find all that would stand in a deploy's way; change nothing."),
    "plan": ("plan", "Show what a deploy would change and send; change nothing."),
    "deploy": ("deploy", "Bring stores to what the inventory says, and prove it."),
    "status": ("status", "Show what stores run, and whether they are as deployed."),
    "doctor": ("doctor", "Say why a store is not well, first cause first."),
    "accept": ("accept", "Try all of it on a lab's machine, and sign what was found."),
    "gpu": ("gpu", "Show each GPU of a store, why it is ready or not, who holds it."),
    "chain": ("chain", "Draw the chain from GPU to sink, and say where it is broken."),
    "models": ("models", "Show the models of a store; try versions, promote, go back."),
    "journal": ("journal", "Show what a run on the node said, whoever started it."),
    "collect": ("collect", "Take what stores have to tell, and keep it in files."),
    "audit": ("audit", "Show who asked what of stores; check that no line was changed."),
    "history": ("history", "Show what a store was given, what became of it, and why."),
    "rollback": ("rollback", "Go back to what a store ran before."),
    "cancel": ("cancel", "End a running deploy between two steps, and go back."),
    "adopt": ("adopt", "Propose inventory lines for what was changed by hand."),
    "pause": ("pause", "Stop self-healing and deploys of a store for a while."),
    "resume": ("pause", "End a pause now."),
    "backup": ("backup", "Take a backup of a store's cluster, and bring it here."),
    "replace": ("replace", "Bring up a fresh machine in the place of one that died."),
    "remove": ("remove", "Take all that is edgectl's off a store's machines."),
    "ssh": ("ssh", "Open a shell on the store's node, or run one command there."),
    "tunnel": ("tunnel", "Open a store's Kubernetes API here, for programs that only read."),
    "events": ("events", "Show what Kubernetes and the engine say happened in a store."),
    "logs": ("logs", "Show what a store's pods write."),
    "kubectl": ("kubectl", "Run kubectl on the store's node."),
    "sandbox": ("sandbox", "Real store nodes on this machine, to try things on."),
    "version": ("version", "Show the version, and the digest of the engine for nodes."),
}
_ALSO = {"model": "models"}  # `edgectl model promote ...` reads better


class Commands(TyperGroup):
    """The top level: knows names and one line each, loads the rest late."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Return the names in the order of a person's way through them."""
        del ctx
        return list(TABLE)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Import one command."""
        del ctx
        cmd_name = _ALSO.get(cmd_name, cmd_name)
        if cmd_name not in TABLE:
            return None
        own = typer.Typer(rich_markup_mode=None, add_completion=False)
        import_module(f"edgectl.cli.{TABLE[cmd_name][0]}").register(own)
        return plainly(get_group(own).commands[cmd_name])

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the list without importing anything."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in TABLE.items()])

    def invoke(self, ctx: Context) -> Any:
        """Run a command; Ctrl-C becomes an error like all others (typer would make it a bare exit code)."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted("interrupted", hint="run the same command again") from error
