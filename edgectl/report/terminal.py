"""Progress on stderr, for people: 80 columns, with or without colour, marks or a terminal.

Owns: what is shown while a command runs. Results go to stdout elsewhere; nothing here decides anything.
"""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn
from rich.status import Status
from rich.text import Text

from edgectl.report.words import count, size
from edgectl.wire import event

_STYLES = {
    event.OK: "green",
    event.CHANGED: "bold green",
    event.CHANGING: "cyan",
    event.WAITING: "yellow",
    event.DRIFTED: "yellow",
    event.FAILED: "bold red",
    event.UNKNOWN: "bold red",
    event.BLOCKED: "dim",
}
_TITLE_WIDTH = 20


class Terminal:
    """A listener that tells a person. Quiet about what is fine until something has changed."""

    def __init__(self, *, verbose: bool = False, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, quiet=quiet, soft_wrap=True)
        self._verbose = verbose
        self._telling = verbose
        self._progress: Progress | None = None
        self._task: Any = None
        self._status: Status | None = None

    def say(self, text: str) -> None:
        """Print one line."""
        self._still()
        self._console.print(Text(text))

    def connected(self, hello: dict[str, Any]) -> None:
        """Warn of a pause or a run in progress."""
        if hello.get("pause"):
            self.say(f"  note      this store is {hello['pause']}")

    def wanted(self, blobs: int, missing_bytes: int) -> None:
        """Say what will be sent."""
        if blobs:
            self._telling = True
            self.say(f"  send      {count(blobs, 'blob')}, {size(missing_bytes)}")

    def sending(self, sent_bytes: int, total_bytes: int) -> None:
        """Show the transfer."""
        if not self._console.is_terminal:
            if sent_bytes == total_bytes:
                self.say(f"  sent      {size(total_bytes)}")
            return
        if self._progress is None:
            columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
            self._progress = Progress("  sent     ", *columns, console=self._console, transient=False)
            self._progress.start()
            self._task = self._progress.add_task("sent", total=total_bytes)
        self._progress.update(self._task, completed=sent_bytes)
        if sent_bytes == total_bytes:
            self._still()

    def started(self, run: str, sequence: int) -> None:
        """Say that the node has taken over."""
        if self._telling:
            self.say(f"  run       {run}, sequence {sequence}; the node goes on by itself from here")

    def event(self, item: dict[str, Any]) -> None:
        """Show one event of the node."""
        kind = item.get("kind")
        if kind == event.NOTE:
            self._telling = True
            self.say(f"  note      {item.get('reason', '')}")
        if kind != event.STEP:
            return
        word = str(item.get("word", ""))
        self._telling = self._telling or word not in {event.OK, event.WAITING}
        line = Text("  ")
        line.append(f"{word:<10}", style=_STYLES.get(word, ""))
        line.append(f"{item.get('title', ''):<{_TITLE_WIDTH}} {item.get('reason', '')}")
        if word in {event.WAITING, event.CHANGING} and self._console.is_terminal:
            self._spin(line)
        elif self._telling or word == event.WAITING:
            self._still()
            self._console.print(line)
            for field, have, want in item.get("differences", ())[:8]:
                self._console.print(Text(f"            {field}: {have} -> {want}", style="dim"))
            if word in {event.FAILED, event.UNKNOWN} and self._verbose:
                for evidence in item.get("evidence", ()):
                    self._console.print(Text(f"            {evidence}", style="dim"))

    def note(self, sentence: str) -> None:
        """Pass on a sentence."""
        self.say(f"  note      {sentence}")

    def link_lost(self, why: str, attempt: int) -> None:
        """Say it once, then count."""
        now = time.strftime("%H:%M:%S")
        if attempt == 1:
            self.say(f"link lost at {now}: {why}. The store goes on by itself. Reconnecting ...")

    def link_back(self) -> None:
        """Say it."""
        self.say(f"link back at {time.strftime('%H:%M:%S')}. Catching up ...")

    def close(self) -> None:
        """Leave the terminal clean."""
        self._still()

    def _spin(self, line: Text) -> None:
        if self._status is None:
            self._still()
            self._status = self._console.status(line)
            self._status.start()
        else:
            self._status.update(line)

    def _still(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
