"""Plain words of an inventory: what they are, and those that two YAML readers read differently.

Owns the list of YAML's traps. Must not know which keys mean something.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from edgectl.control.kubeyaml import Loader

_TRAPS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i:y|yes|on)"), "is true to YAML 1.1 and a text to YAML 1.2: write true, or"),
    (re.compile(r"(?i:n|no|off)"), "is false to YAML 1.1 and a text to YAML 1.2: write false, or"),
    (re.compile(r"[-+]?0[0-9_]*[0-9]"), "is octal to YAML 1.1 and decimal to YAML 1.2: write it without the 0, or"),
    (re.compile(r"[-+]?0o[0-7]+"), "is a number to YAML 1.2 and a text to YAML 1.1: write it in decimal, or"),
    (re.compile(r"[-+]?0b[01_]+"), "is a number to YAML 1.1 and a text to YAML 1.2: write it in decimal, or"),
    (
        re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+"),
        "is a number to some readers and a text to others: write it without the e, or",
    ),
    (
        re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        "is a number in base 60 to YAML 1.1 and a text to YAML 1.2:",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9]*_[0-9_]*(?:\.[0-9_]*)?"),
        "is a number to YAML 1.1 and a text to YAML 1.2: write it without _, or",
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?"),
        "is a date to YAML 1.1 and a text to YAML 1.2:",
    ),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), "is no number that JSON can carry: leave it out, or"),
    (re.compile(r"="), "is no text to YAML 1.1:"),
)
_ADVICE = re.compile(r" (?:write (?:true|false|it [a-z0 ]+|it without _)|leave it out), or put it in quotes,")
_FIRST = frozenset("yYnNoO-+0123456789.=")


class Scalars:
    """Reads plain scalars; each word is looked at once."""

    def __init__(self) -> None:
        self._loader = Loader("")
        self._known: dict[str, tuple[Any, str]] = {}

    def read(self, text: str) -> tuple[Any, str]:
        """Return the value of a plain scalar and "", or None and what is wrong with it."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._read(text)
        return found

    def key(self, text: str) -> str:
        """Return what is wrong with a plain key, or "": keys are texts; whole numbers as JSON writes them will do."""
        value, wrong = self.read(text)
        if wrong:
            return _ADVICE.sub(" put it in quotes,", wrong)
        if isinstance(value, str) or (isinstance(value, int) and str(value) == text):
            return ""
        return f'a key must be a text: put it in quotes, "{text}"'

    def _read(self, text: str) -> tuple[Any, str]:
        if text[:1] in _FIRST:
            for pattern, sentence in _TRAPS:
                if pattern.fullmatch(text):
                    return None, f'{text} {sentence} put it in quotes, "{text}"'
        tag = self._loader.resolve(yaml.ScalarNode, text, (True, False))
        if tag == "tag:yaml.org,2002:str":
            return text, ""
        try:
            value = self._loader.construct_object(yaml.ScalarNode(tag, text))
        except (yaml.YAMLError, ValueError) as error:
            return None, f"this value cannot be read: {error}"
        if isinstance(value, float) and not math.isfinite(value):
            return None, f"a number that begins with {text[:12]} is too big: put it in quotes"
        return value, ""
