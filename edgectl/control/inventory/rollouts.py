"""How versions of a model come to run, from the inventory's words to the payload's. Owns what is not said."""

from __future__ import annotations

from edgectl.control.inventory.model_schema import Model
from edgectl.wire import rollout as wire
from edgectl.wire.length import seconds


def rollout_of(model: Model) -> wire.Rollout | None:
    """Return how a model's versions stand beside each other; None where they switch at once."""
    if model.strategy is None or model.strategy == wire.RECREATE:
        return None
    said = model.rollout.model_dump(exclude_none=True) if model.rollout else {}
    promote = said.get("promote") or (wire.BY_HAND if model.strategy == wire.SHADOW else wire.AUTO)
    return wire.Rollout(
        model.strategy,
        tuple(said.get("steps", wire.STEPS)),
        seconds(said["soak"]) if "soak" in said else wire.SOAK_SECONDS,
        wire.Thresholds(**{name: float(value) for name, value in said.get("thresholds", {}).items()}),
        said.get("min_frames", wire.MIN_FRAMES),
        promote,
        seconds(said["give_up"]) if "give_up" in said else wire.GIVE_UP_SECONDS,
    )
