"""The committed schema is the one that the models give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgectl.control.inventory.json_schema import FILE_NAME, json_schema


def test_the_schema_file_is_generated() -> None:
    """Editors check against exactly what edgectl checks; `edgectl init` in a new folder writes the same text."""
    path = Path(__file__).parents[4] / "stores" / FILE_NAME
    assert path.read_text() == json_schema(), f"write {path} again from json_schema()"


def test_every_key_says_what_it_is_for() -> None:
    """Editors show it, and docs/keys.md is written from it.

    Seeded fault: a key without a description.
    """
    definitions = json.loads(json_schema())["$defs"]
    silent = [
        f"{name}.{key}"
        for name, model in definitions.items()
        for key, said in model.get("properties", {}).items()
        if not (said.get("description") or _points_to_a_map(said, definitions))
    ]
    assert silent == []


def _points_to_a_map(said: dict[str, Any], definitions: dict[str, Any]) -> bool:
    """Tell whether a key's meaning is that of the map that stands there."""
    text = json.dumps(said)
    return any(f'"#/$defs/{name}"' in text and model.get("description") for name, model in definitions.items())
