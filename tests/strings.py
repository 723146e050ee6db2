"""The hostile texts of tests/cases/strings.json: those that must arrive unchanged, and those that must be refused.

Owns how the file spells them: {"text": "x", "times": 1048576} is a text repeated.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "cases" / "strings.json"


def _texts(doc: dict[str, Any]) -> dict[str, str]:
    return {name: text["text"] * text["times"] if isinstance(text, dict) else str(text) for name, text in doc.items()}


_DOCUMENT = json.loads(_FILE.read_text(encoding="ascii"))
CARRIED = _texts(_DOCUMENT["carried"])
REFUSED = _texts(_DOCUMENT["refused"])
SHORT = {name: text for name, text in CARRIED.items() if len(text) < 1 << 16}
