"""`edgectl init`: a commented starter inventory, with the schema for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import Format, Output, Verbose
from edgectl.cli.result import show

_EPILOG = """\b
Examples:
  edgectl init              (stores/inventory.yaml here)
  edgectl init ~/stores     (another folder)"""

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Project folder; the files go to DIR/stores.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init", epilog=_EPILOG)(init)


def init(folder: Folder = Path(), output: Output = Format.TEXT, verbose: Verbose = False) -> int:
    """Write a commented starter inventory. Files that are there stay as they are."""
    from edgectl.control.assets import templates
    from edgectl.control.inventory.json_schema import FILE_NAME, json_schema

    inventory = folder / "stores" / "inventory.yaml"
    starter = templates() / "inventory.yaml"
    if verbose:
        typer.echo(f"  from      {starter}", err=True)
    texts = {inventory: starter.read_text(encoding="utf-8"), inventory.with_name(FILE_NAME): json_schema()}
    written = {str(path): _write(path, text) for path, text in texts.items()}
    lines = [
        f"{'wrote' if done else 'kept '}  {path}{'' if done else '  (it was there already)'}"
        for path, done in written.items()
    ]
    lines.append(
        f"Next: name your store, its address and SSH host key in {inventory}; then `edgectl inventory check`, "
        "`edgectl bundle build`, `edgectl preflight store-042`."
    )
    return show(output, {"files": written}, "\n".join(lines))


def _write(path: Path, text: str) -> bool:
    """Write a new file; say whether it was new. InvalidInput where it cannot be written."""
    from edgectl.wire.errors import InvalidInput

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        if path.is_file():
            return False
        raise InvalidInput(f"{path.parent} is no folder, so no inventory can be written there") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}", hint="Name another folder.") from error
    return True
