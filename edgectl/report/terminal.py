"""Progress on stderr, for people: 80 columns, with or without colour, Unicode or a terminal.

Owns: what is shown while a command runs. Results go to stdout elsewhere; nothing here decides anything.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.text import Text

from edgectl.control.deploy.caps import Caps, Forecast
from edgectl.control.deploy.transfer import Progress
from edgectl.control.payload.effects import Pause
from edgectl.report.bar import Bar
from edgectl.report.looked import sent_of
from edgectl.report.transfer import all_of, far, limit_of, pause_of, time_of
from edgectl.report.words import count, duration
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
_PASSING = frozenset({event.WAITING, event.CHANGING})
_TITLE_WIDTH = 20
_INDENT = " " * 12
_DIFFERENCES = 8
_EVERY_SECONDS = 10.0


class Terminal:
    """A listener that tells a person. Quiet about what is fine until something changes; then it says `head` first.

    `all_bytes` is what the store holds in all, to say how much of it need not be sent.
    """

    def __init__(
        self,
        *,
        head: str = "",
        verbose: bool = False,
        quiet: bool = False,
        all_bytes: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = Console(stderr=True, highlight=False, quiet=quiet, soft_wrap=True)
        # A terminal that can take back a line; FORCE_COLOR makes colour, not a terminal.
        self._live = self._console.file.isatty() and not self._console.is_dumb_terminal
        self._verbose = verbose
        self._telling = verbose
        self._head = head
        self._all_bytes = all_bytes
        self._bar: Bar | None = None
        self._sends = False
        self._spoke = clock()  # of the transfer, where lines stay
        self._clock = clock
        self._status: Status | None = None

    def connecting(self, node: str) -> None:
        """Show that the node is being reached; says nothing where lines cannot be taken back."""
        if self._live:
            self._spin(Text(f"  connecting to {node} ..."))

    def connected(self, hello: dict[str, Any]) -> None:
        """Stop showing that the node is being reached."""
        del hello
        self._still()

    def wanted(self, blobs: int, missing_bytes: int) -> None:
        """Say what will be sent."""
        self._spoke = self._clock()
        if blobs:
            self._tell(f"  send      {count(blobs, 'blob')}, {sent_of(missing_bytes, self._all_bytes)}")

    def foreseen(self, forecast: Forecast, pauses: Sequence[Pause]) -> None:
        """Say how long it will take, and what will not serve for a while."""
        if said := time_of(forecast):
            self._say("time", said)
        for pause in pauses:
            self._say("pauses", pause_of(pause))

    def limited(self, limit: float | None, caps: Caps) -> None:
        """Say how much may go from now on."""
        self._say("limit", limit_of(limit, caps))

    def sending(self, look: Callable[[], Progress]) -> None:
        """Show the transfer: as a line that moves, and where lines stay, as one line every ten seconds."""
        if self._live and self._bar is not None:
            self._bar.move()
        progress = look()
        has_begun, self._sends = self._sends, not progress.is_done
        if progress.is_done:
            if has_begun:
                self._tell(f"  sent      {all_of(progress)}")
        elif self._live and self._bar is None:
            self._still()
            self._bar = Bar(look, self._console)
        elif not self._live and self._clock() - self._spoke >= _EVERY_SECONDS:
            self._spoke = self._clock()
            self._tell(f"  sent      {far(progress)}")

    def started(self, run: str, sequence: int) -> None:
        """Say that the node has taken over."""
        if self._telling:
            self._tell(f"  run       {run}, sequence {sequence}; the node goes on by itself from here")

    def event(self, item: dict[str, Any]) -> None:
        """Show one event of the node."""
        kind = item.get("kind")
        if kind == event.NOTE:
            self.note(str(item.get("reason", "")))
        if kind != event.STEP:
            return
        word, said = str(item.get("word", "")), f"{item.get('title', ''):<{_TITLE_WIDTH}} {item.get('reason', '')}"
        if word in _PASSING and self._live:
            self._head_first()
            self._spin(self._line(word, _cut(said, self._console.width - len(_INDENT) - 2)))
        elif self._telling or word != event.OK:
            self._head_first()
            self._still()
            self._console.print(self._line(word, said))
            self._below(item, word)

    def note(self, sentence: str) -> None:
        """Pass on a sentence."""
        self._tell(f"  note      {sentence}")

    def restarting(self, node: str, reason: str) -> None:
        """Say it, and show that it is waited for."""
        self._say("restart", f"{node} restarts: {reason}")
        if self._live:
            self._spin(Text(f"  {node} restarts; the deploy goes on when it is back ..."))

    def restarted(self, node: str, seconds: float | None) -> None:
        """Say it."""
        self._say("", f"{node} is back" + ("" if seconds is None else f" after {duration(seconds)}"))

    def link_lost(self, why: str, attempt: int) -> None:
        """Say it once, then count."""
        if attempt == 1:
            self._tell(f"link lost at {time.strftime('%H:%M:%S')}. The store goes on by itself. Reconnecting ...")
            self._console.print(self._line("", why))
        elif self._live:
            self._spin(Text(f"  reconnecting ({attempt}) ..."))

    def link_back(self) -> None:
        """Say it."""
        self._tell(f"link back at {time.strftime('%H:%M:%S')}. Catching up ...")

    def close(self) -> None:
        """Leave the terminal clean."""
        self._still()

    def _tell(self, text: str) -> None:
        self._head_first()
        self._still()
        self._console.print(Text(text))

    def _say(self, word: str, said: str) -> None:
        self._head_first()
        self._still()
        self._console.print(self._line(word, said))

    def _head_first(self) -> None:
        self._telling = True
        if self._head:
            head, self._head = self._head, ""
            self._tell(head)

    def _line(self, word: str, said: str) -> Text:
        """Return `  word      sentence`; on a terminal, long sentences go on below themselves."""
        if self._live and len(said) + len(_INDENT) > self._console.width:
            width = max(self._console.width - len(_INDENT), 20)
            said = f"\n{_INDENT}".join(textwrap.wrap(said, width, drop_whitespace=False, break_on_hyphens=False))
        return Text("  ").append(f"{word:<10}", style=_STYLES.get(word, "")).append(said)

    def _below(self, item: dict[str, Any], word: str) -> None:
        for field, have, want in list(item.get("differences", ()))[:_DIFFERENCES]:
            self._console.print(Text(f"{_INDENT}{field}: {have} -> {want}", style="dim"))
        if word in {event.FAILED, event.UNKNOWN} and self._verbose:
            for evidence in item.get("evidence", ()):
                self._console.print(Text(f"{_INDENT}{evidence}", style="dim"))

    def _spin(self, line: Text) -> None:
        if self._bar is not None:
            self._still()
        if self._status is None:
            self._status = self._console.status(line, spinner="line")
            self._status.start()
        else:
            self._status.update(line)

    def _still(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _cut(text: str, width: int) -> str:
    """Keep what is taken back anyway on one line."""
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."
