"""Takes secrets out of texts that leave their place: values that are known, and what looks like one. Pure.

Owns: the forms in which a value may stand in a log (plain, base64, JSON, URL), and the patterns.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

GONE = "[redacted]"
_ANYWHERE, _SHORTEST = 8, 3  # shorter values are taken out where they stand as a word, those of two letters never
_NAMES = r"pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?|authorization"
_KEY_BEGINS, _KEY_ENDS = "-----BEGIN [A-Z ]*PRIVATE KEY-----", "-----END [A-Z ]*PRIVATE KEY-----"
_BEGIN, _END = re.compile(_KEY_BEGINS), re.compile(_KEY_ENDS)
_PATTERNS = (
    (re.compile(rf"{_KEY_BEGINS}.*?(?:{_KEY_ENDS}|\Z)", re.DOTALL), GONE),
    (re.compile(r"\b(?:K10[0-9a-f]{64}::\S+|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"), GONE),
    (re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]{8,}"), rf"\1{GONE}"),
    (re.compile(r"(?i)(://[^\s:/@]*:)[^\s/@]+@"), rf"\1{GONE}@"),
    (
        re.compile(rf"(?i)((?:{_NAMES})[\w.-]{{0,40}}\\?[\"']?\s*[:=]\s*\\?[\"']?)(?!\[redacted)[^\s\"',;&\\}}]{{3,}}"),
        rf"\1{GONE}",
    ),
    (re.compile(r"(?i)(--[\w-]{0,40}(?:password|token|secret)[\w-]{0,40}\s+)\S+"), rf"\1{GONE}"),
    (re.compile(r"((?:client-key-data|client-certificate-data|certificate-authority-data):\s*)\S+"), rf"\1{GONE}"),
)


class Redaction:
    """Takes known values and what looks like one out of texts."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values for form in _forms(value)}
        anywhere = sorted((form for form in forms if len(form) >= _ANYWHERE), key=len, reverse=True)
        words = sorted((form for form in forms if _SHORTEST <= len(form) < _ANYWHERE), key=len, reverse=True)
        self._known = [re.compile("|".join(map(re.escape, anywhere)))] if anywhere else []
        if words:
            self._known.append(re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)"))

    def of(self, text: str) -> str:
        """Return a text without them."""
        for pattern in self._known:
            text = pattern.sub(GONE, text)
        text = _headless(text)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


def _headless(text: str) -> str:
    """Return a text without the rest of a private key that it begins with: a log's tail may have cut its first line."""
    end = _END.search(text)
    if end is None or _BEGIN.search(text, 0, end.start()):
        return text
    return GONE + text[end.end() :]


def _forms(value: str) -> Iterator[str]:
    text = value.strip()
    for one in {value, text, *(line.strip() for line in text.splitlines())}:
        if len(one) >= _SHORTEST:
            yield one
            yield json.dumps(one)[1:-1]
            yield quote(one, safe="")
    if text:
        for data in (value.encode(), text.encode()):
            packed = base64.b64encode(data).decode()
            yield packed
            yield packed.rstrip("=")
