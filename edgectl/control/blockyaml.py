"""The one form in which edgectl writes YAML: block style whose scalars are JSON's, so that every reader agrees on them.

A text stands bare only where it is a word that no YAML reader, old or new, takes for anything else; else it is a JSON
string, in which all that YAML readers refuse or take for a line break is escaped. Standard library only.
Must not know what a document means, nor read YAML (kubeyaml.py).
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*", re.ASCII).fullmatch
# YAML 1.1 reads these as booleans or null, in any case that some reader accepts
_TAKEN = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
_LONGEST_TAKEN = max(map(len, _TAKEN))
# not printable in YAML, or a line break there (yaml.org/spec/1.1, c-printable and b-char), or no character at all
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
# YAML looks for the ":" behind a key in 1,024 characters (simple keys); a longer one needs a "?" before it
_LONG_KEY = 1000


def dump(value: object, *, sort_keys: bool = True) -> str:
    """Return a JSON value as YAML text, one line a scalar however long it is.

    ValueError for what YAML and JSON do not both have: NaN, infinities, surrogates. TypeError for what is no JSON.
    """
    lines: list[str] = []
    _put("", value, "", lines, sorted if sort_keys else list)
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """Return a text as a JSON string that is a YAML string, too; ValueError when it holds half a surrogate pair."""
    written: str = encode_basestring(text)
    return written if written.isascii() and "\x7f" not in written else _ESCAPED.sub(_escape, written)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - the Unicode standard, 3.9 (D75)
        raise ValueError(f"half a surrogate pair (U+{code:04X}) is no character")
    return f"\\u{code:04x}"


def _put(head: str, value: object, pad: str, lines: list[str], order: Callable[[Any], list[Any]]) -> None:
    """Add `head` and the value behind it; lines below it begin with `pad`."""
    if isinstance(value, str):
        lines.append(f"{head} {_text(value)}" if head else _text(value))
    elif value and isinstance(value, (dict, list, tuple)):
        inner = f"{pad}  " if head else pad
        if head:
            lines.append(head)
        (_map if isinstance(value, dict) else _list)(value, inner, inner, lines, order)
    else:
        lines.append(f"{head} {_scalar(value)}" if head else _scalar(value))


def _map(doc: Any, first: str, pad: str, lines: list[str], order: Callable[[Any], list[Any]]) -> None:
    """Add a map; its first line begins with `first`, which ends with the dashes of the lists around it."""
    for key in order(doc):
        name = _key(key)
        if len(name) > _LONG_KEY:
            lines.append(f"{first}? {name}")
            _put(f"{pad}:", doc[key], pad, lines, order)
        else:
            _put(f"{first}{name}:", doc[key], pad, lines, order)
        first = pad


def _list(doc: Any, first: str, pad: str, lines: list[str], order: Callable[[Any], list[Any]]) -> None:
    inner = f"{pad}  "
    for item in doc:
        if isinstance(item, str):
            lines.append(f"{first}- {_text(item)}")
        elif item and isinstance(item, (dict, list, tuple)):
            (_map if isinstance(item, dict) else _list)(item, f"{first}- ", inner, lines, order)
        else:
            lines.append(f"{first}- {_scalar(item)}")
        first = pad


@functools.lru_cache(maxsize=4096)  # the same keys stand in every store's files
def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be a text, not {type(key).__name__}")
    return _text(key)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    raise TypeError(f"{type(value).__name__} is no value of JSON")


def _text(text: str) -> str:
    bare = _WORD(text) is not None and (len(text) > _LONGEST_TAKEN or text.lower() not in _TAKEN)
    return text if bare else quoted(text)


def _float(number: float) -> str:
    """Return a number that stays one: YAML 1.1 takes `1e+22`, without its point, for a text."""
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number of JSON")
    written = float.__repr__(number)
    digits, e, exponent = written.partition("e")
    return written if not e or "." in digits else f"{digits}.0e{exponent}"
