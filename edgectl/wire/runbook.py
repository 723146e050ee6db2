"""The runbook: a page for every code, step, error and exit; it travels, so that it can be read at the rack offline.

Owns: the form of runbook.txt and how a page is shown. A page is a block of lines: `CODE[ NAME...] | title`, then
`means`, `see`, `do`, `call`, each one line. NAMEs are what else the page is found by: ids of steps, classes of errors.
"""

from __future__ import annotations

import functools
import textwrap
from dataclasses import dataclass
from pathlib import Path

FIELDS = ("means", "see", "do", "call")
_FILE = Path(__file__).with_name("runbook.txt")
_COLUMNS = 80


@dataclass(frozen=True, slots=True)
class Page:
    """What is to be known of one code."""

    code: str
    names: tuple[str, ...]
    title: str
    means: str
    see: str
    do: str
    call: str

    @property
    def lines(self) -> list[str]:
        """The page for a terminal."""
        also = f"  ({', '.join(self.names)})" if self.names else ""
        said = textwrap.wrap(f"{self.code}  {self.title}{also}", _COLUMNS, subsequent_indent="  ")
        for name in FIELDS:
            said += textwrap.wrap(
                getattr(self, name),
                _COLUMNS,
                initial_indent=f"  {name:<7}",
                subsequent_indent=" " * 9,
                break_on_hyphens=False,
            )
        return said


@functools.cache
def pages() -> tuple[Page, ...]:
    """Return all pages, in their order; ValueError where the file is not of its form."""
    blocks = _FILE.read_text(encoding="utf-8").split("\n\n")
    return tuple(parse(block) for block in blocks if block.strip() and not block.startswith("#"))


def parse(block: str) -> Page:
    """Read one page."""
    head, *rest = block.strip().splitlines()
    names, bar, title = head.partition(" | ")
    fields = dict(line.partition(" ")[::2] for line in rest)
    if not bar or tuple(fields) != FIELDS or not all(value.strip() for value in fields.values()):
        raise ValueError(f"no page of a runbook: {head}")
    code, *also = names.split()
    return Page(code, tuple(also), title.strip(), **{name: value.strip() for name, value in fields.items()})


def page_of(asked: str) -> Page | None:
    """Return the page of a code, of a step's id or its beginning (`workload-vision-stack`), or of an error's class."""
    wanted = asked.strip().lower()
    for page in pages():
        if wanted in {name.lower() for name in (page.code, *page.names)}:
            return page
    starts = [(name, page) for page in pages() for name in page.names if name.endswith("-") and wanted.startswith(name)]
    return max(starts, key=lambda found: len(found[0]))[1] if starts else None


def near(asked: str) -> tuple[str, ...]:
    """Return codes that look like one that there is not."""
    import difflib

    every = {name.lower(): name for page in pages() for name in (page.code, *page.names)}
    found = difflib.get_close_matches(asked.lower(), every, 3, 0.5)
    return tuple(every[name] for name in found) or tuple(page.code for page in pages()[:3])
