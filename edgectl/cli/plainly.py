"""What is said on the command line as texts, paths and words of a list, taken as it is.

Owns that a command does not import pydantic to read its own options; whatever is not plain is left to typer.
"""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Any

from typer._click import Command, Context

HELP = ["-h", "--help"]


def plainly(command: Command) -> Command:
    """Let a command read its plain options by itself."""
    own = command.get_help_option(Context(command, help_option_names=HELP))
    for param in (*command.params, *([own] if own else [])):
        kind: Any = getattr(getattr(param, "type_descriptor", None), "annotation", None)
        if not hasattr(param, "_runtime_param"):
            continue
        if kind == list[str] or (isinstance(kind, type) and issubclass(kind, bool | int | str | Path | Enum)):
            param._runtime_param = _Plain(kind)  # noqa: SLF001 - typer makes it when it is first used
    return command


class _Plain:
    """Stands in for typer's own reading of one option."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def coerce(self, value: Any, param: Any, ctx: Context) -> Any:
        """Return an option's value."""
        if value is None and param.nargs == 1 and not param.multiple:
            return None
        if self._kind == list[str] and not value and param.default is None:
            return None
        if self._kind in {str, int} and type(value) is self._kind:
            return value
        if self._kind is Path and (isinstance(value, Path) or (isinstance(value, str) and os.access(value, os.R_OK))):
            return Path(value)
        if isinstance(self._kind, type) and issubclass(self._kind, Enum) and isinstance(value, str):
            for one in self._kind:
                if one.value == value:
                    return one
        param._runtime_param = None  # noqa: SLF001 - typer makes its own
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)
