"""`edgectl inventory import ansible|csv`: a new inventory out of another one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import Format, Output, Verbose
from edgectl.wire.errors import InvalidInput

if TYPE_CHECKING:
    from edgectl.control.intake.draft import Draft

_TO = Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Write it here, where no file is yet.")]
_BUNDLE = Annotated[str, typer.Option("--bundle", metavar="DIR", help="The bundle directory, from the inventory.")]
_NOTHING_LOST = """Nothing is lost silently: what is not taken over is named, and no
password is copied. What stores still need is listed, with the next command."""

_ANSIBLE = f"""\b
Examples:
  edgectl inventory import ansible hosts.ini
  edgectl inventory import ansible inventories/prod --to stores/inventory.yaml
  edgectl inventory import ansible hosts.ini --store-from shop_id \\
      --map shop_title=title --map gpus=gpu.count --map notes=-
  ansible-inventory -i hosts.ini --list --export > hosts.json
  edgectl inventory import ansible hosts.json     (Ansible is elsewhere)

Ansible itself reads the inventory (the program ansible-inventory, which may
run what is executable there). A host becomes a store of one node, or with
--store-from a node of the store that a variable names; groups become groups.
{_NOTHING_LOST}"""

_CSV = f"""\b
Examples:
  edgectl inventory import csv stores.csv
  edgectl inventory import csv stores.csv --to stores/inventory.yaml
  edgectl inventory import csv export.csv --map Filiale=store \\
      --map IP=address --map "Anzahl GPU=gpu.count" --map Telefon=-

One row a node. Columns are named like keys: store, node, address, host_key,
title, groups, profile, ssh.port, gpu.count, ... Lists have blanks or commas
between. {_NOTHING_LOST}"""


def register(parent: typer.Typer) -> None:
    """Add the group."""
    app = typer.Typer(
        name="import",
        help="Make a new inventory out of another tool's, or of a table.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.command("ansible", epilog=_ANSIBLE)(ansible)
    app.command("csv", epilog=_CSV)(csv)
    parent.add_typer(app, name="import")


def ansible(
    source: Annotated[
        str, typer.Argument(metavar="FILE|DIR|-", help="An Ansible inventory, or JSON of ansible-inventory.")
    ],
    to: _TO = None,
    store_from: Annotated[
        str, typer.Option("--store-from", metavar="VARIABLE", help="The variable that names a host's store.")
    ] = "",
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="VARIABLE=PATH", help="Where a variable belongs; - leaves it out. Repeatable."),
    ] = None,
    bundle: _BUNDLE = "../bundle",
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Make a new inventory out of an Ansible inventory."""
    from edgectl.control.intake.ansible import hosts_of
    from edgectl.control.intake.fleet import from_hosts
    from edgectl.control.intake.slot import mapping

    _free(to)
    meanings = mapping(mapped or [], "VARIABLE")
    hosts = hosts_of(source, sys.stdin.read() if source == "-" else "")
    return _write(from_hosts(hosts, meanings, store_from=store_from), to, bundle, output, verbose=verbose)


def csv(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a row of names first.")],
    to: _TO = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=PATH", help="Where a column belongs; - leaves it out. Repeatable."),
    ] = None,
    bundle: _BUNDLE = "../bundle",
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Make a new inventory out of a table with one row a node."""
    from edgectl.control.intake.columns import from_csv
    from edgectl.control.intake.slot import mapping

    _free(to)
    return _write(from_csv(source, mapping(mapped or [], "COLUMN")), to, bundle, output, verbose=verbose)


def _free(to: Path | None) -> None:
    if to is not None and (to.exists() or to.is_symlink()):
        raise InvalidInput(f"{to} is there already, and it stays as it is", hint="name a new file with --to")


def _write(draft: Draft, to: Path | None, bundle: str, output: Format, *, verbose: bool) -> int:
    """Judge, write, and say what is missing."""
    from edgectl.cli.result import show
    from edgectl.control.intake.judged import judged
    from edgectl.control.staging import staged
    from edgectl.report.imported import lines

    found = judged(draft, bundle=bundle, file=to or Path("inventory.yaml"))
    if to is not None:
        try:
            with staged(to) as stream:
                stream.write(found.text.encode())
        except OSError as error:
            raise InvalidInput(f"{to} cannot be written: {error.strerror}", hint="name another file") from error
    said = lines(draft, found, to, verbose=verbose)
    document = {
        "inventory": str(to) if to else None,
        **({} if to else {"text": found.text}),
        "stores": found.stores,
        "nodes": found.nodes,
        "not_taken_over": [{"name": left.name, "where": left.where, "why": left.why} for left in draft.left],
        "notes": draft.notes,
        "without_host_key": found.keyless,
        "missing": found.missing,
    }
    if output is Format.JSON or to is not None:
        return show(output, document, "\n".join(said))
    sys.stderr.write("\n".join(said) + "\n")
    return show(output, document, found.text.rstrip("\n"))
