"""Rollouts as they are told, and payloads that have none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.wire.document import canonical, digest_of, from_json, to_json
from edgectl.wire.payload import Model, Models, Payload, decode
from edgectl.wire.rollout import BY_HAND, CANARY, SHADOW, Progress, Rollout, RolloutLook, progress_of

LOOK = RolloutLook(CANARY, "1.4", "1.3", (5, 25, 50), "2026-11-27 17:52", 1190.0, 50)
JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=4), st.lists, max_leaves=4)


def test_a_payload_without_rollouts_has_the_name_that_it_had_before_they_were_known() -> None:
    """Law: a newer edgectl says "nothing new" to a store that runs an older one's payload.

    Seeded fault: the key is always there.
    """
    models = Models((Model("detector", "1.3", {}),), budget_bytes=5)
    assert canonical(models) == (
        b'{"budget_bytes":5,"current":[{"files":{},"name":"detector","variant":"","version":"1.3"}],"next":[],"sizes":{}}'
    )
    plain = Payload("store-042", "", (), (), {}, models=models)
    slow = replace(plain, models=replace(models, rollouts={"detector": Rollout(CANARY)}))
    assert b"rollouts" not in plain.encode()
    assert digest_of(slow.encode()) != plain.digest
    for one in (plain, slow):
        assert decode(one.encode()) == one
        assert from_json(Models, to_json(one.models)) == one.models


@given(JSON | st.dictionaries(st.sampled_from(["id", "word", "percent", "frames", "agreement", "reason"]), JSON))
def test_any_word_of_a_service_is_read_or_passed_over(said: Any) -> None:
    """Law: whatever it says, nothing is raised, and figures are finite numbers or none."""
    found = progress_of({"rollout": said})
    assert progress_of({}) is None
    if found is not None:
        assert isinstance(found.id, str)
        assert from_json(Progress, to_json(found)) == found
        assert "nan" not in str(found.agreement)


def test_a_word_of_a_service_is_one_printable_line_of_bounded_length() -> None:
    """Law: what it says goes to terminals and journals; a number that no number holds is not measured."""
    said = {
        "id": "a",
        "word": "run\x1b[2J" * 99,
        "reason": "x\n\x1b[31m" * 999,
        "frames": 10**400,
        "agreement": 10**400,
    }
    found = progress_of({"rollout": said})
    assert found is not None
    assert (found.frames, found.agreement) == (0, None)
    assert found.reason.isprintable()
    assert found.word.isprintable()
    assert len(found.word) + len(found.reason) <= 320


@pytest.mark.parametrize(
    ("look", "sentences"),
    [
        (LOOK, ("canary 1.4 beside 1.3, since 2026-11-27 17:52 UTC", "not heard of yet")),
        (
            replace(LOOK, who="anna", trouble="no pod"),
            ("canary 1.4 beside 1.3, since 2026-11-27 17:52 UTC, begun by anna", "not heard of yet: no pod"),
        ),
        (
            replace(LOOK, progress=Progress("a", "running", 25.0, 12, 0.971, 1.12), trouble="it does not answer"),
            (
                "canary 1.4 beside 1.3, since 2026-11-27 17:52 UTC",
                "running, 25 % (step 2 of 3), 12 of 50 frames, agreement 0.97, latency 1.1 x, 20 min to go",
                "not heard now: it does not answer",
            ),
        ),
        (
            replace(LOOK, left_seconds=0.0, progress=Progress("a", "loading", 0.0, 0, 1.0, 1.0)),
            ("canary 1.4 beside 1.3, since 2026-11-27 17:52 UTC", "loading, 0 of 50 frames, about to be judged"),
        ),
        (
            replace(LOOK, strategy=SHADOW, promote=BY_HAND, progress=Progress("a", "passed", 0.0, 99)),
            (
                "shadow 1.4 beside 1.3, since 2026-11-27 17:52 UTC",
                "passed, 99 frames, edgectl models promote lets it take over",
            ),
        ),
        (
            replace(LOOK, left_seconds=7199.0, progress=Progress("a", "running", 50.0, 1204)),
            (
                "canary 1.4 beside 1.3, since 2026-11-27 17:52 UTC",
                "running, 50 % (step 3 of 3), 1,204 frames, 2 h 0 min to go",
            ),
        ),
    ],
)
def test_how_it_stands_is_said(look: RolloutLook, sentences: tuple[str, ...]) -> None:
    """Law: what is not known is not said."""
    assert look.sentences() == sentences
