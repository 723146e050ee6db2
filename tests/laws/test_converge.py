"""The engine's laws on a store that is a dict. Each finds its seeded fault: a mutant of the loop, or of a step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgectl.node.converge import loop as real
from edgectl.node.converge.protocol import Gate
from edgectl.wire.errors import Exit
from tests.laws.fake_store import (
    Believer,
    Blind,
    Facts,
    Fails,
    Killed,
    Liar,
    Put,
    Run,
    Runner,
    See,
    Sneak,
    Store,
    Surprise,
    mutant,
    recipe,
)

END: Facts = {
    "etc/files": "v1",
    "etc/config": "c1",
    "run/with": "c1",
    "run/program": "up",
    "run/starting": "yes",
    "var/app": "a1",
    "etc/beside": "b1",
}
Steps = tuple[Gate[Any], ...]


def converged(loop: Any) -> Store:
    """Return a store that was brought up from nothing."""
    store = Store()
    assert Runner(loop, store).converge(recipe()).exit == Exit.OK
    return store


def plan_writes_nothing(loop: Any, steps: Steps) -> None:
    """Whatever the state, a plan leaves every fact as it was."""
    for facts in ({}, {"etc/files": "v0"}, {**END, "var/app": "a0"}, END):
        store = Store(dict(facts))
        Runner(loop, store).plan(steps)
        assert (store.facts, store.writes) == (facts, [])


def a_second_converge_changes_nothing(loop: Any, steps: Steps) -> None:
    """0 applies, 0 writes."""
    store = converged(real)
    store.writes.clear()
    verdict = Runner(loop, store).converge(steps)
    assert (verdict.exit, verdict.changed, store.writes) == (Exit.OK, (), [])


def a_lying_apply_is_caught(loop: Any) -> None:
    """See through it with the probe after it: exit 6, and what needs it is blocked."""
    runner = Runner(loop, Store())
    verdict = runner.converge((Liar("liar", "etc/x", "1"), Put("after", "etc/y", "1", needs=("liar",))))
    assert verdict.exit == Exit.FAILED
    assert "still not as declared after it was applied" in verdict.reason
    assert ("after", "blocked") in runner.said
    assert "etc/y" not in runner.store.facts


def unknown_is_never_fine(loop: Any, blind: Gate[Any]) -> None:
    """Could not look: not ready, nothing applied for it, what needs it blocked, what does not need it goes on."""
    runner = Runner(loop, Store())
    needs_it, beside = Put("app", "var/app", "1", needs=("blind",)), Put("beside", "etc/beside", "1")
    verdict = runner.converge((blind, needs_it, beside))
    assert (verdict.word, verdict.exit) == ("unknown", Exit.NOT_READY)
    assert runner.store.facts == {"etc/beside": "1"}
    assert verdict.steps[0].evidence
    assert Runner(loop, Store()).plan((blind,)).word == "unknown"


def a_wait_ends_early_on_never(loop: Any) -> None:
    """Never is not waited for; not yet is, to its end and no longer."""
    store = Store({"a": "broken"})
    verdict = Runner(loop, store).converge((See("gate", "a", "yes"),))
    assert (verdict.exit, store.now) == (Exit.NOT_READY, 0.0)
    store = Store(coming=[(3.0, "a", "broken")])
    assert Runner(loop, store).converge((See("gate", "a", "yes"),)).exit == Exit.NOT_READY
    assert store.now == pytest.approx(3.0)


def a_wait_that_runs_out_is_no_pass(loop: Any) -> None:
    """Not yet becomes a no when its time is over, and says how long that was."""
    store = Store()
    verdict = Runner(loop, store).converge((See("gate", "a", "yes"),))
    assert (verdict.exit, store.now) == (Exit.NOT_READY, 20.0)
    assert "waited 20 s" in verdict.reason


def blocked_names_the_earliest(loop: Any) -> None:
    """Of two needs that are not met, the first in order speaks."""
    steps = (
        Fails("first", "a", "1"),
        Fails("second", "b", "1"),
        Put("app", "c", "1", needs=("second", "first")),
    )
    verdict = Runner(loop, Store()).converge(steps)
    assert verdict.steps[2].reason == "waits for first"


def a_gate_holds_up_only_what_needs_it(loop: Any) -> None:
    """Let a dead GPU keep nothing else from healing."""
    store = Store({"gpu": "broken"})
    steps = (See("gpu", "gpu", "2"), Put("vision", "v", "1", needs=("gpu",)), Put("bus", "b", "1"))
    Runner(loop, store).converge(steps)
    assert store.facts == {"gpu": "broken", "b": "1"}


def one_bug_does_not_stop_the_others(loop: Any) -> None:
    """Take a crash of a probe or an apply as a result like any other, with its traceback as evidence."""
    store = Store()
    verdict = Runner(loop, store).converge((Surprise("bug", "a", "1"), Fails("crash", "b", "1"), Put("bus", "c", "1")))
    assert store.facts == {"c": "1"}
    assert [step.status for step in verdict.steps] == ["unknown", "failed", "current"]
    assert "No space left on device" in verdict.steps[1].reason
    assert any("KeyError" in line for line in verdict.steps[0].evidence)


def it_stops_between_two_steps(loop: Any) -> None:
    """Asked to stop, it finishes the step that it is in, begins no other, and says 130."""
    for asked_at in range(7):
        store = Store()
        runner = Runner(loop, store)

        def stop(store: Store = store, asked_at: int = asked_at) -> str:
            return "a deploy goes first" if len(store.writes) >= asked_at else ""

        verdict = runner.converge(recipe(), stop=stop)
        assert (verdict.word, verdict.exit, verdict.reason) == ("interrupted", Exit.INTERRUPTED, "a deploy goes first")
        whole = [0, 1, 2, 6, 7, 8]  # the program is four writes, which are never divided
        assert len(store.writes) == min(count for count in whole if count >= asked_at)
        assert set(verdict.changed) == {step for step, word in runner.said if word == "changing"}
        assert Runner(real, store).converge(recipe()).exit == Exit.OK
        assert store.facts == END


def it_leaves_what_it_is_told_to_leave(loop: Any) -> None:
    """Spared, a step is looked at, named with its reason, and not applied; what needs it is blocked, the rest heals."""
    store = Store({})
    verdict = Runner(loop, store).converge(
        recipe(), spare=lambda step: "somebody else changes it" if step.id == "config" else ""
    )
    assert verdict.exit == Exit.FAILED
    assert verdict.reason == "config: differs; somebody else changes it"
    assert store.facts == {"etc/files": "v1", "etc/beside": "b1"}


def it_stops_while_it_waits(loop: Any) -> None:
    """Let no deploy stand behind a heal that waits for a gate."""
    store = Store()
    verdict = Runner(loop, store).converge((See("gate", "a", "yes"),), stop=lambda: "now" if store.now > 2 else "")
    assert verdict.exit == Exit.INTERRUPTED
    assert store.now < 5


def killed_anywhere_it_ends_the_same(loop: Any, steps: Steps) -> None:
    """Killed at any event and before any write, with or without a reboot after it: the same command gets there."""
    for reboots in (False, True):
        for where in ("kill_at", "kill_at_write"):
            for number in range(100):
                store = Store()
                runner = Runner(loop, store)
                setattr(runner if where == "kill_at" else store, where, number)
                died = True
                with suppress(Killed):
                    runner.converge(steps)
                    died = False
                if reboots:
                    store.reboot()
                store.kill_at_write = -1
                assert Runner(loop, store).converge(steps).exit == Exit.OK
                assert {key: store.facts.get(key) for key in END} == END
                if not died:
                    break
            else:
                raise AssertionError("the sweep does not end")


def what_plan_calls_drifted_is_what_converge_applies(loop: Any, facts: Facts) -> None:
    """From any state in which nothing is unknown or blocked, and in no state more than plan and what it blocks."""
    planned = Runner(loop, Store(dict(facts))).plan(recipe())
    drifted = tuple(step.id for step in planned.steps if step.status == "drifted")
    blocked = {step.id for step in planned.steps if step.status == "blocked"}
    verdict = Runner(loop, Store(dict(facts))).converge(recipe())
    assert verdict.exit == Exit.OK
    if not blocked:
        assert verdict.changed == drifted
    assert set(drifted) <= set(verdict.changed) <= set(drifted) | blocked


LAWS: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = {
    "plan writes nothing": (plan_writes_nothing, (recipe(),)),
    "a second converge changes nothing": (a_second_converge_changes_nothing, (recipe(),)),
    "a lying apply is caught": (a_lying_apply_is_caught, ()),
    "unknown is never fine": (unknown_is_never_fine, (Blind("blind", "a", "1"),)),
    "a bug is unknown": (unknown_is_never_fine, (Surprise("blind", "a", "1"),)),
    "a wait ends early on never": (a_wait_ends_early_on_never, ()),
    "a wait that runs out is no pass": (a_wait_that_runs_out_is_no_pass, ()),
    "blocked names the earliest": (blocked_names_the_earliest, ()),
    "a gate holds up only what needs it": (a_gate_holds_up_only_what_needs_it, ()),
    "one bug does not stop the others": (one_bug_does_not_stop_the_others, ()),
    "it stops between two steps": (it_stops_between_two_steps, ()),
    "it stops while it waits": (it_stops_while_it_waits, ()),
    "it leaves what it is told to leave": (it_leaves_what_it_is_told_to_leave, ()),
    "killed anywhere it ends the same": (killed_anywhere_it_ends_the_same, (recipe(),)),
}


@pytest.mark.parametrize("name", LAWS)
def test_law(name: str, loop: Any) -> None:
    """The loop that stores run keeps it."""
    law, arguments = LAWS[name]
    law(loop, *arguments)


STATES = st.fixed_dictionaries(
    {},
    optional={key: st.sampled_from([value, "other"]) for key, value in END.items() if key != "run/program"},
).map(lambda facts: {**facts, **({"run/program": "up"} if facts.get("run/starting") == "yes" else {})})


@given(STATES)
@settings(max_examples=200)
def test_what_plan_calls_drifted_is_what_converge_applies(facts: Facts) -> None:
    """Law: plan is a promise."""
    what_plan_calls_drifted_is_what_converge_applies(real, facts)


APPLY_ALWAYS = (
    ("if seen.status in {Status.CURRENT, Status.FAILED}:", "if seen.status is Status.FAILED or applied:"),
    ("if seen.status is Status.DRIFTED:", "if seen.status in {Status.DRIFTED, Status.CURRENT}:"),
)
FAULTS: dict[str, tuple[Callable[..., None], tuple[tuple[str, str], ...], tuple[Any, ...]]] = {
    "a probe that writes": (plan_writes_nothing, (), ((Sneak("s", "etc/x", "1"),),)),
    "applies what is current": (a_second_converge_changes_nothing, APPLY_ALWAYS, (recipe(),)),
    "believes the apply": (
        a_lying_apply_is_caught,
        (
            (
                "            deadline = clock.monotonic() + step.wait.limit_seconds\n            continue",
                '            return Observation(Status.CURRENT, ""), True',
            ),
        ),
        (),
    ),
    "could not look is fine": (
        unknown_is_never_fine,
        (
            (
                "Observation(Status.UNKNOWN, failure.reason, evidence",
                "Observation(Status.CURRENT, failure.reason, evidence",
            ),
        ),
        (Blind("blind", "a", "1"),),
    ),
    "could not look is drift": (
        unknown_is_never_fine,
        (
            (
                "Observation(Status.UNKNOWN, failure.reason, evidence",
                "Observation(Status.DRIFTED, failure.reason, evidence",
            ),
        ),
        (Blind("blind", "a", "1"),),
    ),
    "waits for never": (
        a_wait_ends_early_on_never,
        (("if seen.status in {Status.CURRENT, Status.FAILED}:", "if seen.status is Status.CURRENT:"),),
        (),
    ),
    "a timeout passes": (
        a_wait_that_runs_out_is_no_pass,
        (("else Status.FAILED\n    reason", "else Status.CURRENT\n    reason"),),
        (),
    ),
    "waits too long": (
        a_wait_that_runs_out_is_no_pass,
        (("step.wait.limit_seconds\n    told", "2 * step.wait.limit_seconds\n    told"),),
        (),
    ),
    "names the last blocker": (
        blocked_names_the_earliest,
        (
            (
                "    for result in results:\n        if result.id in",
                "    for result in reversed(results):\n        if result.id in",
            ),
        ),
        (),
    ),
    "everything waits for everything": (
        a_gate_holds_up_only_what_needs_it,
        (("if result.id in step.needs and result", "if result"),),
        (),
    ),
    "nothing waits for anything": (
        a_gate_holds_up_only_what_needs_it,
        (("if result.id in step.needs and result", "if result.id in () and result"),),
        (),
    ),
    "one bug stops all": (
        one_bug_does_not_stop_the_others,
        (("        return _surprise(Status.UNKNOWN, error)", "        raise"),),
        (),
    ),
    "does not stop between steps": (
        it_stops_between_two_steps,
        (("        if why := stop():\n            return", "        if why := False:\n            return"),),
        (),
    ),
    "does not stop in a wait": (
        it_stops_while_it_waits,
        (("        if why := stop():\n            raise", "        if why := False:\n            raise"),),
        (),
    ),
    "what is to be left is not": (
        it_leaves_what_it_is_told_to_leave,
        (("            if why := spare(step):", "            if why := False:"),),
        (),
    ),
    "a stop forgets what was applied": (
        it_stops_between_two_steps,
        (("applied=stopped.applied", "applied=False"),),
        (),
    ),
    "a step that believes its note": (
        killed_anywhere_it_ends_the_same,
        (),
        (tuple(Believer("program", step.key, "c1") if isinstance(step, Run) else step for step in recipe()),),
    ),
    "a converge that leaves one out": (
        lambda loop: what_plan_calls_drifted_is_what_converge_applies(loop, {**END, "var/app": "a0"}),
        (
            (
                "if not applies(step) or applied:",
                'if not applies(step) or applied or step.id == "app":',
            ),
        ),
        (),
    ),
    "a plan that sees less": (
        lambda loop: what_plan_calls_drifted_is_what_converge_applies(loop, {**END, "etc/beside": "b0"}),
        (
            (
                "    for step in recipe:\n        blocker = _blocker(step, results)\n        start",
                "    for step in recipe[:-1]:\n        blocker = _blocker(step, results)\n        start",
            ),
        ),
        (),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_law_bites(name: str) -> None:
    """A seeded fault in the loop, or in a step, is found by its law."""
    law, changes, arguments = FAULTS[name]
    faulty = mutant(real, *changes)
    with pytest.raises((AssertionError, KeyError)):
        law(faulty, *arguments)
