"""Documents as commands make them, for pages: a first deploy that goes well, and one that is turned down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_CASES = Path(__file__).parent / "cases" / "report"
DIGEST = "sha256:9f3c1d0a7be2446d8f1c5a3b9e7d20416c8f5b2a1d3e4f60718293a4b5c6d7e8"


def deploy(*, fails: bool = False) -> dict[str, Any]:
    """Return the document of a deploy, with what `--html` asks besides."""
    doc = json.loads((_CASES / f"{'rejected' if fails else 'deployed'}.json").read_text())
    assert isinstance(doc, dict)
    return doc


def link(name: str, word: str = "ready", reason: str = "", **more: Any) -> dict[str, Any]:
    """Return one link of a chain."""
    return {"name": name, "word": word, "reason": reason, "required": True, **more}
