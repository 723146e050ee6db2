"""What the service says of itself on its board: its own state, the model's, the candidate's and the provider's.

Owns: these sentences. Must not know how any of it comes about.
"""

from __future__ import annotations

from edgectl.stack.inference.model import CUDA
from edgectl.stack.inference.serve import Service
from edgectl.stack.inference.watch import Watch
from edgectl.stack.ops.board import OWN, Board
from edgectl.wire.chain import CONFIG, MODEL, RESOURCE

_CUDA = "CUDAExecutionProvider"


def say(board: Board, service: Service, watch: Watch, *, provider: str) -> None:
    """Write all of it."""
    stage, refused = service.stage, watch.refused
    current = stage.current
    if current is None or stage.unfit:
        board.not_ready(OWN, stage.unfit, stage.kind)
    else:
        board.ready(OWN, f"{current.name} {current.version} on {current.provider}")
    if refused is not None:
        rest = f"; {current.version} serves on" if current is not None else ""
        what = f"{refused.place.name} {refused.place.version} is refused: {refused.sentence}{rest}"
        board.degraded("model", what, MODEL)
    elif watch.amiss:
        board.degraded("model", watch.amiss, CONFIG)
    elif current is not None:
        board.ready("model", f"{current.name} {current.version}")
    _candidate(board, watch)
    if current is not None:
        if provider == CUDA and current.provider != _CUDA:
            board.degraded("provider", f"a GPU was asked for; the model runs on {current.provider}", RESOURCE)
        else:
            board.ready("provider", current.provider)
    board.fact("rollout", watch.trial.facts() if watch.trial is not None else None)
    board.fact("batching", service.facts())
    board.fact(
        "loaded",
        [
            {
                "role": role,
                "model": version.name,
                "version": version.version,
                "folder": version.place.folder,
                "tiers": ["full", "fast"] if version.tiers.fast is not None else ["full"],
                "golden": version.golden is not None,
                "bytes": version.size_bytes,
            }
            for role, version in watch.loaded
        ],
    )


def _candidate(board: Board, watch: Watch) -> None:
    trial = watch.trial
    if trial is None:
        board.drop("candidate")
    else:  # failed, too: it is asked nothing more, and what serves lacks nothing
        board.ready("candidate", f"{trial.plan.version}: {trial.plan.strategy}, {trial.word}: {trial.reason}")
