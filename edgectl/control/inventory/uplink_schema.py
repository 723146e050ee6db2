"""What an inventory may say of a store's way up: where its nodes tell of themselves when they can.

Owns keys and types. Which addresses are refused is the wire's (wire/upward.py); what is told, the node's.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from edgectl.control.inventory.amounts import SIZE_PATTERN, size_bytes
from edgectl.control.inventory.section import Line, Section

_LEAST_BYTES = 1 << 20
_NAME_AND_KEY = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[-._a-zA-Z0-9]{1,253}"


def _size(value: object) -> object:
    return size_bytes(value) if isinstance(value, str) else value


Budget = Annotated[
    int,
    Field(ge=_LEAST_BYTES),
    BeforeValidator(_size),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": _LEAST_BYTES}, {"type": "string", "pattern": SIZE_PATTERN}]}
    ),
]


def _named(value: str) -> str:
    if not re.fullmatch(_NAME_AND_KEY, value):  # it may be the secret itself: no sentence shows it
        raise ValueError("the name of a secret and its key are needed, like upward/token")
    return value


SecretKey = Annotated[str, AfterValidator(_named), WithJsonSchema({"type": "string", "pattern": f"^{_NAME_AND_KEY}$"})]


class Uplink(Section):
    """Where nodes tell of themselves when they can: a beat, verdicts, journals (docs/upward.md)."""

    url: Line | None = Field(
        default=None, description="https://...; http:// only to an address of the store's own network."
    )
    secret: SecretKey | None = Field(
        default=None, description="NAME/KEY of the store's secrets: sent as a bearer token."
    )
    budget: Budget = Field(default=64 << 20, description="Most that waits on a node, in bytes or like 64MiB.")
