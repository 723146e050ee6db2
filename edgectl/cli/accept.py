"""`edgectl accept`: whether all of it works here, on this hardware, over this line; one signed file says so."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.interrupted import Interrupted
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose, complete_store
from edgectl.cli.sure import sure
from edgectl.wire.errors import UsageError

if TYPE_CHECKING:
    from edgectl.control.accept.report import Report
    from edgectl.control.inventory.store import Store

_EPILOG = """\b
Examples:
  edgectl accept store-lab                       (asks first)
  edgectl accept store-lab -y --report store-lab.json
  edgectl accept store-lab -y --storm 12 --seed 7 --html store-lab.html
  edgectl accept --verify store-lab.json         (by the inventory's trust)
  edgectl accept --verify store-lab.json --key anna.pub

It restarts the store's server, cuts its power and kills services, so it is for
stores that say `lab: true`. Preflight, a deploy, the same deploy again, what
edgectl relies on in k3s, each GPU, a storm, figures, the doctor. What was not
real (a sandbox's machine, k3s, GPU or line) is found and named: such a report
is no acceptance of real hardware. docs/accept.md.

\b
Exit codes:
  0 all has passed    2 the store is no lab's    4 it was not reached
  5 something is not so (the row says what)    6, 9 a deploy's own
  11 --verify: altered, or signed by somebody else; where it is whole,
  the code of its acceptance"""
_STORM, _MOST = 6, 1000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("accept", epilog=_EPILOG)(accept)


def accept(
    store: Annotated[
        str,
        typer.Argument(metavar="[STORE]", help="A store of a lab (`lab: true`).", autocompletion=complete_store),
    ] = "",
    *,
    storm: Annotated[int, typer.Option("--storm", metavar="N", min=0, max=_MOST, help="How many blows fall.")] = _STORM,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="S", min=0, help="The same seed is the same storm; drawn when left out."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the signed report there (JSON).")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page for people, too.")] = None,
    sign_with: Annotated[
        Path | None,
        typer.Option("--sign-with", metavar="KEY", help="The SSH key that signs it; else one that the store trusts."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nobody.")] = False,
    verify: Annotated[
        Path | None, typer.Option("--verify", metavar="FILE", help="Check a report, and touch no store.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="KEY.pub", help="With --verify: whose signature counts.")
    ] = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Try all of it on a lab's machine, and sign what was found."""
    if verify is not None:
        from edgectl.cli.lab.sealed import verified

        return verified(verify, store, inventory, key, output)
    if not store:
        raise UsageError("which store?", hint="edgectl accept STORE, or edgectl accept --verify FILE")
    from edgectl.cli import store as stores
    from edgectl.cli.lab.page import write as write_page
    from edgectl.cli.lab.sealed import sealing
    from edgectl.cli.result import show
    from edgectl.cli.telling import place
    from edgectl.control.staging import tried
    from edgectl.report import accepted
    from edgectl.wire.document import to_json

    found = stores.find(store, inventory)
    _is_lab(found)
    place(html)
    seal: Callable[[Report], None] | None = None
    if report is not None:
        tried(report, "--report")
        seal = sealing(found, report, sign_with)
    stores.permitted(found)
    if not yes:
        blows = f"{found.lead.name} will be restarted, lose its power, and have services killed under it."
        sure(found.name, blows, unasked="struck", hint="-y says that it is meant")
    drawn = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    made = _made(found, inventory, storm, drawn, output=output, verbose=verbose)
    if seal is not None:
        seal(made)
    if html is not None:
        write_page(html, made)
    return show(output, to_json(made), "\n".join(accepted.lines(made)), code=made.exit)


def _made(found: Store, inventory: Path, storm: int, seed: int, *, output: Format, verbose: bool) -> Report:
    from edgectl.cli.lab.desk import Desk
    from edgectl.cli.result import tell as say
    from edgectl.control.accept.kit import Kit
    from edgectl.control.accept.report import Named
    from edgectl.control.accept.report import report as make
    from edgectl.control.audit.own import audited
    from edgectl.report import accepted
    from edgectl.wire.document import digest_of

    desk = Desk(found, inventory, verbose=verbose)
    stamp = _now()

    def tell(lines: list[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        say(text) if output is Format.TEXT else sys.stderr.write(text)

    kit = Kit(desk, storm, seed, tell=lambda row: tell(accepted.row(row, verbose=verbose)))
    tell([f"{found.name}: acceptance, {storm} blows, seed {seed}"])
    with audited(found.name, "accept", asked={"storm": str(storm), "seed": str(seed)}) as learnt:
        try:
            kit.run()
        except KeyboardInterrupt as error:
            raise Interrupted(
                f"the acceptance of {found.name} was cut short: no report is written, and the store goes on by itself",
                hint=f"edgectl deploy {found.name} brings back what is declared",
            ) from error
        named = Named(
            inventory=digest_of(inventory.read_bytes()),
            commit=desk.commit,
            payload=desk.rendered().payload.digest,
            engine=desk.engine.digest,
            began=stamp,
            ended=_now(),
        )
        made = make(kit, named)
        learnt["outcome"] = {"exit": made.exit, "word": made.word}
    return made


def _is_lab(store: Store) -> None:
    """Refuse a store that sells: this is policy, and so data."""
    from edgectl.cli.signed import need_root

    if not store.lab:
        raise UsageError(
            f"{store.name} is no lab's store: an acceptance restarts its machine and kills services there",
            hint="where that is meant, say `lab: true` at the store in the inventory (docs/accept.md)",
        )
    for node in store.nodes:
        need_root(node, "an acceptance")


def _now() -> str:
    return time.strftime("%FT%TZ", time.gmtime())
