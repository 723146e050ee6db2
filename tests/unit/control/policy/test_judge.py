"""Verdicts: exceptions and their end, messages, what cannot be judged, and that nothing is remembered wrongly."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.control.policy import judge as judging
from edgectl.control.policy.excuse import selects
from edgectl.control.policy.judge import judge, judge_deploy
from tests.unit.control.policy.stores import DEPLOYMENT, changed, facts, judged, payload, policy

EXCEPTION = {"stores": "store-0*", "until": "2026-10-01", "why": "the vendor's image has no other tag"}
BAD = changed("spec.template.spec.containers.0.image", "a:latest")


def mine(check: str, message: str = "no", **more: Any) -> dict[str, Any]:
    """Return a policy with one rule of its own."""
    return {"rules": {"mine": {"over": "objects", "check": check, "message": message, **more}}}


@pytest.mark.parametrize(
    ("today", "excused", "ended"),
    [(date(2026, 9, 30), True, False), (date(2026, 10, 1), True, False), (date(2026, 10, 2), False, True)],
)
def test_an_exception_ends(today: date, *, excused: bool, ended: bool) -> None:
    """Law: an exception excuses through its last day, and is named itself afterwards. Seeded fault: the day after."""
    said = policy(rules={"images-pinned": {"exceptions": [EXCEPTION]}})
    (found,) = judge(said, facts(), payload(BAD), today)
    assert found.refuses is not excused
    assert found.excused_by == ("the vendor's image has no other tag (until 2026-10-01)" if excused else "")
    assert found.sentence.endswith("; the exception for store-0* ended on 2026-10-01") is ended


def test_another_store_is_not_excused() -> None:
    """Law: an exception is for the stores that it names, and of no interest elsewhere."""
    said = policy(rules={"images-pinned": {"exceptions": [EXCEPTION]}})
    (found,) = judge(said, facts("store-142"), payload(BAD), date(2026, 9, 1))
    assert (found.refuses, "exception" in found.sentence) == (True, False)


@pytest.mark.parametrize(
    ("selector", "means"),
    [("store-042", True), ("a, store-04?", True), ("group:ber*", True), ("group:store-042", False), ("store", False)],
)
def test_selectors(selector: str, *, means: bool) -> None:
    """Law: names, patterns and groups; a name is no group. Seeded faults: the last two."""
    assert selects(selector, facts()) is means


def test_a_message_says_values_and_survives_a_broken_part() -> None:
    """Law: {...} is CEL; a part that fails hides nothing. Seeded fault: a key that is not there."""
    said = policy(
        **mine("false", "{object.kind} of {store.name}, {store.groups}, {object.none} {pod.gpus + 1} {1 < 2}")
    )
    (found,) = judged(said, DEPLOYMENT)
    assert found.sentence == "Deployment/inference: Deployment of store-042, berlin, ? 2 true"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (mine("object.none == 1"), 'there is no key "none" (ask has(...) before)'),
        (mine("object.spec"), "object.spec is {"),
        (mine("true", when="object.kind + 1 == 2"), "No matching overloads found"),
        (mine("images.map(i, i.ref).size() / 0 > 1"), "divide by zero"),
        (mine("object.kind =="), "Syntax error"),
        (mine("false", over="payload", when="store.none"), 'there is no key "none"'),
        (mine("false", over="payload", when="payload."), "Syntax error"),
    ],
)
def test_what_cannot_be_judged_is_refused(rule: dict[str, Any], why: str) -> None:
    """Law: could not look is never fine. Seeded faults: seven rules that end in an error."""
    (found,) = judged(policy(**rule), DEPLOYMENT)
    assert "this rule could not be judged: " in found.sentence
    assert why in found.sentence
    assert found.refuses
    assert found.where == ("policy", "rules", "mine", "check")  # where it is mended


def test_a_deploy_rule_that_fails_refuses_the_deploy() -> None:
    """Law: the same at a deploy. Seeded fault: hours that are none."""
    said = policy(**mine("now.within('noon')", over="deploy"))
    (found,) = judge_deploy(said, facts(), {"user": "a", "host": "b", "key": ""}, datetime(2026, 1, 1, tzinfo=UTC))
    assert 'hours are needed, like "mon-fri 22:00-05:00 Europe/Berlin", not "noon"' in found.sentence


def test_only_the_asked_rules_are_judged() -> None:
    """Law: `only` names rules, and no other is looked at."""
    said = policy(**mine("false"))
    assert {found.rule for found in judge(said, facts(), payload(BAD), date(2026, 1, 1))} == {"mine", "images-pinned"}
    found = judge(said, facts(), payload(BAD), date(2026, 1, 1), only=frozenset({"mine"}))
    assert {one.rule for one in found} == {"mine"}


def test_objects_inside_a_list_are_judged() -> None:
    """Law: a List hides nothing."""
    (found,) = judged(policy(), {"apiVersion": "v1", "kind": "List", "items": [BAD]})
    assert found.about == "Deployment/inference"


_CHECKS = st.sampled_from(
    [
        "store.gpus > 1",
        "store.name == 'a'",
        "store['gpus'] > 1",
        "has(store.extra)",
        "store.exists(k, k == 'extra')",
        "[store].all(s, s.gpus > 1)",
        "[1].all(store, store > 0)",
        ".store.gpus > 1",
        "store . gpus > 1",
        "'x' in policy.registries",
        "release.name == 'vision-stack' && object.metadata.name == 'b'",
        "pod.gpus == 2 || images.size() == 1",
        "object.kind == 'Deployment' && object['metadata'].name == 'b'",
    ]
)


@given(
    st.lists(
        st.tuples(_CHECKS, st.sampled_from("ab"), st.integers(1, 2), st.booleans(), st.sampled_from("ab")),
        min_size=2,
        max_size=6,
    )
)
def test_what_is_remembered_changes_no_verdict(asked: list[tuple[str, str, int, bool, str]]) -> None:
    """Law: a verdict is that of a process which has judged nothing before, whatever was judged first."""

    def verdicts(*, forgetful: bool) -> list[tuple[str, ...]]:
        judging._verdicts.cache_clear()
        found = []
        for check, name, gpus, extra, title in asked:
            if forgetful:
                judging._verdicts.cache_clear()
            more = {"extra": 1} if extra else {}
            said = policy(registries=["x"] if extra else [], **mine(check, "{store.name} {object.metadata.name}"))
            objects = payload(changed("metadata.name", title))
            only = frozenset({"mine"})
            found.append(
                tuple(v.sentence for v in judge(said, facts(name, gpus=gpus, **more), objects, date.max, only=only))
            )
        return found

    assert verdicts(forgetful=False) == verdicts(forgetful=True)


def test_a_fleet_asks_once() -> None:
    """Law: stores with the same objects and the same facts that a rule sees share its verdict; others do not."""
    judging._verdicts.cache_clear()
    said, only = policy(**mine("store.gpus > 0")), frozenset({"mine"})
    for number in range(50):
        judge(said, facts(f"store-{number}", gpus=1 + number % 2), payload(DEPLOYMENT), date.max, only=only)
    assert judging._verdicts.cache_info().misses == 2
