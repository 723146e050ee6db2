"""What all maps of the inventory have in common.

Owns how strict they are, and what a name is. Must not know any key.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class Section(BaseModel):
    """A map of the inventory: unknown keys and wrong types are findings, nothing is converted.

    What checks one is built when it is first used: most commands need few of them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
