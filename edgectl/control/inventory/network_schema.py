"""What an inventory may say of a store's way out: how fast it is, and how much of that deploys may take.

Owns keys and types. Must not know what they mean for a transfer (control/deploy/caps.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from edgectl.control.inventory.amounts import RATE_PATTERN, rate_bytes
from edgectl.control.inventory.section import Section


def _rate(value: object) -> object:
    if not isinstance(value, str):  # 500 of what?
        raise ValueError(f"a rate is needed, in bits (500kbit, 2mbit) or bytes (250kB, 1MB) a second, not {value}")
    rate_bytes(value)
    return value


Rate = Annotated[str, BeforeValidator(_rate), WithJsonSchema({"type": "string", "pattern": RATE_PATTERN})]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Limit(Section):
    """The most that deploys may send to the store: always, or at hours of the store's own time."""

    limit: Rate = Field(description="In bits (500kbit, 2mbit) or bytes (250kB) a second.")
    days: list[Day] = Field(default=[], description="All days when not given.")
    start: ClockTime | None = Field(default=None, description='Like "08:00"; the whole day without it.')
    end: ClockTime | None = Field(default=None, description='Like "20:00"; before start: on the next day.')


class Network(Section):
    """The store's way out."""

    uplink_mbit: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Upward, in Mbit/s.")
    downlink_mbit: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Downward, in Mbit/s: `plan` says with it how long a deploy sends."
    )
    rtt_ms: Annotated[float, Field(ge=0)] | None = Field(default=None, description="Round trip in milliseconds.")
    limits: list[Limit] = Field(
        default=[], description="Most that deploys may send; of those that hold now, the smallest: docs/transfer.md."
    )
