"""How versions of a model come to run, from the inventory's words to the payload's. Owns what is not said."""

from __future__ import annotations

from edgectl.control.inventory.model_schema import Model, Rollout
from edgectl.wire import rollout as wire
from edgectl.wire.length import seconds


def rollout_of(model: Model) -> wire.Rollout | None:
    """Return how a model's versions stand beside each other; None where they switch at once."""
    if model.strategy is None or model.strategy == wire.RECREATE:
        return None
    said = model.rollout or Rollout()
    return wire.Rollout(
        model.strategy,
        tuple(said.steps),
        seconds(said.soak),
        wire.Thresholds(**{name: float(value) for name, value in said.thresholds.model_dump().items()}),
        said.min_frames,
        said.promote or (wire.BY_HAND if model.strategy == wire.SHADOW else wire.AUTO),
        seconds(said.give_up),
    )
