"""`edgectl sandbox link`: the line between you and a store, good or bad."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.options import Format, Output
from edgectl.cli.sandbox.app import app
from edgectl.cli.sandbox.show import (
    STORE,
    Name,
    describe,
    one,
    result,
)
from edgectl.wire.errors import Exit, UsageError


@app.command(
    epilog="""\b
Examples:
  edgectl sandbox link store-042 --rtt 150 --rate 2M
  edgectl sandbox link store-042 --cut
  edgectl sandbox link store-042 --black-hole
  edgectl sandbox link store-042 --heal
  edgectl sandbox link store-042 --restore
  edgectl sandbox link store-042 -o json

Without options it shows how the link is and what it has carried."""
)
def link(
    name: Name = STORE,
    rtt: Annotated[float | None, typer.Option("--rtt", min=0, max=60_000, help="Round-trip time in ms.")] = None,
    rate: Annotated[str, typer.Option("--rate", help="Bit/s in each direction: 2M, 500k, 0 for no limit.")] = "",
    cut: Annotated[bool, typer.Option("--cut", help="Reset connections, refuse new ones.")] = False,
    black_hole: Annotated[bool, typer.Option("--black-hole", help="Nothing arrives, nobody is told.")] = False,
    heal: Annotated[bool, typer.Option("--heal", help="End a cut or hole; delay and rate stay.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="A perfect link again.")] = False,
    output: Output = Format.TEXT,
) -> int:
    """Make the link to a store slow, thin, cut or silent, at once."""
    if sum((cut, black_hole, heal, restore)) > 1:
        raise UsageError("Give one of --cut, --black-hole, --heal, --restore", hint="edgectl sandbox link --help")
    line = one(name).link
    bits = rate_bits(rate) if rate else None
    if restore:
        line.restore()
    if rtt is not None or bits is not None:
        line.set(rtt_ms=rtt, rate_bits=bits)
    for wanted, act in ((cut, line.cut), (black_hole, line.black_hole), (heal, line.heal)):
        if wanted:
            act()
    from edgectl.wire.document import to_json

    document = {"store": name, "conditions": to_json(line.conditions()), "counters": to_json(line.stats())}
    counted = document["counters"]
    text = (
        f"link of {name}: {describe(document['conditions'])}; {counted['bytes_to_store']} bytes to the store, "
        f"{counted['bytes_from_store']} from it, {counted['connections']} connections, {counted['open']} open"
    )
    result(output, document, text)
    return int(Exit.OK)


def rate_bits(text: str) -> int:
    """Return `2M`, `500k`, `1.5G` or a plain number in bit/s; UsageError for anything else."""
    factor = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}.get(text[-1:].lower(), 0)
    try:
        bits = int(float(text[:-1]) * factor) if factor else int(text)
    except ValueError:
        bits = -1
    if bits < 0:
        raise UsageError(f"--rate {text} is no rate", hint="Write 2M, 500k or a number of bit/s; 0 is no limit")
    return bits
