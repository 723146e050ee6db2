"""The audits of the stores that are meant, both sides of each.

Owns: where they lie, and that nothing is said of stores of which nothing is here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.control.audit.compare import Side

Collected = Annotated[
    Path | None,
    typer.Option(
        "--collected", metavar="DIR", help="Where `edgectl collect --to` keeps its record, if not in its place."
    ),
]


def found(selector: str, inventory: Path, collected: Path | None) -> dict[str, list[Side]]:
    """Return what is here of each store, read and checked; NotReady where that is nothing at all."""
    from edgectl.cli import store as stores
    from edgectl.control.audit.compare import sides
    from edgectl.control.audit.own import root
    from edgectl.control.collect.collect import folder
    from edgectl.wire.errors import NotReady

    _, names = stores.some(selector, inventory)
    told = collected or folder()
    every = {name: sides(name, root(), told) for name in names}
    if not any(every.values()):
        raise NotReady(
            f"no audit is here of {', '.join(names[:3])}: nothing was asked from here, nothing collected in {told}",
            hint=f"edgectl collect {names[0]} brings what its nodes tell",
        )
    return every
