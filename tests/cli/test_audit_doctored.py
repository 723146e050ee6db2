"""A line in which a field is not what edgectl writes: it is named, on either side, and every other store is judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.audit import own
from edgectl.control.audit.copy import Copy
from edgectl.control.collect.collect import folder
from edgectl.wire.audit import Chain, Clock, Head, digest, parts
from tests.cli.conftest import INVENTORY, Edgectl

BAD, GOOD, NODE = "store-042", "store-043", "node-1"
Doctor = Callable[[dict[str, Any]], Any]


@pytest.fixture(autouse=True)
def _two_stores(inventory: Path) -> None:
    second = "  store-042:" + INVENTORY.partition("  store-042:")[2]
    inventory.write_text(INVENTORY + second.replace(BAD, GOOD))
    for store in (BAD, GOOD):
        disk = inventory.parent / "disk" / store
        _deploy(store, disk)
        copy = Copy(folder() / store / NODE)
        copy.add(b"".join(path.read_bytes() for path in parts(disk)))
        copy.asked()


def _deploy(store: str, disk: Path) -> None:
    chain = Chain(disk, Clock(lambda: "boot-1", lambda: 5.0), part_bytes=600)
    by = {"from": "ada@laptop", "key": "SHA256:a", "proof": "authorized"}
    for number in (1, 2, 3):
        with own.audited(store, "deploy", commit="c0ffee") as learnt:
            peer = own.newest(store)
            head = chain.add(
                "deploy", phase="accepted", by=by, store=store, node=NODE, sequence=number, peer=peer, run=f"r{number}"
            )
            outcome = {"word": "ready", "exit": 0, "promoted": True}
            chain.add(
                "deploy", phase="ended", store=store, node=NODE, sequence=number, run=f"r{number}", outcome=outcome
            )
            learnt |= {"run": f"r{number}", "sequence": number, "seen": {NODE: str(head)}, "outcome": {"exit": 0}}
    chain.add("pause", phase="refused", by=by, asked={"why": "new camera"}, outcome="paused by bob")


def _with(**fields: Any) -> Doctor:
    return lambda record: {**record, **fields}


def _without(name: str) -> Doctor:
    return lambda record: {key: value for key, value in record.items() if key != name}


DOCTORED: dict[str, Doctor] = {
    "sequence is a list": _with(sequence=[1]),
    "sequence is a word": _with(sequence="1"),
    "up is a word, and the clock goes back": _with(up="86520.5", time="2001-01-01T00:00:00.000+00:00"),
    "up is beyond all numbers": _with(up=float("inf")),
    "n is true": _with(n=True),
    "n has 4300 digits": _with(n=10**4300 - 1),
    "time is a number": _with(time=5),
    "half a character": _with(reason="\ud800"),
    "half a character for a name": _with(**{"\ud800": "x"}),
    "no what": _without("what"),
    "what is a list": _with(what=["deploy"]),
    "by is a word": _with(by="bob"),
    "by's key is a number": _with(by={"key": 5}),
    "asked is a list": _with(asked=["deed"]),
    "seen is a list": _with(seen=[NODE]),
    "outcome is a word where it ended": _with(outcome="ready", phase="ended"),
    "outcome is a list": _with(outcome=["ready"], phase="ended"),
    "from is a word": _with(what="goes-on", **{"from": "abc"}),
    "goes on from nowhere": lambda record: {**_without("from")(record), "what": "goes-on"},
    "nested too deep to read": lambda _: b'{"n":' + b"[" * 100_000,
    "nested too deep to show": lambda record: (
        json.dumps(record)[:-1].encode() + b',"x":' + b"[" * 400 + b"]" * 400 + b"}"
    ),
}


def _line(doctor: Doctor, line: bytes) -> bytes:
    made = doctor(json.loads(line))
    return made if isinstance(made, bytes) else json.dumps(made, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize("name", DOCTORED)
def test_it_is_named_and_the_others_are_judged(name: str, edgectl: Edgectl) -> None:
    """Law: exit 6 names FILE:LINE of it, whatever a field is, and the other store is whole; `show` shows the rest.

    Each line is tried with its chain written again behind it, as whoever knows how would.
    Seeded: read lines with wire/audit.py's `read` alone.
    """
    for path in (own.root() / BAD / "audit.jsonl", folder() / BAD / NODE / "audit.jsonl"):
        lines = path.read_bytes().split(b"\n")[:-1]
        lines[1] = _line(DOCTORED[name], lines[1])
        for number in range(2, len(lines)):
            lines[number] = _line(_with(prev=digest(lines[number - 1])), lines[number])
        path.write_bytes(b"".join(line + b"\n" for line in lines))
    said = edgectl("audit", "verify")
    assert said.code == 6, said
    for place in (f"audit/{BAD}", f"collected/{BAD}/{NODE}"):
        assert f"{place}/audit.jsonl:2: no line of an audit" in said.out
    for side in ("here", NODE):
        assert f"{GOOD}/{side}: whole" in said.out
    assert edgectl("audit", "verify", "-o", "json").document["stores"][GOOD]["here"]["whole"] is True
    shown = edgectl("audit", "show")
    assert shown.code == 0, shown
    assert all(f"{store}/{side}" in shown.out for store in (BAD, GOOD) for side in ("here", NODE))
    assert edgectl("audit", "show", "-o", "json").document["rows"]


def test_lines_of_edgectl_are_lines(edgectl: Edgectl) -> None:
    """The counterpart: all that was written above is whole, and what only a newer edgectl writes is let through."""
    with own.audited(BAD, "deploy", newer={"of": [{"x": 1.5, "y": None, "z": True}]}):
        pass
    said = edgectl("audit", "verify")
    assert said.code == 0, said.out
    assert "paused by bob" in edgectl("audit", "show").out


@pytest.mark.parametrize(
    "text", ["c:" + "9" * 5000 + ":" + "0" * 64, "c:\u0661:" + "0" * 64, ":1:" + "0" * 64, "c:1:0"]
)
def test_a_head_that_is_none(text: str) -> None:
    """Law: what crossed the link for the last line of a chain is read, or none. Seeded: take any number of digits."""
    assert Head.of(text) is None
    assert str(Head.of("c:1:" + "0" * 64)) == "c:1:" + "0" * 64
