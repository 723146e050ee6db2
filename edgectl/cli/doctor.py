"""`edgectl doctor`: why a store is not well, first cause first; without a store, whether this machine can deploy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, Verbose, complete_store
from edgectl.wire.errors import EdgectlError, UsageError

if TYPE_CHECKING:
    from edgectl.control.doctor.ask import Answer
    from edgectl.control.inventory.store import Store
    from edgectl.wire.diagnosis import Diagnosis

_EPILOG = """\b
Examples:
  edgectl doctor store-042
  edgectl doctor store-042 -o json
  edgectl doctor store-042 --bundle store-042.tar.gz    (for a support desk)
  edgectl doctor                     (this machine: Python, keys, inventory)
  edgectl doctor --explain E-GPU-17  (also a step, an error, exit-5)
  edgectl ssh store-042 -- sudo edgectl-node doctor    (the same, there)

\b
What lies below explains what lies above it, and is blamed alone. What could
not be looked at is unknown, never fine. docs/doctor.md, docs/runbook.md.

\b
Exit codes:
  0 nothing is wrong    9 it serves, with something missing    5 not ready
  4 the store's server could not be asked"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", epilog=_EPILOG)(doctor)


def doctor(
    store: Annotated[
        str,
        typer.Argument(
            metavar="[STORE]",
            help="A store of the inventory; this machine when left out.",
            autocompletion=complete_store,
        ),
    ] = "",
    explain: Annotated[str, typer.Option("--explain", metavar="CODE", help="Show the runbook's page of a code.")] = "",
    bundle: Annotated[
        Path | None, typer.Option("--bundle", metavar="FILE", help="Keep logs and facts there, redacted (.tar.gz).")
    ] = None,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Say why a store is not well, first cause first."""
    if explain:
        return _explained(explain, output)
    if not store:
        if bundle is not None:
            raise UsageError("--bundle needs a store", hint=f"edgectl doctor STORE --bundle {bundle}")
        return _desk(inventory, output)
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors as doors_of
    from edgectl.control.deploy.everywhere import everywhere
    from edgectl.control.doctor.ask import ask
    from edgectl.control.doctor.store import exit_of, together
    from edgectl.control.staging import tried

    found = stores.find(store, inventory)
    if bundle is not None:
        tried(bundle, "--bundle")
    doors = doors_of(found.nodes, stores.runtime(), verbose=verbose)
    share = 0 if bundle is None else 4_000_000 // len(doors)

    def look_at(name: str) -> Callable[[], Answer]:
        return lambda: ask(doors[name].open, bundle_bytes=share)

    with stores.speaking_of(found.name):
        answers = everywhere({name: look_at(name) for name in doors})
    seen = together(found.name, found.lead.name, answers, _told(found, answers))
    seen = _with_news(seen, found, answers)
    code = exit_of(seen, found.lead.name, answers)
    if bundle is not None:
        _keep(bundle, found.name, seen, answers)
    return _show(seen, output, code=code)


def _show(seen: Diagnosis, output: Format, *, code: int) -> int:
    from edgectl.cli.result import show
    from edgectl.wire.diagnosistext import lines
    from edgectl.wire.document import to_json

    return show(output, {**to_json(seen), "word": seen.word}, "\n".join(lines(seen)), code=code)


def _explained(code: str, output: Format) -> int:
    from edgectl.cli.result import show
    from edgectl.wire.document import to_json
    from edgectl.wire.runbook import near, page_of

    page = page_of(code)
    if page is None:
        raise UsageError(
            f"the runbook has no page {code!r:.60}", hint=f"near: {', '.join(near(code))}; docs/runbook.md"
        )
    return show(output, to_json(page), "\n".join(page.lines))


def _desk(inventory: Path, output: Format) -> int:
    from edgectl.control.doctor.desk import Desk, looked

    seen = looked(Desk(inventory, Path.home()))
    return _show(seen, output, code=seen.exit)


def _told(found: Store, answers: dict[str, Answer | EdgectlError]) -> dict[str, dict[str, object]]:
    """Return the newest beats of the record of those that could not be asked."""
    from edgectl.control.collect.collect import folder
    from edgectl.control.collect.record import Record

    silent = [name for name, answer in answers.items() if isinstance(answer, EdgectlError)]
    return {name: Record(folder() / found.name / name, found.name, name).newest() for name in silent}


def _with_news(seen: Diagnosis, found: Store, answers: dict[str, Answer | EdgectlError]) -> Diagnosis:
    """Add what only this desk knows: whether what it would send is what runs there."""
    from dataclasses import replace

    from edgectl.cli.store import renderer, runtime
    from edgectl.control.doctor.way import NEWER, OTHER_ENGINE

    lead = answers.get(found.lead.name)
    if lead is None or isinstance(lead, EdgectlError) or not (current := lead.hello.get("current")):
        return seen
    notes = []
    if current.get("runtime") != runtime().digest:
        notes.append(f"it heals with another engine than yours; a deploy brings yours along ({OTHER_ENGINE})")
    try:
        if renderer().render(found).payload.digest != current.get("payload"):
            notes.append(f"the inventory is not what runs there: edgectl plan {found.name} ({NEWER})")
    except EdgectlError as error:
        notes.append(f"what the inventory would make of it is not known here: {error.message}")
    return replace(seen, notes=(*seen.notes, *notes))


def _keep(file: Path, store: str, seen: Diagnosis, answers: dict[str, Answer | EdgectlError]) -> None:
    """Write the bundle, and say so on stderr; a disk that does not take it changes no outcome."""
    import sys

    from edgectl.control.collect.collect import folder
    from edgectl.control.doctor.parcel import parcel
    from edgectl.control.staging import staged

    data = parcel(store, seen, answers, folder() / store)
    try:
        with staged(file, mode=0o600) as stream:
            stream.write(data)
    except OSError as error:
        sys.stderr.write(f"  note      {file} could not be written: {error.strerror or error}\n")
        return
    sys.stderr.write(f"  bundle    {file}, {len(data) / 1e6:.2f} MB, secrets are redacted\n")
