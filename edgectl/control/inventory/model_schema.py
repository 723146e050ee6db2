"""What an inventory may say of models: which version runs, which one comes, and where their files lie.

Owns keys and types. Must not know what a registry needs of them (models.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from edgectl.control.inventory.section import Length, Line, Section

Percent = Annotated[int, Field(ge=1, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]


class NextModel(Section):
    """The version that will come, in the same variant."""

    model_config = ConfigDict(serialize_by_alias=True)

    version: Line = Field(description='In quotes: "1.10" is no number.')
    from_: Line = Field(alias="from", description="Its file, or a folder of files, from this file.")


class Thresholds(Section):
    """What a version is held against while it stands beside the one that runs."""

    agreement: Share | None = Field(default=None, description="Of both versions' answers, at least. 0.9 if not given.")
    latency_ratio: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Of the new version's latency to the other's, at most. 2 if not given."
    )
    error_rate: Share | None = Field(default=None, description="At most. 0.01 if not given.")
    drift: Annotated[float, Field(ge=0)] | None = Field(default=None, description="At most. 0.25 if not given.")


class Rollout(Section):
    """How a version stands beside the one that runs before it takes over: docs/models.md."""

    steps: Annotated[list[Percent], Field(min_length=1, max_length=20)] | None = Field(
        default=None, description="A canary's share of the requests in percent, rising. [5, 25, 50] if not given."
    )
    soak: Length | None = Field(
        default=None, description="How long each step lasts, and a shadow or blue-green altogether. 10m if not given."
    )
    thresholds: Thresholds | None = None
    min_frames: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="How many frames both must have answered before it is judged. 50 if not given."
    )
    promote: Literal["auto", "by-hand"] | None = Field(
        default=None,
        description="Who lets it take over once it has passed. auto if not given; for a shadow, by-hand.",
    )
    give_up: Length | None = Field(default=None, description="What is not judged by then has failed. 24h if not given.")


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
    strategy: Literal["recreate", "canary", "blue-green", "shadow"] | None = Field(
        default=None,
        description="How another version comes to run: at once (recreate, if not given), or beside the one that runs "
        "until it has proven itself.",
    )
    rollout: Rollout | None = None
