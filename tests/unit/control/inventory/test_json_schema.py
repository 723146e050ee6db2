"""The committed schema is the one that the models give."""

from __future__ import annotations

from pathlib import Path

from edgectl.control.inventory.json_schema import FILE_NAME, json_schema


def test_the_schema_file_is_generated() -> None:
    """Editors check against exactly what edgectl checks; `edgectl init` in a new folder writes the same text."""
    path = Path(__file__).parents[4] / "stores" / FILE_NAME
    assert path.read_text() == json_schema(), f"write {path} again from json_schema()"
