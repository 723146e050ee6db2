"""Pages for people: every command that stands in one is a command of this edgectl, with options that it has."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer._click.exceptions import UsageError
from typer.main import get_command

from edgectl.cli.main import app
from edgectl.node import main as node_main
from edgectl.wire.errors import Exit
from tools.code_pages import metrics

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINE = re.compile(r"^ {0,8}(?:[$#] )?(?:sudo )?(edgectl(?:-node)?) (?P<rest>\S.*)$")
_BEHIND = re.compile(r"\s{2,}[(#].*$|\s+#\s.*$|\s*&&.*$|\s+[|>]\s.*$|\s+2>.*$|\s{3,}.*$")
_PLACEHOLDER = re.compile(r"\.\.\.|…|\[|[a-zA-Z]\|[a-zA-Z]")  # a usage line, which says what may stand there


def commands(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Return each command of a page's code: line, program, words."""
    is_code = False
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            is_code = not is_code
        found = _LINE.match(line)
        if found is None or not (is_code or line.startswith("    ")):
            continue
        rest, at = found["rest"], number
        while rest.endswith("\\") and at < len(lines):
            rest, at = rest[:-1] + lines[at].strip(), at + 1
        rest = _BEHIND.sub("", rest)
        if not _PLACEHOLDER.search(rest):
            yield number, found[1], shlex.split(rest)


def wrong(program: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what the program would say to these words; "" when it takes them."""
    if program == "edgectl-node":
        monkeypatch.setattr(os, "geteuid", lambda: 1)
        try:
            return "" if node_main.main(words) == Exit.USAGE else "it ran"
        except SystemExit as ended:
            return "" if not ended.code else f"exit {ended.code}"
    group: Any = get_command(app)
    context = group.make_context("edgectl", [], resilient_parsing=True)
    while hasattr(group, "resolve_command") and words and not words[0].startswith("-"):
        word, *words = words
        if (found := group.get_command(context, word)) is None:  # `edgectl models store-042` shows it
            found = group.get_command(context, "show")
        if found is None:
            return f"no such command: {word}"
        context, group = found.make_context(word, [], parent=context, resilient_parsing=True), found
    if "--help" in words:
        return ""
    context.resilient_parsing = False
    try:
        group.make_parser(context).parse_args(list(words))
    except UsageError as error:
        return error.message
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_is_one(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: whoever copies a line from a page gets no usage error."""
    said = [
        f"{page.name}:{line} {program} {shlex.join(words)}: {why}"
        for line, program, words in commands(page.read_text())
        if (why := wrong(program, words, monkeypatch))
    ]
    assert not said


def test_a_wrong_command_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above bites: an unknown command, option or argument, of both programs; and it finds commands at all."""
    text = (
        "\n```console\n$ edgectl deplyo a\n$ edgectl deploy a --nope\n# edgectl-node pause 2h\n"
        "$ edgectl deploy \\\n  a\n```\n"
    )
    said = [bool(wrong(program, words, monkeypatch)) for _, program, words in commands(text)]
    assert said == [True, True, True, False]
    assert sum(len(list(commands(page.read_text()))) for page in PAGES) > 200


def test_what_is_watched_is_on_the_page_of_metrics() -> None:
    """Law: alerts, dashboard and scrape rules speak of metrics that some code declares, and all of those are listed."""
    declared = {one.name for one in metrics(ROOT / "edgectl")}
    texts = "".join(path.read_text() for path in (ROOT / "templates/observability").iterdir())
    used = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\b(?:edgectl|vision)_[a-z0-9_]+", texts)}
    assert used, "nothing is watched"
    assert used <= declared, used - declared
