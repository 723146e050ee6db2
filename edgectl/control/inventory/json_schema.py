"""The JSON Schema that editors check an inventory with, generated from the models.

Owns its form and its file name. Must not know any key.
"""

from __future__ import annotations

import json

from edgectl.control.inventory.schema import Inventory

FILE_NAME = "inventory.schema.json"


def json_schema() -> str:
    """Return the text of the schema file."""
    schema = Inventory.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "edgectl inventory"
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
