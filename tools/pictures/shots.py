"""What is in docs/pictures: the one list, which the pages, the folder and the program that takes them are held to.

Owns: names and what is typed. Must not know how anything is recorded or which stores it is taken from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
COLUMNS, ROWS = 96, 30
MOST_BYTES = 300_000


@dataclass(frozen=True, slots=True)
class Recording:
    """What is typed in a terminal, with the exit code of each: NAME.cast with its true times, NAME.svg for a page.

    `says`: what makes it the right one, somewhere in it. `moves`: lines of the drawing appear as they did; else all
    stand there at once.
    """

    name: str
    title: str
    typed: tuple[tuple[str, int], ...]
    says: str = ""
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Screenshot:
    """A page of `--html` in a browser's window: NAME.png."""

    name: str
    page: str
    width: int
    dark: bool = False


PAGE, BROKEN_PAGE = "report.html", "report-broken.html"
DEMO = Recording(
    "demo",
    "a store, from bare to a frame that goes all the way",
    ((f"edgectl deploy store-042 --html {PAGE}", 0), ("edgectl chain store-042", 0), ("edgectl deploy store-042", 0)),
    says="Nothing to change",
    moves=True,
)
DOCTOR = Recording("doctor", "a card has fallen off the bus", (("edgectl doctor store-042", 5),), says="E-GPU-17")
TEN = Recording(
    "ten",
    "ten stores",
    (("edgectl plan --all", 0), ("edgectl deploy --all", 0), ("edgectl deploy --all", 0)),
    says="10 stores (store-...), 0 changed",
    moves=True,
)
MANY = Recording("many", "ten stores, three of them not well", (("edgectl status --all", 8),), says="UNREACHABLE 2")

RECORDINGS = (DEMO, DOCTOR, TEN, MANY)
SCREENSHOTS = (
    Screenshot("report", PAGE, 960),
    Screenshot("report-phone", PAGE, 360),
    Screenshot("report-broken", BROKEN_PAGE, 960, dark=True),
)


def files() -> Iterator[str]:
    """Yield the name of every file."""
    for recording in RECORDINGS:
        yield f"{recording.name}.cast"
        yield f"{recording.name}.svg"
    for shot in SCREENSHOTS:
        yield f"{shot.name}.png"
