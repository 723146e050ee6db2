"""What has happened in a store: Kubernetes' events and the verdicts of the engine's runs, as rows of one table.

Owns the rows, and where they are asked for. Must not know how they are shown.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from edgectl.control.deploy.answered import need
from edgectl.control.inside.asked import CONNECT_SECONDS, Asking, lines
from edgectl.control.inside.plain import plain
from edgectl.control.link.session import Session
from edgectl.wire.errors import EdgectlError, InvalidInput
from edgectl.wire.event import VERDICT
from edgectl.wire.frame import FrameError

_PAGE, _MOST_PAGES = 500, 40
_RUNS = 10  # whose verdicts are looked for
_WATCH_SECONDS = 10
_GONE = 410


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One thing that happened. `time` is RFC 3339, the node's clock; `word` is Kubernetes' type, or a verdict."""

    time: str
    source: str  # kubernetes, edgectl
    word: str
    about: str
    reason: str
    message: str
    count: int = 1


def event_row(item: dict[str, Any]) -> Row:
    """Read one of Kubernetes' events; nothing in it is trusted."""
    about, series = item.get("involvedObject") or {}, item.get("series") or {}
    when = (
        series.get("lastObservedTime")
        or item.get("lastTimestamp")
        or item.get("eventTime")
        or item.get("firstTimestamp")
        or (item.get("metadata") or {}).get("creationTimestamp")
    )
    place = [about.get("namespace"), str(about.get("kind", "")).lower(), about.get("name")]
    return Row(
        time=plain(str(when or ""))[:19] + "Z",
        source="kubernetes",
        word=plain(str(item.get("type", ""))),
        about=plain("/".join(str(part) for part in place if part)),
        reason=plain(str(item.get("reason", ""))),
        message=plain(" ".join(str(item.get("message", "")).split())),
        count=int(series.get("count") or item.get("count") or 1),
    )


def verdict_row(run: str, item: dict[str, Any]) -> Row:
    """Read the verdict of a run."""
    return Row(
        time=plain(str(item.get("time", "")))[:19] + "Z",
        source="edgectl",
        word=plain(str(item.get("word", ""))),
        about=plain(f"run {run}"),
        reason="",
        message=plain(str(item.get("reason", ""))),
    )


class Events:
    """The newest ones, and those that come. `since` is how far back, None for as far as there are."""

    def __init__(self, asking: Asking, *, most: int, since: float | None) -> None:
        self._asking = asking
        self._most = most
        self._since = since
        self._version = ""
        self._seen: set[str] = set()  # runs whose verdict was told

    def newest(self) -> list[Row]:
        """Return the newest, oldest first."""
        rows: list[Row] = []
        after, now = "", None
        for _ in range(_MOST_PAGES):
            response = self._asking.answer(
                self._asking.api.list_event_for_all_namespaces, limit=_PAGE, **({"_continue": after} if after else {})
            )
            now = now or _date(response.headers.get("Date"))
            found = json.loads(response.data)
            rows = heapq.nlargest(self._most, [*rows, *map(event_row, found.get("items") or ())])
            self._version = str(found["metadata"].get("resourceVersion", ""))
            after = str(found["metadata"].get("continue") or "")
            if not after:
                break
        rows += self._verdicts()
        if self._since is not None and now is not None:
            first = f"{now - timedelta(seconds=self._since):%Y-%m-%dT%H:%M:%SZ}"
            rows = [row for row in rows if row.time >= first]
        return sorted(heapq.nlargest(self._most, rows))

    def coming(self) -> Iterator[list[Row]]:
        """Yield what happens from now on, a few at a time, for ever; a link that was lost is waited for."""
        from urllib3.exceptions import HTTPError

        while True:
            rows: list[Row] = []
            try:
                response = self._asking.answer(
                    self._asking.api.list_event_for_all_namespaces,
                    watch=True,
                    resource_version=self._version,
                    allow_watch_bookmarks=True,
                    timeout_seconds=_WATCH_SECONDS,
                    _request_timeout=(CONNECT_SECONDS, 3.0 * _WATCH_SECONDS),
                )
                for line in lines(response):
                    if row := self._one(json.loads(line)):
                        yield [row]
            except InvalidInput:  # too old a version, said as an answer
                self.newest()
            except (HTTPError, OSError, ValueError):  # the link, in the middle of a line
                self._asking.there.wait(_WATCH_SECONDS)
                continue
            rows = self._verdicts()
            if rows:
                yield sorted(rows)

    def _one(self, said: dict[str, Any]) -> Row | None:
        item = said.get("object") or {}
        if said.get("type") == "ERROR":
            if item.get("code") == _GONE:
                self.newest()
            return None
        self._version = str((item.get("metadata") or {}).get("resourceVersion") or self._version)
        return event_row(item) if said.get("type") in {"ADDED", "MODIFIED"} else None

    def _verdicts(self) -> list[Row]:
        """Return the verdicts of the last runs that were not told yet; none while the link is away."""
        session = self._asking.there.session
        if session is None:
            return []
        try:
            return self._read(session)
        except (EdgectlError, FrameError):
            if session.is_alive():
                raise
            return []

    def _read(self, session: Session) -> list[Row]:
        session.frames.send("journal")
        frame = session.frames.receive()
        need(frame, "runs")
        rows = []
        for name in [str(one) for one in frame["runs"]][:_RUNS]:
            run = name.removesuffix(".jsonl").rpartition("-")[2]
            if run not in self._seen and (item := _verdict(session, run)):
                self._seen.add(run)
                rows.append(verdict_row(run, item))
        return rows


def _verdict(session: Session, run: str) -> dict[str, Any] | None:
    """Return the last line of a run; None while it runs."""
    session.frames.send("follow", run=run, offset=0, wait=False)
    found = None
    while True:
        frame = session.frames.receive()
        if frame["op"] == "event":
            found = frame["event"] if frame["event"].get("kind") == VERDICT else found
        elif frame["op"] in {"end", "lost"}:
            return found
        elif frame["op"] != "beat":
            need(frame, "event")


def _date(text: str | None) -> datetime | None:
    """Return the API's own clock: the operator's may be wrong."""
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
