"""The page of an acceptance: the same surroundings and style as all pages, and its own rows.

Owns: what of a report is shown. Must not know files.
"""

from __future__ import annotations

from edgectl.control.accept.report import Report
from edgectl.control.accept.row import FAILED, NOT_ASKED, OK, STOOD_IN
from edgectl.report.accepted import lines
from edgectl.report.page.page import template

_KINDS = {OK: "ok", STOOD_IN: "waiting", NOT_ASKED: "blocked", FAILED: "failed"}


def page(made: Report) -> str:
    """Return it."""
    found, style = template("accept.html.j2")
    names = list(dict.fromkeys(row.part for row in made.rows))
    parts = [(name, [row for row in made.rows if row.part == name]) for name in names]
    kind, sign = ("failed", "✗") if made.exit else ("ok", "✓") if made.real else ("waiting", "!")
    text: str = found.render(made=made, parts=parts, kinds=_KINDS, kind=kind, sign=sign, style=style, lines=lines(made))
    return text
