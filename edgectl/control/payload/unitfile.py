"""Unit files of systemd from their templates, compiled once a process.

Owns what a template's value may hold: words that mean themselves in a unit and in the shell lines of one, so that no
value ends its line, its quotes or its command. Must not know which units there are.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from edgectl.wire.errors import InvalidInput

# no quote, backslash, "%" (specifiers), "$", ";", "#", "&", "|", "<", ">", "(", "*": systemd.syntax(7), sh(1)
_WORDS = re.compile(r"[A-Za-z0-9_./:@,+=-]+(?: [A-Za-z0-9_./:@,+=-]+)*", re.ASCII)


@functools.lru_cache(maxsize=1024, typed=True)
def unit_text(folder: Path, name: str, **values: Hashable) -> str:
    """Return a template of the folder with its values; stores share nearly all of them.

    InvalidInput for a value that would not stand in a unit as it is; jinja2.UndefinedError for one that is missing.
    """
    return _environment(folder).get_template(name).render(**values)


def _plain(value: object) -> object:
    """Take what a template prints; Jinja calls this for every `{{ ... }}`."""
    if isinstance(value, StrictUndefined):
        return value  # its own error names it
    if not isinstance(value, str) or not _WORDS.fullmatch(value):
        raise InvalidInput(
            f"a unit of systemd cannot hold {value!r}",
            hint="Only letters, digits and _ . / : @ , + = - mean themselves there; choose another path or name.",
        )
    return value


@functools.cache
def _environment(folder: Path) -> SandboxedEnvironment:
    return SandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        finalize=_plain,
        auto_reload=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
