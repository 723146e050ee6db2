"""All that stands against a payload, and the cache of that answer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from edgectl.control.cache import cache
from edgectl.control.inventory.load import load
from edgectl.control.inventory.store import Store
from edgectl.control.payload.render import bundle_of, render
from edgectl.control.payload.rendered import Rendered
from edgectl.control.policy import verdict
from edgectl.control.policy.verdict import Verdict, deploy_verdicts, verdicts
from tests.unit.control.payload.test_render import INVENTORY, home, template

__all__ = ["home"]
DAY = date(2026, 11, 21)
POLICY = """  policy:
    rules:
      no-daemons:
        over: objects
        check: object.kind != "DaemonSet"
        message: "{object.kind} is not wanted"
        exceptions: [{stores: "store-0*", until: "2026-12-01", why: trying}]
"""


def judged(home: Path, policy: str = POLICY) -> tuple[Store, Rendered]:
    """Return a store with a policy, and it rendered."""
    (home / "inventory.yaml").write_text(INVENTORY.replace("stores:\n", policy + "stores:\n"))
    store = load(home / "inventory.yaml").store("store-042")
    return store, render(store, bundle_of(store), template=template)


def ours(found: tuple[Verdict, ...]) -> list[tuple[str, str]]:
    """Return this file's own rule: the built-in ones are tried elsewhere."""
    return [(one.sentence, one.excused) for one in found if one.rule == "no-daemons"]


def test_an_answer_is_kept_and_not_older_than_its_exceptions(home: Path) -> None:
    """Law: the cache gives what judging gives, on each day. Seeded fault: the day left out of the key."""
    store, rendered = judged(home)
    excused = ours(verdicts(store, rendered, DAY))
    by = "trying (until 2026-12-01)"
    assert excused == [(f"DaemonSet/{name}: DaemonSet is not wanted", by) for name in ("plugin", "vision")]
    assert ours(verdicts(store, rendered, DAY)) == excused
    later = ours(verdicts(store, rendered, date(2026, 12, 2)))
    assert all(not by and "ended on 2026-12-01" in sentence for sentence, by in later)
    assert len(later) == 2


@pytest.mark.parametrize("damage", [b"", b"x", b"sha256:0\n[]", b"[]"])
def test_a_damaged_cache_is_not_believed(home: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes) -> None:
    """Law: a wrong or corrupt cache never changes a result. Seeded fault: its digest not checked."""
    store, rendered = judged(home)
    before = verdicts(store, rendered, DAY)
    files = list(cache("verdicts").iterdir())
    assert len(files) == 1
    files[0].write_bytes(damage)
    assert verdicts(store, rendered, DAY) == before
    monkeypatch.setattr(verdict, "_judged", lambda *_: pytest.fail("it was kept anew"))
    assert verdicts(store, rendered, DAY) == before


def test_who_may_deploy_is_asked_only_where_somebody_says(home: Path) -> None:
    """No policy, no question; with one, the person and the hour count."""
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    who = {"user": "ada", "host": "desk", "key": ""}
    assert deploy_verdicts(judged(home, "")[0], who, now) == ()
    store, _ = judged(home, "  policy: {deploy: [{who: [grace]}]}\n")
    (said,) = deploy_verdicts(store, who, now)
    assert said.refuses
    assert "ada@desk may not deploy store-042 now" in said.sentence
    assert deploy_verdicts(store, {**who, "user": "grace"}, now) == ()
