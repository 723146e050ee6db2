r"""Malformed inventories as data: tests/cases/inventory.

A `.yaml` case is the inventory itself, its first two comment lines included. In a `.case` file the inventory begins
below those two lines, `\xNN` is one byte of it, `\*N{TEXT}` is TEXT N times, and a `\` at the end of a line takes that
end away. In both, what is wrong stands below as `#> line:column  sentence`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).parent / "cases" / "inventory"
_LABELS = re.compile(r"# (.+)\n# rule: (.+) / construct: (.+)\n")
_ESCAPES = re.compile(rb"\\x([0-9a-f]{2})|\\\*([0-9]+)\{([^}]*)\}|\\\n")


@dataclass(frozen=True)
class Case:
    """One malformed inventory: what it shows, its own pair (rule, construct), its bytes, all its findings."""

    name: str
    sentence: str
    rule: str
    construct: str
    data: bytes
    expected: list[str]


def cases() -> list[Case]:
    """Return all cases, by name."""
    return [_case(path) for path in sorted(CASES.iterdir()) if path.suffix in {".yaml", ".case"}]


def _case(path: Path) -> Case:
    text, marks, below = path.read_text().partition("#> ")
    labels = _LABELS.match(text)
    if labels is None:
        raise ValueError(f"{path.name} does not begin with a sentence and `# rule: ... / construct: ...`")
    data = unescaped(text[labels.end() :]) if path.suffix == ".case" else text.encode()
    return Case(path.stem, labels[1], labels[2], labels[3], data, (marks + below).replace("#> ", "").splitlines())


def unescaped(text: str) -> bytes:
    r"""Return the bytes of a `.case` file's inventory."""
    return _ESCAPES.sub(_escape, text.encode())


def _escape(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes([int(found[1], 16)])
    return _ESCAPES.sub(_escape, found[3]) * int(found[2]) if found[2] else b""
