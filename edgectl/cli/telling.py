"""What is told of a command besides its result: a page of HTML where one was asked for, a trace where a collector is.

Owns: when. Where a page will lie is tried before a store is touched; both are made when the result is out, also of a
command that fails; and neither changes how it ended.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgectl.wire.errors import EdgectlError

if TYPE_CHECKING:
    from edgectl.control.deploy.listener import Listener
    from edgectl.control.deploy.offer import Offer
    from edgectl.control.deploy.recorded import Recorded
    from edgectl.control.fleet.ended import Ended
    from edgectl.control.link.session import Session

Html = Annotated[
    Path | None,
    typer.Option(
        "--html", metavar="FILE", help="Write a page for people, too: one file, no network needed (docs/report.md)."
    ),
]
Open = Callable[[], "Session"]


def place(html: Path | None) -> None:
    """Say now if no page can be written there."""
    if html is not None:
        from edgectl.control.staging import tried

        tried(html, "--html")


def paper(html: Path | None, stores: list[tuple[str, dict[str, Any]]]) -> None:
    """Write the page of some stores: each with its name and the document of a command."""
    if html is None:
        return
    from edgectl import __version__
    from edgectl.report.page.page import write

    try:
        write(html, [(name, {"made": time.time(), "edgectl": __version__, **document}) for name, document in stores])
    except OSError as error:
        sys.stderr.write(f"  note      {html} could not be written: {os.strerror(error.errno or 0)}\n")


def papers(html: Path | None) -> list[Callable[[str, Sequence[Ended]], None]]:
    """Return what writes the page of many stores when all have ended; nothing where no page is asked for."""

    def write(command: str, ended: Sequence[Ended]) -> None:
        paper(html, [(one.store, _one_of_many(command, one)) for one in ended])

    return [] if html is None else [write]


def _one_of_many(command: str, one: Ended) -> dict[str, Any]:
    error = {"error": _told(one.error)} if one.error is not None else {}
    said = {"command": f"edgectl {command} {one.store}", "sentence": one.reason, "events": list(one.events)}
    return {**(one.document or {}), **error, **said}


def besides(connect: Open) -> dict[str, Any]:
    """Ask a store's server what a page shows besides: its chain, its history. What it does not answer is said there."""
    from edgectl.control.deploy.look import ask

    found: dict[str, Any] = {}
    for question, key, at in (("chain", "chain", "look"), ("history", "slots", "slots")):
        try:
            found[key] = ask(connect, question)[at]
        except (EdgectlError, LookupError, TypeError) as error:
            found[f"{key}_error"] = getattr(error, "message", "") or "its answer cannot be read"
    return found


def newest_run(connect: Open) -> list[dict[str, Any]]:
    """Return the events of the newest run that a node has kept; none where it cannot be asked."""
    from edgectl.control.deploy.followed import journal

    try:
        return list(journal(connect, run=""))
    except (EdgectlError, LookupError, TypeError):
        return []


class Telling:
    """One deploy, as far as it is told besides."""

    def __init__(self, offer: Offer, listener: Listener, html: Path | None, connect: Open, head: str) -> None:
        from edgectl.control.deploy.trace import is_on

        self._offer = offer
        self._html = html
        self._connect = connect
        self._title = " ".join(head.partition("\n")[0].removeprefix(offer.store).split())
        self._traces = is_on()
        self._document: dict[str, Any] = {}
        self._record: Recorded | None = None
        self.listener = listener
        if html is not None or self._traces:
            from edgectl.control.deploy.recorded import Recorded

            self._record = Recorded(listener, offer.node)
            self.listener = self._record

    def opening(self, node: str, connect: Open) -> Open:
        """Return what opens a node's session."""
        return connect if self._record is None else self._record.opening(node, connect)

    def ended(self, document: dict[str, Any], sentence: str) -> None:
        """Take the deploy's result."""
        self._document = {**document, "sentence": sentence}

    def tell(self, error: BaseException | None) -> None:
        """Write the page and send the trace."""
        if (record := self._record) is None:
            return
        record.close()
        if self._html is not None:
            self._paper(record, self._html, error)
        if self._traces:
            self._trace(record, error)

    def _paper(self, record: Recorded, html: Path, error: BaseException | None) -> None:
        from dataclasses import asdict

        offer = self._offer
        document = {
            **self._document,
            "title": self._title,
            "command": f"edgectl deploy {offer.store}",
            "commit": offer.commit,
            "runtime": offer.runtime,
            "payload": offer.payload,
            "all_bytes": sum(offer.blobs.values()),
            "contents": [
                {"name": offer.names.get(digest, ""), "digest": digest, "bytes": size}
                for digest, size in sorted(offer.blobs.items(), key=lambda blob: -blob[1])
            ],
            "events": record.events,
            "phases": [asdict(phase) for phase in record.phases],
            "run_began": {node: record.run_began(node) for node in record.nodes},
        }
        if error is not None and not self._document:
            document["error"] = _told(error)
        if record.heard:  # it answers
            document |= besides(self._connect)
        paper(html, [(offer.store, document)])

    def _trace(self, record: Recorded, error: BaseException | None) -> None:
        from edgectl import __version__
        from edgectl.control.deploy.trace import Told, send

        offer, said = self._offer, self._document
        verdict = said.get("verdict") or {}
        facts = {
            "edgectl.store": offer.store,
            "edgectl.payload": offer.payload,
            "edgectl.commit": offer.commit,
            "edgectl.word": str(verdict.get("word", "")),
            **{
                f"edgectl.{name}": said[name]
                for name in ("sequence", "blob_bytes", "wire_bytes", "link_bytes", "sessions")
                if name in said
            },
        }
        bad = error is not None or int(verdict.get("exit", 0)) not in {0, 9}
        failed = str(_told(error)["message"] if error else verdict.get("reason", "")) or "failed"
        if why := send(record, Told(f"deploy {offer.store}", facts, failed if bad else ""), version=__version__):
            sys.stderr.write(f"  note      no trace of this deploy: {why}\n")


@contextmanager
def telling(offer: Offer, listener: Listener, html: Path | None, connect: Open, head: str) -> Iterator[Telling]:
    """Watch a deploy, and tell of it when the block ends, however it does."""
    told = Telling(offer, listener, html, connect, head)
    failed: BaseException | None = None
    try:
        yield told
    except BaseException as error:
        failed = error
        raise
    finally:
        told.tell(failed)


def _told(error: BaseException) -> dict[str, Any]:
    if isinstance(error, EdgectlError):
        from edgectl.report.advice import for_error

        return {**error.to_json(), "hint": for_error(error)}
    return {"message": f"edgectl has a bug: {type(error).__name__}", "hint": "report it"}
