"""The runbook and the code hold each other: each code, step, error and exit has its page, no page is for nothing."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgectl
from edgectl.node import recipe
from edgectl.node.doctor.steps import ROWS, row_of
from edgectl.wire.errors import EdgectlError, Exit
from edgectl.wire.runbook import FIELDS, Page, page_of, pages, parse
from tests.laws.test_recipe import PAYLOADS, order

HOUSE = Path(edgectl.__file__).parent
CODE = re.compile(r"\bE-[A-Z0-9]{3}-\d\d\b")
PACKED_BYTES = 15_000


def spoken() -> set[str]:
    """Return every code that the sources speak of."""
    return {code for path in HOUSE.rglob("*.py") for code in CODE.findall(path.read_text())}


def steps() -> set[str]:
    """Return the id of every step and gate that any recipe can have: those of a full one, and all that are written."""
    written = set()
    for path in (HOUSE / "node").rglob("*.py"):
        text = path.read_text()
        written |= set(re.findall(r'^    id(?:: str)? = "([a-z0-9-]+)"', text, re.MULTILINE))
        written |= {f"{name}x" for name in re.findall(r'^        self\.id = f"([a-z0-9-]+-)\{', text, re.MULTILINE)}
    return written | {step.id for desired in PAYLOADS.values() for step in order(recipe, desired)}


def exceptions() -> Iterator[type[EdgectlError]]:
    """Yield every class of error that edgectl has, wherever it is written."""
    for path in HOUSE.rglob("*.py"):
        for name in re.findall(r"^class (\w+)\(", path.read_text(), re.MULTILINE):
            module = ".".join(("edgectl", *path.relative_to(HOUSE).with_suffix("").parts)).removesuffix(".__init__")
            if not re.search(rf"^class {name}\((?:{_KINDS})\)", path.read_text(), re.MULTILINE):
                continue
            yield getattr(importlib.import_module(module), name)


_KINDS = "EdgectlError|Bug|UsageError|InvalidInput|Unreachable|NotReady|StepFailed|Locked|Refused|LinkLost"


@pytest.mark.parametrize("code", sorted(spoken()))
def test_every_code_has_a_page(code: str) -> None:
    """A code that somebody reads out on the phone is found."""
    page = page_of(code)
    assert page is not None, code
    assert page.code == code


def test_every_page_is_spoken_of() -> None:
    """No page is for a code that nothing says, a step that is in no recipe, or an exit that there is not."""
    said = spoken()
    known = {*steps(), *(f"exit-{int(code)}" for code in Exit), *(kind.__name__ for kind in exceptions())}
    for page in pages():
        assert page.code in said or page.names, f"{page.code}: nothing says it"
        for name in page.names:
            fits = name in known or (name.endswith("-") and any(one.startswith(name) for one in known))
            assert fits, f"{page.code}: there is no {name}"


@pytest.mark.parametrize("step", sorted(steps()))
def test_every_step_has_a_page_and_a_row(step: str) -> None:
    """What a recipe can say is found by its id; the doctor says the same page of it."""
    page, row = page_of(step), row_of(step)
    assert page is not None, step
    assert row is not None, step
    assert row.code == page.code, f"{step}: {row.code} is said, {page.code} is found"


def test_every_row_is_of_a_step() -> None:
    """The doctor knows no step that there is not."""
    known = steps()
    for row in ROWS:
        assert row.step in known or any(one.startswith(row.step) for one in known), row.step


@pytest.mark.parametrize("code", list(Exit))
def test_every_exit_has_a_page(code: Exit) -> None:
    """Also those without a class."""
    assert page_of(f"exit-{int(code)}") is not None


@pytest.mark.parametrize("kind", sorted(exceptions(), key=str))
def test_every_error_has_a_page(kind: type[EdgectlError]) -> None:
    """By the name that JSON says (`error`)."""
    assert page_of(kind.__name__) is not None, f"{kind.__name__} ({inspect.getfile(kind)}) has no page"


def test_there_are_errors_to_be_found() -> None:
    """The search for classes finds those of both sides."""
    assert {"Bug", "LinkLost", "WrongHostKey", "RenderFailed", "Interrupted"} <= {
        kind.__name__ for kind in exceptions()
    }


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.code)
def test_a_page_says_all_four_in_short(page: Page) -> None:
    """What it means, how to see it, what to do, when to call; for a terminal of 80 columns, without Unicode."""
    assert CODE.fullmatch(page.code)
    assert page.title
    assert len(page.title) <= 60
    assert all(len(getattr(page, name)) > 3 for name in FIELDS)
    assert max(map(len, page.lines)) <= 80 or " " not in max(page.lines, key=len).strip()
    assert "\n".join(page.lines).isascii()


def test_codes_and_names_are_unique() -> None:
    """One code, one page."""
    names = [name.lower() for page in pages() for name in (page.code, *page.names)]
    assert len(names) == len(set(names))


def test_the_texts_travel_light() -> None:
    """They go to every node with the engine."""
    import lzma

    data = (HOUSE / "wire/runbook.txt").read_bytes()
    assert len(lzma.compress(data, preset=6)) <= PACKED_BYTES


@pytest.mark.parametrize(
    "bad",
    [
        "E-AAA-01\nmeans a\nsee b\ndo c\ncall d",
        "E-AAA-01 | t\nmeans a\nsee b\ndo c",
        "E | t\nmeans a\nsee \ndo c\ncall d",
    ],
)
def test_a_page_without_a_part_is_none(bad: str) -> None:
    """A seeded fault in the file is found when it is read."""
    with pytest.raises(ValueError, match="no page"):
        parse(bad)
