"""Write the docs that are made from code: the commands, the runbook, and the inventory's JSON Schema.

    python tools/make_docs.py            write them
    python tools/make_docs.py --check    exit 1 when one of them is not what the code says

docs/contract.md is written by `nox -s contract -- --write-page`, since its rows have to be tried.
"""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


_KEYS_HEAD = """# Keys of the inventory

Written by `nox -s docs` from the models themselves; a test holds both together. How layers lie over each other, and
what a store needs: [inventory.md](inventory.md). Sizes are numbers of bytes, or texts like `8GiB`.
"""


def pages() -> dict[Path, str]:
    """Return every generated page with its text."""
    from edgectl.control.inventory.json_schema import json_schema
    from tools.code_pages import events_page, metrics_page

    return {
        ROOT / "docs" / "runbook.md": runbook_page(),
        ROOT / "docs" / "commands.md": commands_page(),
        ROOT / "docs" / "keys.md": keys_page(),
        ROOT / "docs" / "metrics.md": metrics_page(ROOT / "edgectl"),
        ROOT / "docs" / "events.md": events_page(ROOT / "edgectl" / "wire" / "event.py"),
        ROOT / "stores" / "inventory.schema.json": json_schema(),
        **schemas_of_documents(),
    }


def schemas_of_documents() -> dict[Path, str]:
    """Return docs/schemas: what `-o json` prints."""
    from edgectl.report.schemas import file_of, schemas

    return {
        ROOT / "docs" / "schemas" / file_of(name): json.dumps(schema, indent=2) + "\n"
        for name, schema in schemas().items()
    }


def published(path: Path, text: str) -> list[str]:
    """Return what a published schema's readers would miss; nothing for any other page."""
    from edgectl.report.schemas import broken

    if path.parent.name != "schemas" or not path.is_file():
        return []
    return list(broken(json.loads(path.read_text()), json.loads(text)))


def runbook_page() -> str:
    """Return docs/runbook.md."""
    from edgectl.wire import runbook

    said = [
        "# Runbook\n",
        "Written by `nox -s docs` from `edgectl/wire/runbook.txt`, which travels with the engine; a test holds it and",
        "the code together. At the rack, without a network: `edgectl-node doctor --explain CODE`; at a desk:",
        "`edgectl doctor --explain CODE`. CODE is also a step's id, an error's class, or `exit-5`.\n",
        "| code | what | also |",
        "|---|---|---|",
    ]
    said += [
        f"| [{page.code}](#{page.code.lower()}) | {page.title} | {', '.join(f'`{name}`' for name in page.names)} |"
        for page in runbook.pages()
    ]
    for page in runbook.pages():
        said.append(f"\n## {page.code}\n\n**{page.title}**\n")
        said += [f"- *{name}* {getattr(page, name)}" for name in runbook.FIELDS]
    return "\n".join(said) + "\n"


def commands_page() -> str:
    """Return docs/commands.md: the help of every command, in the order of `edgectl --help`."""
    parts = [_HEAD]
    for path, help_text in helps():
        parts.append(f"\n{'#' * min(len(path) + 1, 3)} {' '.join(path)}\n\n```text\n{help_text}\n```\n")
    return "".join(parts)


def keys_page() -> str:
    """Return docs/keys.md: every key of the inventory with its type, meaning and default, from the models."""
    from edgectl.control.inventory import schema

    parts = [_KEYS_HEAD]
    seen: list[Any] = []
    waiting: list[tuple[str, Any]] = [("the file", schema.Inventory)]
    while waiting:
        name, model = waiting.pop(0)
        if model in seen:
            continue
        seen.append(model)
        doc = (model.__doc__ or "").strip().splitlines()[0]
        parts.append(f"\n## {name}\n\n{doc}\n\n| key | type | meaning | when not given |\n|---|---|---|---|\n")
        inherited = {key for base in model.__bases__ for key in getattr(base, "model_fields", {})}
        if inherited:
            bases = ", ".join(f"[{base.__name__.lower()}](#{base.__name__.lower()})" for base in model.__bases__)
            parts.append(f"| all of {bases} | | | |\n")
            waiting += [(base.__name__.lower(), base) for base in model.__bases__]
        for key, field in model.model_fields.items():
            if key in inherited:
                continue
            kind, inside = _kind(field.annotation)
            waiting += [(found.__name__.lower(), found) for found in inside]
            default = "needed" if field.is_required() else _default(field.get_default(call_default_factory=True))
            meaning = field.description or (inside[0].__doc__ if inside else "") or ""
            row = [f"`{field.alias or key}`", kind, meaning.strip().splitlines()[0] if meaning else "", default]
            parts.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n")
    return "".join(parts)


def _kind(annotation: Any) -> tuple[str, list[Any]]:
    """Return a type in words, with links, and the models in it."""
    from pydantic import BaseModel

    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is type(None):
        return "", []
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        name = annotation.__name__.lower()
        return f"[{name}](#{name})", [annotation]
    if origin is typing.Literal:
        return " or ".join(str(found) for found in arguments), []
    if origin is typing.Annotated:
        return _kind(arguments[0])
    if origin in (typing.Union, types.UnionType):
        found = [_kind(argument) for argument in arguments if argument is not type(None)]
        return " or ".join(dict.fromkeys(kind for kind, _ in found)), [model for _, models in found for model in models]
    if origin is list:
        kind, inside = _kind(arguments[0])
        return f"list of {kind}", inside
    if origin is dict:
        kind, inside = _kind(arguments[1])
        return f"map of names to {kind}", inside
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}.get(annotation, "anything"), []


def _default(value: Any) -> str:
    if value in (None, [], {}, ""):
        return ""
    return str(value).lower() if isinstance(value, bool) else f"{value}"


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
        if breaks := published(path, text):
            more = "raise FORMAT in edgectl/report/schemas.py and cli/result.py: the published file stays as it is"
            sys.stderr.write("".join(f"{place}: {one}\n" for one in breaks) + f"  {more}\n")
            return 1
        if "--check" in argv:
            sys.stderr.write(f"{place} is not what the code says; run `nox -s docs`\n")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            sys.stderr.write(f"wrote {place}\n")
    return 1 if stale and "--check" in argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
