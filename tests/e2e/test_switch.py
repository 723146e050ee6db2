"""Models that change while clients ask all the time: at once, or beside what runs until they have proven themselves.

A version here is the committed detector, fine-tuned a little; a bad one runs, and detects nothing rightly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.bundle.layout import Bundle
from edgectl.control.gather.models import take_models
from edgectl.control.gather.shopping import Shopping
from edgectl.control.inventory.load import load
from edgectl.stack.detector.shape import NAME
from tests.e2e.clients import Asked, Clients, percentile
from tests.e2e.conftest import Shop
from tests.e2e.node import Node
from tests.e2e.operator import Operator
from tests.e2e.stock import copy_bundle
from tests.models import broken, version

pytestmark = pytest.mark.e2e

_REGISTRY = f"/var/lib/edgectl/models/{NAME}"
_ROLLOUT = {"steps": [50], "soak": "5s", "min_frames": 40}
_STEADY_SECONDS = 6
_LEAST_MS = 20  # a steady p99 below it tells of what else the machine does just then


@pytest.fixture(autouse=True)
def _whole_line(shop: Shop) -> Iterator[None]:
    yield
    shop.sandbox.link.restore()


@pytest.fixture
def bundle(settled: Shop) -> Path:
    """Return a bundle that models may be added to; made once a store."""
    have = settled.sandbox.place.home / "bundle-switch"
    return have if have.is_dir() else copy_bundle(settled.sandbox, "switch")


def _declared(shop: Shop, bundle: Path, tag: str, files: Path, **more: Any) -> Operator:
    """Return an operator whose inventory declares this version, which the bundle has taken in."""

    def change(doc: dict[str, Any]) -> None:
        doc["bundle"] = str(bundle)
        doc["defaults"]["models"] = {NAME: {"version": tag, "from": str(files), **more}}

    operator = shop.operator.with_(change=change)
    shopping = Shopping(Bundle.open(bundle), (), lambda _: None)
    take_models([load(operator.inventory).store(operator.store)], shopping)
    assert not shopping.missing
    return operator


def _dull(folder: Path) -> Path:
    path = folder / "dull.onnx"
    path.write_bytes(broken("dull"))
    return path


def _link(node: Node, link: str) -> str:
    """Return which version a link names, as a pod would read it; "" for none."""
    text = node.sh(f"cat {_REGISTRY}/{link}/model.json 2>/dev/null || echo '{{}}'")
    return str(json.loads(text).get("version", ""))


def _serves(node: Node) -> str:
    """Return the version that inference says it has loaded as current."""
    loaded = node.ops("inference")["facts"]["loaded"]
    return next((str(one["version"]) for one in loaded if one["role"] == "current"), "")


def _judged(node: Node, named: str) -> list[Asked]:
    """Let clients ask until the rollout is over; say what they have met."""
    clients = Clients(node)
    clients.start()
    try:
        took = node.wait(f"{named} is judged", lambda: not _link(node, "candidate"), seconds=90, every=1)
    finally:
        met = clients.stop()
    print(f"{named}: judged after {took:.0f} s, {len(met)} questions")  # noqa: T201
    return met


def _figures(name: str, asked: list[Asked]) -> str:
    return f"{name} {len(asked)} questions, p50 {percentile(asked, 50):.1f} ms, p99 {percentile(asked, 99):.1f} ms"


@pytest.mark.alone  # it compares milliseconds
def test_a_switch_under_load_fails_no_question(settled: Shop, bundle: Path, tmp_path: Path) -> None:
    """Four clients ask all the time; a deploy brings another version: each is answered, about as fast."""
    node = settled.node
    operator = _declared(settled, bundle, "1.4", version(tmp_path / "new", "1.4"))
    steady, clients = node.steady(), Clients(node)
    clients.start()
    try:
        node.sh(f"sleep {_STEADY_SECONDS}")
        began = float(node.sh("date +%s.%N"))
        outcome = operator.deploy()
        node.wait("it serves the new one", lambda: _serves(node) == "1.4", seconds=30)
        node.sh("sleep 3")
    finally:
        met = clients.stop()
    assert outcome["changed"] == ["models", "facts"]
    before, after = [one for one in met if one.at < began], [one for one in met if one.at >= began]
    print(_figures("steady:", before), _figures("while it changes:", after), sep="\n")  # noqa: T201
    assert [one for one in met if one.fault] == []
    assert [one.version for one in (met[0], met[-1])] == [before[0].version, "1.4"]
    switched = [one.version for one in sorted(after, key=lambda one: one.at)]
    assert switched.count("1.4") > 0
    limit = 2 * max(percentile(before, 99), _LEAST_MS)
    assert percentile(after, 99) <= limit, _figures("steady:", before) + _figures(" then:", after)
    assert node.steady().containers == steady.containers, "no pod is restarted"
    assert settled.operator.deploy()["changed"] == ["models", "facts"], "as it was, for the other tests"


def test_a_good_version_proves_itself_and_runs(settled: Shop, bundle: Path, tmp_path: Path) -> None:
    """With the line cut, half of the requests for a while; the watchdog promotes it; the same deploy does nothing."""
    node = settled.node
    shipped = _link(node, "current")
    more = {"strategy": "canary", "rollout": _ROLLOUT}
    operator = _declared(settled, bundle, "1.5", version(tmp_path / "new", "1.5"), **more)
    outcome = operator.deploy()
    assert (outcome["verdict"]["word"], _link(node, "current"), _link(node, "candidate")) == ("ready", shipped, "1.5")
    settled.sandbox.link.cut()
    met = _judged(node, "1.5")
    assert (_link(node, "current"), _link(node, "previous")) == ("1.5", shipped)
    assert [one for one in met if one.fault] == []
    assert any(one.candidate and one.version == "1.5" for one in met)
    node.wait("it serves the new one", lambda: _serves(node) == "1.5", seconds=30)
    assert any("1.5" in deed for deed in node.deeds())
    settled.sandbox.link.restore()
    assert operator.deploy()["changed"] == []
    assert settled.operator.deploy()["verdict"]["word"] == "ready"
    assert _link(node, "current") == shipped


def test_a_bad_version_is_turned_down(settled: Shop, bundle: Path, tmp_path: Path) -> None:
    """It goes by itself, held back with the reason; the store is ready all the time, and the same deploy lets it be."""
    node = settled.node
    shipped = _link(node, "current")
    operator = _declared(settled, bundle, "1.6", _dull(tmp_path), strategy="canary", rollout=_ROLLOUT)
    assert operator.deploy()["verdict"]["word"] == "ready"
    operator.run("status").has("is READY")
    met = _judged(node, "1.6")
    assert (_link(node, "current"), _serves(node)) == (shipped, shipped)
    assert [one for one in met if one.fault] == []
    operator.run("status").has("is READY", f"held      {NAME} held at {shipped} by itself", "it agrees in")
    operator.run("chain").has("is READY")
    assert node.heal()["changed"] == []
    again = operator.deploy()
    assert (again["changed"], again["verdict"]["word"]) == ([], "ready")
    assert (_link(node, "current"), _link(node, "candidate")) == (shipped, "")
    assert node.answers() == ""
    settled.operator.deploy()


@pytest.mark.long
def test_a_shadow_waits_for_a_person(settled: Shop, bundle: Path, tmp_path: Path) -> None:
    """Its answers go nowhere; once it has passed it stays beside, until it is promoted by hand."""
    node = settled.node
    shipped = _link(node, "current")
    old = settled.operator
    new = {"version": "1.7", "from": str(version(tmp_path / "new", "1.7"))}
    files = Path(__file__).parents[2] / "templates/models" / NAME / shipped
    operator = _declared(settled, bundle, shipped, files, next=new)
    operator.group("models", "prefetch")
    operator.group("models", "shadow", f"{NAME}@1.7", "--soak", "5s")
    clients = Clients(node)
    clients.start()
    try:
        passed = lambda: (node.ops("inference")["facts"]["rollout"] or {}).get("word") == "passed"  # noqa: E731
        node.wait("the shadow has passed", passed, seconds=60, every=1)
        node.sh("sleep 12")  # the watchdog has looked
        assert (_link(node, "current"), _link(node, "candidate")) == (shipped, "1.7")
        operator.group("models", "promote", f"{NAME}@1.7")
        node.wait("it serves the new one", lambda: _serves(node) == "1.7", seconds=30)
    finally:
        met = clients.stop()
    assert [one for one in met if one.fault or one.candidate] == []
    assert (_link(node, "current"), _link(node, "previous")) == ("1.7", shipped)
    operator.group("models", "rollback", NAME).has(f"edgectl models release STORE {NAME} goes on with {shipped}")
    operator.group("models", "release", NAME)
    assert _link(node, "current") == shipped
    old.deploy()
