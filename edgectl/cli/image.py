"""`edgectl image`: the files from which a machine comes up, its host key pinned before it exists."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose, complete_store

if TYPE_CHECKING:
    from edgectl.control.firstboot.prepare import Prepared

_EPILOG = """\b
Examples:
  edgectl image store-042/node-1 --to /media/usb    (a stick labelled CIDATA)
  edgectl image store-042/node-1 --to node-1.iso    (for dd, or virtual media)
  edgectl image store-042/node-1 --to DIR --new-host-key
      (the machine is installed again)
  edgectl image store-042/node-1 --to node-1.iso --installer
      (a disc for Ubuntu's installer)

From `install` of the inventory: cloud-init's NoCloud seed, and the answers for
Debian's installer (preseed.cfg) or Ubuntu's (autoinstall/), as `install.os`
says. The machine gets a new host key, whose public half is written into the
inventory: the next command is `edgectl deploy`. The private half is in those
files and nowhere else; README.txt says what to do at the machine, and to wipe
the medium. docs/image.md."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("image", epilog=_EPILOG)(image)


def image(
    node: Annotated[
        str,
        typer.Argument(
            metavar="STORE/NODE",
            help="The machine, e.g. store-042/node-1; the store alone where it has one.",
            autocompletion=complete_store,
        ),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR|FILE.iso", help="A folder (of a stick), or a disc image.")],
    new_host_key: Annotated[
        bool, typer.Option("--new-host-key", help="Also where one is pinned: the machine is installed again.")
    ] = False,
    installer: Annotated[
        bool, typer.Option("--installer", help="For Ubuntu's installer alone: its answers at the medium's top.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Write the files from which a machine comes up for the first time."""
    from edgectl.cli import store as stores
    from edgectl.cli.result import show
    from edgectl.control.firstboot import disc, folder
    from edgectl.control.firstboot.prepare import prepare
    from edgectl.control.inventory.pin import replace
    from edgectl.report.imaged import Imaged, lines, warnings
    from edgectl.wire.errors import InvalidInput

    name, _, machine = node.partition("/")
    opened, name = stores.one(name, inventory)
    found = prepare(opened, name, machine, new_key=new_host_key, installer=installer)
    title = found.machine.title
    pinned = False
    try:
        is_disc = to.suffix.lower() == disc.ENDING and not to.is_dir()
        disc.check(to, force=force) if is_disc else folder.check(to, title, force=force)
        writing = disc.staged_disc(to, found.files) if is_disc else folder.staged_set(to, found.files)
        with writing:
            replace(inventory, found.before, found.after)
            pinned = True
    except BaseException as error:
        if pinned:  # a key whose private half is nowhere would lock the machine out
            replace(inventory, found.after, found.before)
        if not isinstance(error, OSError):
            raise
        raise InvalidInput(
            f"{error.filename or to}: {error.strerror or error}", hint="nothing was made; name another place with --to"
        ) from error
    told = Imaged(
        store=name,
        title=title,
        to=str(to),
        names=tuple(file.name for file in found.files),
        disc=is_disc,
        fingerprint=found.machine.host_key.fingerprint,
        replaced=found.replaced,
        inventory=str(inventory),
        before=found.before.decode("utf-8-sig"),
        after=found.after.decode("utf-8-sig"),
        open_to_others=not is_disc and folder.readable_by_others(to, found.files),
    )
    warned = list(warnings(told))
    for line in warned:
        sys.stderr.write(f"warning: {line}\n")
    if verbose:
        sys.stderr.write(f"  for       {found.machine.install.os}, {found.machine.hostname}, {found.machine.address}\n")
    return show(output, _document(found, to, warned), "\n".join(lines(told)))


def _document(found: Prepared, to: Path, warned: list[str]) -> dict[str, Any]:
    machine = found.machine
    return {
        "store": machine.store,
        "node": machine.node,
        "to": str(to),
        "os": machine.install.os,
        "hostname": machine.hostname,
        "files": [{"path": file.name, "private": file.private} for file in found.files],
        "host_key": {"public": machine.host_key.public, "fingerprint": machine.host_key.fingerprint},
        "replaced": found.replaced,
        "warnings": warned,
    }
