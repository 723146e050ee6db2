"""A CSV file as rows of cells that know their place.

Owns delimiters, quotes, byte order marks and what Excel does to them. Must not know what a column means.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.inventory.place import Finding, Place, invalid
from edgectl.wire.errors import InvalidInput

_DELIMITERS = (",", ";", "\t")
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text without blanks around it, and where it begins."""

    text: str
    place: Place


def rows(file: Path) -> list[list[Cell]]:
    """Return all rows that are not empty, the header first; InvalidInput when the file is no table."""
    text = _text(file)
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.lower().startswith("sep=") and len(first.rstrip("\r")) == len("sep=") + 1:  # a line that Excel writes
        delimiter, text, skipped = first[len("sep=")], rest, 1
    else:
        outside = "".join(first.split('"')[::2])
        delimiter = max(_DELIMITERS, key=outside.count)
    try:
        found = list(_rows(file, text, delimiter, skipped))
    except csv.Error as error:
        place = Place(str(file), skipped + 1, 1)
        raise _wrong(file, place, f"this is no CSV: {error}") from error
    if not found:
        raise InvalidInput(f"{file} is empty: its first row names the columns", docs="inventory")
    return found


def _rows(file: Path, text: str, delimiter: str, skipped: int) -> Iterator[list[Cell]]:
    lines = text.splitlines(keepends=True) if "\n" not in text else io.StringIO(text, newline="").readlines()
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begun = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            place = Place(str(file), skipped + begun + 1, 1)
            raise _wrong(file, place, f"this row is no CSV: {error}") from error
        raw = "".join(lines[begun : reader.line_num])
        places = _starts(raw, delimiter, str(file), skipped + begun + 1)
        begun = reader.line_num
        if any(cell.strip() for cell in row):
            yield [Cell(" ".join(cell.split()), place) for cell, place in zip(row, places, strict=False)]


def _starts(raw: str, delimiter: str, file: str, line: int) -> list[Place]:
    """Return where each cell of one row begins; a row has several lines where a quoted cell has."""
    column, quoted = 1, False
    found = [Place(file, line, 1)]
    for char in raw:
        column += 1
        if char == '"':
            quoted = not quoted  # a doubled quote turns it twice
        elif char == "\n":
            line, column = line + 1, 1
        elif char == delimiter and not quoted:
            found.append(Place(file, line, column))
    return found


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", docs="inventory") from error
    save = 'save it as "CSV UTF-8"'
    if mark := _MARKS.get(data[:2]):
        raise _wrong(file, Place(str(file), 1, 1), f"the file is {mark}: {save}")
    if data[:4] == b"PK\x03\x04":
        raise _wrong(file, Place(str(file), 1, 1), f"this is a workbook, not a CSV file: {save}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        place = Place(str(file), before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1)
        raise _wrong(file, place, f"byte 0x{data[error.start]:02x} is no UTF-8: {save}") from error


def _wrong(file: Path, place: Place, sentence: str) -> InvalidInput:
    error = invalid(file, [Finding(place, sentence, secret=True)])
    error.message = error.message.replace("nothing was sent", "nothing was written")
    return error
