"""The moving line of a transfer on a terminal. Owns its form; what it says is said in transfer.py."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task
from rich.table import Column
from rich.text import Text

from edgectl.control.deploy.transfer import Progress as Far
from edgectl.report.transfer import far

_WIDTH = 12


class _Said(ProgressColumn):
    """How far it is, looked at anew at each refresh: a line that stands still is seen standing still."""

    def __init__(self, look: Callable[[], Far]) -> None:
        super().__init__(table_column=Column(no_wrap=True, overflow="crop"))
        self._look = look

    def render(self, task: Task) -> Text:
        """Look and say."""
        del task
        return Text(far(self._look()))


class Bar:
    """Drawn by a thread of its own from `start` to `stop`; then it is gone."""

    def __init__(self, look: Callable[[], Far], console: Console) -> None:
        columns = ("  sent     ", BarColumn(bar_width=_WIDTH), _Said(look))
        self._look = look
        self._progress = Progress(*columns, console=console, transient=True, refresh_per_second=4)
        self._task = self._progress.add_task("sent", total=max(look().total_bytes, 1))
        self._progress.start()

    def move(self) -> None:
        """Bring it up to where the transfer is."""
        far_now = self._look()
        self._progress.update(self._task, completed=far_now.sent_bytes, total=max(far_now.total_bytes, 1))

    def stop(self) -> None:
        """Take it away."""
        self._progress.stop()
