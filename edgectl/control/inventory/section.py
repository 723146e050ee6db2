"""What all maps of the inventory have in common.

Owns how strict they are, and what a name is. Must not know any key.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from edgectl.control.inventory.amounts import SIZE_PATTERN, size_bytes
from edgectl.control.inventory.text import refused_line
from edgectl.wire.length import seconds

_LENGTH = r"^[0-9]{1,6}(\.[0-9]+)?[smhd]$"  # as edgectl.wire.length reads it
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


def _line(text: str) -> str:
    if why := refused_line(text):
        raise ValueError(f"one line of text is needed: {why}")
    return text


def _word(text: str) -> str:
    _line(text)
    if text.startswith("-") or any(character.isspace() for character in text):
        raise ValueError(f'one word is needed, which does not begin with "-", not "{text}"')
    return text


def _title(text: str) -> str:
    return _line(text) if text else text


def _length(text: str) -> str:
    seconds(text)
    return text


def _size(value: object) -> object:
    return size_bytes(value) if isinstance(value, str) else value


Title = Annotated[str, AfterValidator(_title)]
Line = Annotated[str, AfterValidator(_line)]
Word = Annotated[str, AfterValidator(_word)]  # what stands among a program's arguments

Size = Annotated[
    int,
    Field(ge=0),
    BeforeValidator(_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": SIZE_PATTERN}]}),
]
Length = Annotated[str, AfterValidator(_length), WithJsonSchema({"type": "string", "pattern": _LENGTH})]


class Section(BaseModel):
    """A map of the inventory: unknown keys and wrong types are findings, nothing is converted.

    What checks one is built when it is first used: most commands need few of them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
