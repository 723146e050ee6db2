"""Rows of a terminal as one SVG that needs nothing else: no font of another machine's, no program. Pure.

What moves is moved by the drawing's own style sheet: a cover goes down over the rows, so that each appears at its time,
and those that the window has no room for push all up. It plays once and stays at its end; where nothing may move, or
can, that end is what is seen.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tools.pictures.screen import Row
from tools.pictures.shots import COLUMNS, ROWS

_CHAR = 12.2  # width of a letter in rich's drawings, and height of a row
_LINE = 24.4
_GROUND = "#1a1a1a"
_LONGEST_PAUSE = 0.7
_LAST_SECONDS = 1.0
_FORM = """\
<svg viewBox="0 0 WIDTH HEIGHT" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="LABEL">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
.{unique_id}-title {{ font: bold 17px sans-serif; fill: #9a9a9a; }}
{styles}
MOVES
</style>
<defs>
<clipPath id="{unique_id}-window"><rect width="{terminal_width}" height="INNER"/></clipPath>
</defs>
<rect x="1" y="1" width="OUTER" height="TALL" rx="8" fill="GROUND" stroke="#555"/>
<circle cx="24" cy="22" r="7" fill="#ff5f57"/><circle cx="46" cy="22" r="7" fill="#febc2e"/>
<circle cx="68" cy="22" r="7" fill="#28c840"/>
<text class="{unique_id}-title" x="MIDDLE" y="27" text-anchor="middle">LABEL</text>
<g transform="translate(9, 41)" clip-path="url(#{unique_id}-window)"><g class="{unique_id}-matrix">
{matrix}
COVER</g></g>
</svg>
"""


def draw(name: str, title: str, rows: Sequence[Row], *, moves: bool) -> str:
    """Return the SVG; without `moves` it is as high as its rows are many, with it no higher than the window."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor", highlight=False)
    for row in rows:
        text = Text("\N{NO-BREAK SPACE}") if not row.text.plain else row.text
        console.print(text, no_wrap=True, overflow="crop", crop=True)
    shown = min(len(rows), ROWS) if moves else len(rows)
    width, tall = COLUMNS * _CHAR + 18, shown * _LINE + 50
    numbers = {
        "WIDTH": f"{width + 2:.0f}",
        "HEIGHT": f"{tall + 2:.0f}",
        "OUTER": f"{width:.0f}",
        "TALL": f"{tall:.0f}",
        "INNER": f"{shown * _LINE:.0f}",
        "MIDDLE": f"{width / 2:.0f}",
        "LABEL": title,
        "GROUND": _GROUND,
        "COVER": f'<rect class="{name}-cover" width="{width:.0f}" height="{tall * 2:.0f}" fill="{_GROUND}"/>\n'
        if moves
        else "",
        "MOVES": "\n".join(_moves(name, rows, shown)) if moves else "",
    }
    form = _FORM
    for word, said in numbers.items():
        form = form.replace(word, said.replace("{", "{{").replace("}", "}}"))
    drawn = console.export_svg(title=title, code_format=form, unique_id=name, theme=MONOKAI)
    # A clip path for each row, and a text of nothing at its end, are rich's; here the window clips.
    return re.sub(rf' clip-path="url\(#{name}-line-\d+\)"', "", re.sub(r"<text [^>]*>\n</text>", "", drawn))


def _moves(name: str, rows: Sequence[Row], shown: int) -> Iterator[str]:
    times = list(_times(rows))
    whole = times[-1] + _LAST_SECONDS
    down = {at: number + 1 for number, at in enumerate(times)}  # of rows at one time the last
    up = {at: shown - number for at, number in down.items() if number > shown}
    ends = {"cover": len(rows), "matrix": min(shown - len(rows), 0)}
    for part, places in (("cover", down), ("matrix", up)):
        steps = (f"{at / whole:.3%} {{ {_moved(place)} }}" for at, place in places.items())
        yield f"@keyframes {name}-{part} {{ from {{ transform: none; }} {' '.join(steps)} }}"
        yield f".{name}-{part} {{ {_moved(ends[part])} }}"
    yield "@media (prefers-reduced-motion: no-preference) {"
    for part in ends:
        yield f".{name}-{part} {{ animation: {name}-{part} {whole:.2f}s step-end both; }}"
    yield "}"


def _moved(rows: int) -> str:
    return f"transform: translateY({rows * _LINE:.1f}px);"


def _times(rows: Sequence[Row]) -> Iterator[float]:
    """Yield when each row appears: never before the one above it, and no pause is longer than a reader's patience."""
    now, before = 0.0, rows[0].at if rows else 0.0
    for row in rows:
        now += min(max(row.at - before, 0.0), _LONGEST_PAUSE)
        before = max(before, row.at)
        yield now
