"""Which texts and numbers of an inventory can reach their place unchanged; the others are refused where they stand.

Owns the sentences. Measured with Helm 4.3.1 (tests/e2e/test_exact.py) and told by YAML 1.1's rules, which Helm, k3s and
Kubernetes read by. Must not know keys of the inventory.
"""

from __future__ import annotations

import math
import re

from edgectl.control.blockyaml import quoted

# what a reader on the way refuses, loses or takes for a line break, each with what becomes of it
_LOST = (
    (re.compile("\0"), "no program argument, variable or path can hold it"),
    (re.compile("[\ud800-\udfff]"), "it is half a character"),
    (re.compile("[\x7f-\x84\x86-\x9f]"), "Helm's toYaml turns a text with it into nothing"),
    (re.compile("[\ufffe\uffff]"), "Helm's toYaml turns a text with it into nothing"),
    (re.compile("\x85"), "Helm's toYaml turns it into a space"),
    (re.compile("[\u2028\u2029]"), "Helm's toYaml takes it for a line break"),
)
_KEY_LENGTH = 1000  # as JSON; YAML readers look for the ":" in 1,024 characters
_WHOLE = 1 << 53  # above it a float, which Helm makes of every number, steps over integers
_BREAK = re.compile("[\0-\x08\x0a-\x1f]")


def refused(text: str) -> str:
    """Return why a text cannot reach its place unchanged, as a sentence without subject; "" when it can."""
    if text.isascii() and text.isprintable():
        return ""
    for pattern, why in _LOST:
        if found := pattern.search(text):
            return f"character U+{ord(found[0]):04X} at position {found.start() + 1} cannot be carried: {why}"
    return ""


def refused_key(key: str) -> str:
    """Return why a text cannot be a key of a free map (chart values, k3s config); "" when it can."""
    if why := refused(key):
        return why
    if key == "<<":
        return "it is YAML's merge key, also in quotes, to Helm's toYaml"
    if len(key) > _KEY_LENGTH // 6 and len(quoted(key)) > _KEY_LENGTH:
        return f"a key of {len(key)} characters is too long: YAML readers take {_KEY_LENGTH} at most"
    return ""


def refused_number(number: float) -> str:
    """Return why a number cannot reach its place unchanged; "" when it can."""
    if isinstance(number, int):
        return f"Helm does not keep all digits of {number}; put it in quotes" if abs(number) > _WHOLE else ""
    return "" if math.isfinite(number) else f"{number} is no number of JSON; put it in quotes if a text is meant"


def refused_line(text: str) -> str:
    """Return why a text cannot be one line of a file of lines (sysctl.d), a path or a name; "" when it can."""
    if why := refused(text):
        return why
    if found := _BREAK.search(text):
        return f"character U+{ord(found[0]):04X} at position {found.start() + 1} has no place in a single line"
    if text != text.strip():
        return "blanks at its ends are lost"
    return "" if text else "it is empty"
