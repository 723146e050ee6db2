"""The page itself: HTML that opens with no network, runs no program, and is written whole or not at all.

Owns: the template's surroundings, where escaping is on, and the file. Must not know what is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgectl.control.assets import templates
from edgectl.control.staging import staged
from edgectl.report.page.section import section, summary

if TYPE_CHECKING:
    from jinja2 import Template

Stores = Iterable[tuple[str, Mapping[str, Any]]]  # name, document of a command


def page(stores: Stores) -> str:
    """Return the page of some stores, a section each."""
    sections = [section(store, document) for store, document in stores]
    found, style = template("page.html.j2")
    several = summary(sections) if len(sections) > 1 else ""
    made: str = found.render(sections=sections, several=several, style=style)
    return made


@cache
def template(name: str) -> tuple[Template, str]:
    """Return a template of a page, and the style of all pages."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = templates() / "report"
    loader = FileSystemLoader(folder)
    surroundings = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return surroundings.get_template(name), (folder / "page.css").read_text()


def write(path: Path, stores: Stores) -> None:
    """Write the page of some stores; OSError when the disk does not take it, and what was there stays."""
    data = page(stores).encode("utf-8", "replace")
    with staged(path) as stream:
        stream.write(data)
