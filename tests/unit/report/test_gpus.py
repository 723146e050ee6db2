"""A store's GPUs by all of its nodes: the worst word counts, and who cannot be asked is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgectl.report.gpus import Answers, document, standing, verdict
from edgectl.wire.errors import EdgectlError, NotReady, Unreachable
from edgectl.wire.gpu import Card, GpuLook
from edgectl.wire.verdict import DEGRADED, NOT_READY, READY, UNKNOWN

CARDS = tuple(Card(index, f"GPU-{index}", word=READY, why="proven; held by no pod") for index in range(2))
FINE = GpuLook("node-1", "b", 2, 1, "nvidia.com/gpu", cards=CARDS, marker=True, word=READY, why="2 of 2 GPUs ready")
LESS = replace(FINE, word=DEGRADED, layer="smoke", why="1 of 2 GPUs ready, 1 required: GPU 1: not proven")
NONE = replace(FINE, word=NOT_READY, layer="driver", why="0 of 2 GPUs ready, 1 required: the driver is not loaded")
BLIND = replace(FINE, word=UNKNOWN, layer="listed", why="0 of 2 GPUs ready, 1 required: proven, but")
OFF = Unreachable("node-2 (root@10.77.0.12:22) did not answer within 15 s")
BARE = NotReady("nothing has been deployed to this node yet", hint="edgectl deploy STORE")


@pytest.mark.parametrize(
    ("answers", "word", "code", "reason"),
    [
        ({"node-1": FINE}, READY, 0, "2 of 2 GPUs ready in this boot"),
        ({"node-1": FINE, "node-2": FINE}, READY, 0, "4 of 4 GPUs ready in this boot"),
        ({"node-1": LESS}, DEGRADED, 9, "1 of 2 GPUs ready, 1 required: GPU 1: not proven"),
        ({"node-1": FINE, "node-2": LESS}, DEGRADED, 9, "node-2: 1 of 2"),
        ({"node-1": LESS, "node-2": NONE}, NOT_READY, 5, "node-2: 0 of 2"),
        ({"node-1": BLIND, "node-2": LESS}, UNKNOWN, 5, "node-1: 0 of 2"),
        ({"node-1": FINE, "node-2": OFF}, DEGRADED, 9, "node-2: node-2 (root@"),
        ({"node-1": FINE, "node-2": BARE}, NOT_READY, 5, "node-2: nothing has been deployed"),
    ],
)
def test_the_worst_word_counts(answers: Answers, word: str, code: int, reason: str) -> None:
    """Not ready before unknown before degraded; a node that is off may serve, one that has nothing does not."""
    came = verdict(answers)
    assert (came.word, came.exit) == (word, code)
    assert came.reason.startswith(reason)
    assert document("store-042", came, answers)["nodes"].keys() == answers.keys()
    said = standing("store-042", came, answers)
    assert said.startswith(f"store-042 is {word.upper()}: ")
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("error", [OFF, BARE])
def test_nobody_answers(error: EdgectlError) -> None:
    """Then what stands against it is the answer, with its own exit code."""
    with pytest.raises(type(error)):
        verdict({"node-1": error, "node-2": OFF})


def test_what_to_do_next() -> None:
    """By the layer of the worst node, with the way to it; an error's own hint; nothing where all is fine."""
    answers: Answers = {"node-1": FINE, "node-2": NONE}
    flat = " ".join(standing("store-042", verdict(answers), answers).split())
    assert flat.endswith("next see why the driver does not load: edgectl ssh store-042 --node node-2 -- dmesg")
    answers = {"node-1": FINE, "node-2": BARE}
    assert standing("store-042", verdict(answers), answers).endswith("  next      edgectl deploy STORE")
    answers = {"node-1": FINE}
    assert "  next" not in standing("store-042", verdict(answers), answers)
