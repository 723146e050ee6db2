"""How layers lie over each other, as laws; and that a store's content comes from its own layers alone."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgectl.control.inventory.layers import NODE_KEYS
from edgectl.control.inventory.load import load
from edgectl.control.inventory.place import Place
from edgectl.control.inventory.schema import Node, NodeLayer
from edgectl.control.inventory.tree import Laid, Tree, merge
from tests.fleet import fleet

HERE = Place("inventory.yaml", 1, 1)
FLEET: dict[str, Any] = yaml.safe_load(fleet(12).replace("!append ", ""))
QUICK = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.sampled_from(["", "a", "b"]))
KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


def tree(value: Any, laid: Laid = "") -> Tree:
    """Make a tree of a JSON value."""
    if isinstance(value, dict):
        return Tree({key: tree(child) for key, child in value.items()}, HERE, HERE, "", laid)
    return Tree([tree(item) for item in value] if isinstance(value, list) else value, HERE, HERE, "", laid)


def merged(*values: Any, laid: Laid = "") -> Any:
    """Lay values over each other, the last one with a tag."""
    found: Tree | None = None
    for index, value in enumerate(values):
        found = merge(found, tree(value, laid if index == len(values) - 1 else ""))
    assert found is not None
    return found.plain()


def by_hand(base: Any, over: Any) -> Any:
    """Say the law again, in the simplest words."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {key: by_hand(base[key], over[key]) if key in base and key in over else {**base, **over}[key]
            for key in [*base, *(key for key in over if key not in base)]}  # fmt: skip


@QUICK
@given(base=VALUES, over=VALUES)
def test_maps_merge_and_all_else_replaces(base: Any, over: Any) -> None:
    """Law: key by key, null included, keys in the order in which they first stand. Seeded fault: null left out."""
    found = merged(base, over)
    assert found == by_hand(base, over)
    assert json.dumps(found) == json.dumps(by_hand(base, over))


@QUICK
@given(layers=st.lists(st.dictionaries(KEYS, VALUES, max_size=3), min_size=3, max_size=3))
def test_how_layers_are_taken_together_does_not_matter(layers: list[Any]) -> None:
    """Law: maps that are merged two by two from either end are the same map, where no tag says otherwise.

    Only where a value that is no map stands between two maps must the lower ones be merged first, as edgectl does.
    """
    bottom, middle, top = layers
    at_once = merged(bottom, middle, top)
    if not _hides(bottom, middle, top):
        assert at_once == merged(bottom, merged(middle, top))
    assert merged(bottom, {}) == bottom == merged({}, bottom)
    assert merged(bottom, bottom) == bottom


def _hides(bottom: Any, middle: Any, top: Any) -> bool:
    """Tell whether a value that is no map stands somewhere between two maps."""
    if isinstance(bottom, dict) and isinstance(middle, dict) and isinstance(top, dict):
        return any(_hides(bottom.get(key, {}), middle[key], top.get(key, {})) for key in middle)
    return isinstance(bottom, dict) and isinstance(top, dict)


@QUICK
@given(base=VALUES, over=st.lists(LEAVES, max_size=3))
def test_append_puts_a_list_behind_the_one_below(base: Any, over: list[Any]) -> None:
    """Law: behind a list; in the place of anything else. Seeded fault: put in front of it."""
    assert merged(base, over, laid="append") == ([*base, *over] if isinstance(base, list) else over)


@QUICK
@given(base=VALUES, over=st.dictionaries(KEYS, VALUES, max_size=3), last=st.dictionaries(KEYS, VALUES, max_size=3))
def test_replace_puts_a_map_in_the_place_of_the_one_below(base: Any, over: Any, last: Any) -> None:
    """Law: nothing of what is below is left, and a layer above merges with it as usual. Seeded fault: for all above."""
    assert merged(base, over, laid="replace") == over
    below = merge(tree(base), tree(over, "replace"))
    found = merge(below, tree(last))
    assert found is not None
    assert found.plain() == by_hand(over, last)


