"""`edgectl inventory schema`: the JSON Schema that editors check an inventory with."""

from __future__ import annotations

import json

import typer

from edgectl.cli.options import Format, Output, Verbose

_EPILOG = """\b
Examples:
  edgectl inventory schema > stores/inventory.schema.json

The first line of an inventory tells the editor's YAML language server:
  # yaml-language-server: $schema=inventory.schema.json"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema", epilog=_EPILOG)(schema)


def schema(output: Output = Format.JSON, verbose: Verbose = False) -> int:
    """Print the JSON Schema of inventories, for editors."""
    del output, verbose  # a schema is JSON
    from edgectl.cli.result import tell
    from edgectl.control.inventory.json_schema import json_schema

    tell(json.dumps(json.loads(json_schema()), indent=2, ensure_ascii=False) + "\n")
    return 0
