"""`edgectl-node load DIR|URL`: take what was exported for this store, and follow it to its verdict."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import Any

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.converge.slots import Slots
from edgectl.node.io.look import Look
from edgectl.node.io.places import Places
from edgectl.node.load.kept import kept
from edgectl.node.load.named import source_of
from edgectl.node.load.take import take
from edgectl.node.tail import tail
from edgectl.node.trouble import told
from edgectl.wire import event
from edgectl.wire.errors import EdgectlError, Exit


def run(places: Places, args: argparse.Namespace) -> int:
    """Take it, start the engine, follow its journal; returns the verdict's exit code."""
    started, before = "", _taken(places)
    try:
        source = source_of(args.source)
        started, sequence, payload = take(places, source, look=Look(places), note=_note, engine_asked=args.engine)
        _say(f"  run       {started}; this node goes on by itself from here")
        seen = _Screen()
        tail(places, seen, started, 0)
        return _end(places, seen.verdict, sequence, payload)
    except (EdgectlError, LookFailed, OSError) as trouble:
        error = told(trouble)
        lines = [f"edgectl-node: {error.message}", *(f"  {line}" for line in error.details)]
        if _taken(places) == before:
            lines.append("  runs now: what ran before; this has changed nothing")
        if error.hint:
            lines.append(f"  next: {error.hint}")
        sys.stderr.write("".join(f"{_plain(line)}\n" for line in lines))
        return int(error.exit)
    except KeyboardInterrupt:
        after = (
            "this node goes on by itself: edgectl-node journal"
            if started or _taken(places) != before
            else "nothing was changed; what has been copied is kept, the same command goes on"
        )
        sys.stderr.write(f"\nedgectl-node: {after}\n")
        return int(Exit.INTERRUPTED)


def _plain(line: str) -> str:
    """Return a line as it may go to a terminal: a server's own words are in some."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _taken(places: Places) -> tuple[object, ...]:
    """Return what this node has taken, as far as it has not become that yet."""
    candidate = Slots(places).candidate
    return (candidate.folder.name if candidate else "", kept(places))


def _end(places: Places, verdict: dict[str, Any], sequence: int, payload: str) -> int:
    """Say how it ended."""
    if not verdict:
        sys.stderr.write("edgectl-node: that run ended without a verdict; run the same command again\n")
        return int(Exit.FAILED)
    slots = Slots(places)
    runs = slots.current or slots.candidate
    if runs is None:
        return int(Exit.FAILED)
    envelope = runs.envelope
    named = f"{envelope.store} is {str(verdict['word']).upper()}"
    why = f". {verdict['reason']}" if verdict.get("reason") else ""
    waits = kept(places)
    if waits is not None and waits.payload == payload:
        _say(f"{named}{why}")
        _say(f"  kept      {envelope.node} holds all of it, and takes it when its store's lead has decided for it")
        return int(Exit.PENDING)
    _say(f"{named}{why}{'' if why.endswith('.') else '.'} Sequence {verdict.get('sequence', sequence)}.")
    serves = int(verdict.get("serving", 0))
    if serves and serves != verdict.get("sequence"):
        _say(f"  runs now  sequence {serves}, as before")
    return int(verdict["exit"])


class _Screen:
    """Shows a run's events as they come, and keeps its verdict."""

    def __init__(self) -> None:
        self.verdict: dict[str, Any] = {}

    def send(self, op: str, /, **fields: Any) -> None:
        """Show one word of it."""
        item = fields.get("event", {}) if op == "event" else {}
        if item.get("kind") == event.STEP:
            _say(f"  {item.get('word', ''):<9} {item.get('title', ''):<22} {item.get('reason', '')}")
        elif item.get("kind") == event.NOTE:
            _note(str(item.get("reason", "")))
        elif item.get("kind") == event.VERDICT:
            self.verdict = {"reason": item.get("reason", ""), **item.get("data", {}), "word": item.get("word", "")}

    def send_all(self, op: str, frames: Iterable[dict[str, Any]]) -> None:
        """Show several words of one kind."""
        for fields in frames:
            self.send(op, **fields)


def _note(sentence: str) -> None:
    _say(f"  note      {sentence}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
