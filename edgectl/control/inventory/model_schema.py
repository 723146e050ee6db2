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

    agreement: Share = Field(default=0.9, description="Of both versions' answers, at least.")
    latency_ratio: Annotated[float, Field(gt=0)] = Field(
        default=2.0, description="Of the new version's latency to the other's, at most."
    )
    error_rate: Share = Field(default=0.01, description="At most.")
    drift: Annotated[float, Field(ge=0)] = Field(default=0.25, description="At most.")


class Rollout(Section):
    """How a version stands beside the one that runs before it takes over: docs/models.md."""

    steps: Annotated[list[Percent], Field(min_length=1, max_length=20)] = Field(
        default=[5, 25, 50], description="A canary's share of the requests in percent, rising."
    )
    soak: Length = Field(
        default="10m", description="How long each step lasts, and a shadow or blue-green altogether: 30s, 10m, 2h."
    )
    thresholds: Thresholds = Thresholds()
    min_frames: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=50, description="How many frames the new version must have answered before it is judged."
    )
    promote: Literal["auto", "by-hand"] | None = Field(
        default=None,
        description="Who lets it take over once it has passed. auto if not given; for a shadow, by-hand.",
    )
    give_up: Length = Field(default="24h", description="What is not judged by then has failed.")


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