@QUICK
@given(base=VALUES, over=VALUES)
def test_merging_changes_neither(base: Any, over: Any) -> None:
    """Law: trees are shared between stores. Seeded fault: a map filled in place."""
    below, above = tree(base), tree(over)
    merge(below, above)
    assert (below.plain(), above.plain()) == (base, over)


def test_nodes_take_what_their_schema_has() -> None:
    """Law: layers.NODE_KEYS are the keys of schema.NodeLayer. Seeded fault: a key forgotten in one of them."""
    assert set(NODE_KEYS) == set(NodeLayer.model_fields)
    assert set(NODE_KEYS) < set(Node.model_fields)


def resolved(folder: Path, document: dict[str, Any]) -> dict[str, Any]:
    """Return what each store becomes, as data without places."""
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    opened = load(path)
    stores = {name: opened.store(name) for name in opened.names()}
    return {
        name: (store.facts, store.nodes, store.releases, store.inference, store.title, store.groups)
        for name, store in stores.items()
    }


CHANGES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("title",), "New"),
    (("profile",), "t4"),
    (("groups",), ["west", "pilot"]),
    (("nodes", "node-1", "address"), "10.99.0.11"),
    (("nodes", "node-1", "ssh", "port"), 2222),
    (("nodes", "node-1", "k3s"), {"config": {"debug": True}}),
    (("k3s",), {"config": {"debug": True}}),
    (("host",), {"free_bytes": 1 << 34}),
    (("releases",), {"vision-stack": {"timeout_seconds": 5}}),
    (("cameras", "entrance", "frame_rate"), 1),
    (("inference",), {"port": 9000}),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: ".".join(change[0]))
def test_one_store_s_data_changes_that_store_alone(tmp_path: Path, change: tuple[tuple[str, ...], Any]) -> None:
    """Law: what one store says is no other store's business. Seeded fault: a tree merged in place."""
    before = resolved(tmp_path, FLEET)
    document = copy.deepcopy(FLEET)
    (*way, last), value = change
    inside: Any = document["stores"]["store-007"]
    for part in way:
        inside = inside[part]
    inside[last] = value
    after = resolved(tmp_path, document)
    assert {name for name, store in after.items() if store != before[name]} == {"store-007"}


def shuffled(value: Any, picks: Any, path: tuple[str, ...] = ()) -> Any:
    """Return the same value with the keys of its maps in another order, but those of releases."""
    if isinstance(value, list):
        return [shuffled(item, picks, path) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value) if path and path[-1] in ("releases", "stores") else picks.draw(st.permutations(list(value)))
    return {key: shuffled(value[key], picks, (*path, key)) for key in keys}


@settings(parent=QUICK, max_examples=15)
@given(picks=st.data())
def test_the_order_of_keys_does_not_matter(tmp_path: Path, picks: Any) -> None:
    """Law: but for releases, which are installed in theirs, and for nodes, which are listed in theirs.

    Seeded fault: layers in the order of the file.
    """
    document = {**FLEET, "stores": {name: FLEET["stores"][name] for name in list(FLEET["stores"])[:4]}}
    before, after = resolved(tmp_path, document), resolved(tmp_path, shuffled(document, picks))
    for name, (facts, nodes, *rest) in before.items():
        assert after[name][0] == facts
        assert sorted(after[name][1], key=lambda node: node.name) == sorted(nodes, key=lambda node: node.name)
        assert list(after[name][2:]) == rest


def test_the_order_of_releases_does(tmp_path: Path) -> None:
    """Law: they are installed in the order of the file. Seeded fault: sorted by name."""
    document = copy.deepcopy(FLEET)
    releases = document["defaults"]["releases"]
    document["defaults"]["releases"] = dict(reversed(list(releases.items())))
    before, after = resolved(tmp_path, FLEET), resolved(tmp_path, document)
    for name, store in before.items():
        assert [one.name for one in after[name][2]] == [one.name for one in reversed(store[2])]
