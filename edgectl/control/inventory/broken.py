"""What a YAML parser's complaint means to a person, and where: libyaml's words, and a text that it does not take.

Owns these sentences. Must not know what an inventory is.
"""

from __future__ import annotations

import re

import yaml

_UNFIT = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OPENED = {"flow mapping": ("{", "}"), "flow sequence": ("[", "]")}
_BREAKS = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")  # where YAML counts a line


def broken(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    """Return the line and the column (from 1) where a text is broken, and a sentence."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return _unreadable(error, text)
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return 1, 1, f"broken YAML: {error.problem or error}"
    lines = _BREAKS.split(text)
    line = lines[mark.line] if mark.line < len(lines) else ""
    here, before = line[mark.column : mark.column + 1], line[mark.column - 1 : mark.column] if mark.column else ""
    if here == "\t":
        return mark.line + 1, mark.column + 1, "a tab stands here: YAML is indented with spaces"
    if "\ufeff" in (here, before):
        sentence = "a byte order mark (U+FEFF) stands here, where two files were put together: take it away"
        return mark.line + 1, line.index("\ufeff") + 1, sentence
    begun = error.context_mark
    if "end of stream" in (error.problem or "") and "quoted scalar" in (error.context or "") and begun is not None:
        return begun.line + 1, begun.column + 1, "broken YAML: a quote begins here and never ends"
    return mark.line + 1, mark.column + 1, f"broken YAML: {_meaning(error, here)}"


def _meaning(error: yaml.MarkedYAMLError, here: str) -> str:
    problem, context = error.problem or "", error.context or ""
    line = error.context_mark.line + 1 if error.context_mark else 0
    for kind, (opened, closed) in _OPENED.items():
        if kind in context and "did not find expected ','" in problem:
            return f"{closed} or a comma is missing here, for the {opened} of line {line}"
    known = {
        "mapping values are not allowed": 'a ":" stands behind a text here: quote the text, '
        "or begin a line as deep as those above",
        "did not find expected key": f"no key begins here, as deep as those of the map that begins in line {line}",
        "did not find expected '-'": f"no - stands here, as in the rest of the list that begins in line {line}",
        "cannot start any token": f"no text begins with {here}: put it in quotes",
        "unknown escape character": "a \\ is doubled in double quotes, or stands in single quotes",
        "invalid Unicode character escape": "this escape is no character, or half of one",
        "incompatible YAML document": "%YAML names a version that is not 1.1 or 1.2: take the line away",
        "undefined tag handle": "this tag has a handle that nobody has declared: take it away",
        "expected comment or line break": "behind | or > stands nothing but a comment: put the text on the next line",
        "could not find expected ':'": "a key needs a colon behind it, in its own line",
        "end of stream": "the file ends here, in the middle of something",
    }
    for words, meaning in known.items():
        if words in problem:
            return meaning
    return " ".join(part for part in (f"{context} begun in line {line}," if line else context, problem) if part)


def _unreadable(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    """Say which character the reader does not take; its own position counts bytes."""
    found = _UNFIT.search(text)
    if found is None:
        return 1, 1, f"broken YAML: {getattr(error, 'reason', error)}"
    lines = _BREAKS.split(text[: found.start()])
    return (
        len(lines),
        len(lines[-1]) + 1,
        f"control character U+{ord(found[0]):04X} has no place in a text: take it away",
    )
