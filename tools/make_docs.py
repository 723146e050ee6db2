"""Write the docs that are made from code: the commands, and the inventory's JSON Schema.

    python tools/make_docs.py            write them
    python tools/make_docs.py --check    exit 1 when one of them is not what the code says

docs/contract.md is written by `nox -s contract -- --write-page`, since its rows have to be tried.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from typer._click import Command, Context
from typer.core import TyperGroup
from typer.main import get_command

ROOT = Path(__file__).resolve().parents[1]
_COLUMNS = 80
_HEAD = """# Commands

Written by `nox -s docs` from the commands themselves; a test holds both together. Each text is what `--help` shows.
Exit codes: [errors.md](errors.md). Words: [words.md](words.md). The inventory: [inventory.md](inventory.md).

Shell completion, store names included: `edgectl --install-completion`. Without colour: `NO_COLOR=1`.
"""


def pages() -> dict[Path, str]:
    """Return every generated page with its text."""
    from edgectl.control.inventory.json_schema import json_schema

    return {
        ROOT / "docs" / "commands.md": commands_page(),
        ROOT / "stores" / "inventory.schema.json": json_schema(),
    }


def commands_page() -> str:
    """Return docs/commands.md: the help of every command, in the order of `edgectl --help`."""
    parts = [_HEAD]
    for path, help_text in helps():
        parts.append(f"\n{'#' * min(len(path) + 1, 3)} {' '.join(path)}\n\n```text\n{help_text}\n```\n")
    return "".join(parts)


def helps() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (words of the command, its help at 80 columns), groups before their commands."""
    from edgectl.cli.main import app

    yield from _below(get_command(app), ("edgectl",), None)


def _below(command: Command, path: tuple[str, ...], parent: Context | None) -> Iterator[tuple[tuple[str, ...], str]]:
    context = Context(
        command, info_name=path[-1], parent=parent, terminal_width=_COLUMNS - 2, **command.context_settings
    )
    lines = command.get_help(context).splitlines()
    yield path, "\n".join(line.rstrip() for line in lines)
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _below(below, (*path, name), context)


def main(argv: list[str]) -> int:
    """Write or check."""
    stale = [(path, text) for path, text in pages().items() if not path.is_file() or path.read_text() != text]
    for path, text in stale:
        place = path.relative_to(ROOT)
        if "--check" in argv:
            sys.stderr.write(f"{place} is not what the code says; run `nox -s docs`\n")
        else:
            path.write_text(text)
            sys.stderr.write(f"wrote {place}\n")
    return 1 if stale and "--check" in argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
