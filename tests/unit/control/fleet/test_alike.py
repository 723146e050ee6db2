"""The same trouble in many stores is one cause, and two troubles are two."""

from __future__ import annotations

import pytest

from edgectl.control.fleet.alike import causes
from edgectl.control.fleet.ended import Ended, answered, exit_of, left, stopped
from edgectl.wire.errors import Bug, EdgectlError, Exit, InvalidInput, Locked, NotReady, Refused, Unreachable


def failed(store: str, reason: str, *own: str, step: str = "gpu") -> Ended:
    """Return a store that is not ready."""
    return Ended(store, "failed", 5, "not ready", reason, step, own=own)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (
            "node-1 (root@10.0.0.1:22) did not answer",
            "node-1 (root@10.9.8.7:2222) did not answer",
            "node-1 (root@...) did not answer",
        ),
        ("berlin-1.example does not answer", "rome-2.example does not answer", "... does not answer"),
        ("disk: 9.1 GiB free, 20 GiB needed", "disk: 10 GiB free, 20 GiB needed", "disk: ... free, 20 GiB needed"),
        ("sink: expired 14:02", "sink: expired 2026-11-28T14:03:11Z", "sink: expired ..."),
        ("edgectl deploy store-1 first", "edgectl deploy store-2 first", "edgectl deploy ... first"),
        (
            "GPU-5a9dbc01-0000-4000-8000-000000000000 is lost",
            "GPU-5a9dbc01-0000-4000-8000-000000000001 is lost",
            "... is lost",
        ),
        ("inference: no answer", "inference: no answer", "inference: no answer"),
    ],
)
def test_what_is_a_stores_own_makes_no_other_cause(one: str, other: str, both: str) -> None:
    """Names, addresses, amounts and times; what all have in common stays."""
    (cause,) = causes([failed("store-1", one, "berlin-1.example"), failed("store-2", other, "rome-2.example")])
    assert (cause.reason, cause.stores) == (both, ("store-1", "store-2"))
    (alone,) = causes([failed("store-1", one, "berlin-1.example")])
    assert alone.reason == one


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GPU-0 fell off the bus (Xid 79)", "GPU-0 fell off the bus (Xid 48)"),
        ("GPU-0 does not compute", "GPU-1 does not compute"),
        ("helm ended with exit 1", "helm ended with exit 137"),
        ("sink answers 404", "sink answers 503"),
        ("k3s v1.36.3+k3s1 is not there", "k3s v1.35.0+k3s1 is not there"),
    ],
)
def test_numbers_that_say_what_it_is_stay_apart(one: str, other: str) -> None:
    """Seeded fault: every number is taken for an amount."""
    assert len(causes([failed("store-1", one), failed("store-2", other)])) == 2


def test_the_same_words_of_another_step_are_another_cause() -> None:
    """And so is another outcome; the well come first, then the most frequent."""
    found = causes([
        failed("store-1", "no answer"),
        failed("store-2", "no answer", step="inference"),
        failed("store-3", "no answer", step="inference"),
        answered("store-4", 0, {"verdict": {"word": "ready"}}),
        stopped("store-5", Unreachable("no answer")),
    ])  # fmt: skip
    assert [one.stores for one in found] == [("store-4",), ("store-2", "store-3"), ("store-1",), ("store-5",)]


OK = answered("a", 0, {"verdict": {"word": "ready"}})
THIN = answered("b", 9, {"verdict": {"word": "degraded", "reason": "one GPU"}})
WAITS = answered("c", 10, {"verdict": {"word": "pending"}})
BAD = answered("d", 5, {"verdict": {"word": "not ready"}})
AWAY = stopped("e", Unreachable("no answer"))


@pytest.mark.parametrize(
    ("all_ended", "code"),
    [
        ([OK, OK], Exit.OK),
        ([OK, THIN], Exit.DEGRADED),
        ([OK, THIN, WAITS], Exit.PENDING),
        ([OK, BAD], Exit.PARTIAL),
        ([THIN, BAD], Exit.PARTIAL),
        ([WAITS, AWAY], Exit.PARTIAL),
        ([BAD, AWAY], Exit.PARTIAL),
        ([BAD, BAD], Exit.NOT_READY),
        ([AWAY, AWAY], Exit.UNREACHABLE),
        ([stopped("f", Locked("bob deploys"))], Exit.LOCKED),
        ([stopped("f", Locked("bob deploys")), stopped("g", Refused("another"))], Exit.PARTIAL),
        ([OK, left("h")], Exit.INTERRUPTED),
        ([BAD, left("h", run="1")], Exit.INTERRUPTED),
    ],
)
def test_the_one_exit_code(all_ended: list[Ended], code: Exit) -> None:
    """Law: 0 only where all are fine; 8 where some went wrong; the common code where all did alike."""
    assert exit_of(all_ended) == code


@pytest.mark.parametrize(
    ("error", "outcome", "word"),
    [
        (Unreachable("no answer"), "unreachable", "unreachable"),
        (NotReady("no disk"), "failed", "not ready"),
        (Locked("bob deploys"), "failed", "locked"),
        (Refused("another store's"), "failed", "refused"),
        (Bug("surprise"), "failed", "bug"),
    ],
)
def test_errors_have_an_outcome(error: EdgectlError, outcome: str, word: str) -> None:
    """Unreachable is never failed, and failed never unreachable."""
    found = stopped("store-1", error)
    assert (found.outcome, found.word, found.exit, found.reason) == (outcome, word, int(error.exit), error.message)


def test_of_many_findings_the_first_is_said() -> None:
    """The lines of the file itself are no findings."""
    error = InvalidInput("2 errors", details=("a.yaml:3:1  no group", "       3 | x", "a.yaml:9:1  no chart"))
    assert stopped("store-1", error).reason == "a.yaml:3:1  no group (and 1 more)"
