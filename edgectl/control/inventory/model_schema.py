"""What an inventory may say of models: which version runs, which one comes, and where their files lie.

Owns keys and types. Must not know what a registry needs of them (models.py).
"""

from __future__ import annotations

from pydantic import ConfigDict, Field

from edgectl.control.inventory.section import Line, Section


class NextModel(Section):
    """The version that will come, in the same variant."""

    model_config = ConfigDict(serialize_by_alias=True)

    version: Line = Field(description='In quotes: "1.10" is no number.')
    from_: Line = Field(alias="from", description="Its file, or a folder of files, from this file.")


class Model(Section):
    """Which version of a model the store runs."""

    model_config = ConfigDict(serialize_by_alias=True)

    version: Line | None = Field(default=None, description='In quotes: "1.10" is no number.')
    variant: Line | None = Field(default=None, description="One of those that the hardware profile offers.")
    from_: Line | None = Field(
        default=None,
        alias="from",
        description="Its file, or a folder of files, from this file: nodes keep it in their registry (docs/models.md). "
        "Without it, the version is only told to pods.",
    )
    next: NextModel | None = Field(default=None, description="What is brought to the nodes ahead, and used by nobody.")
