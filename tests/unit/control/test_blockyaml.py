"""What edgectl writes as YAML is read back unchanged, by readers of YAML 1.1 and by our own."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgectl.control.blockyaml import dump
from edgectl.control.kubeyaml import load_all
from edgectl.wire.document import canonical
from tests.strings import CARRIED, REFUSED

LIBYAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CONFIG = {
    "node-name": "node-1",
    "node-ip": "10.77.0.11",
    "write-kubeconfig-mode": "0600",
    "disable": ["traefik", "servicelb", "metrics-server"],
    "node-label": ["nvidia.com/gpu.present=true"],
    "kubelet-arg": ["max-pods=110"],
    "cluster-cidr": "10.42.0.0/16",
    "secrets-encryption": True,
}
# libyaml's writer of the reader's side knows no half surrogate, neither does UTF-8; both are refused (below)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def everywhere(text: str) -> dict[str, Any]:
    """Return a document that has a text as value, as item, as key, and deeper down."""
    return {"value": text, "list": [text, [text], {text: text}], text: {text: [text]}, "": {}, "e": []}


def same(read: Any, written: Any) -> bool:
    """Compare values and their types: 1 is no True, and -0.0 no 0."""
    return json.dumps(read, sort_keys=True) == json.dumps(written, sort_keys=True)


@pytest.mark.parametrize("name", CARRIED)
def test_every_text_is_read_back(name: str) -> None:
    """Law: PyYAML's reader, libyaml's and ours give each text back, wherever it stands. Seeded: a bare `no`, `1e3`."""
    doc = everywhere(CARRIED[name])
    text = dump(doc)
    assert load_all(text) == [doc]
    assert yaml.load(text.encode(), Loader=LIBYAML) == doc  # noqa: S506 - it is a safe one
    if len(text) < 1 << 16:  # PyYAML's own reader takes a minute for a mebibyte
        assert yaml.safe_load(text) == doc


@given(VALUES)
def test_every_value_of_json_is_read_back(value: Any) -> None:
    """Law: read(dump(value)) == value, for PyYAML's own reader and for ours. Seeded: a float without its point."""
    text = dump(value)
    assert same(yaml.safe_load(text), value)
    assert same(load_all(text)[0], value)


@given(VALUES)
def test_the_canonical_form_is_yaml_and_json(value: Any) -> None:
    """Law: Helm, which reads YAML, and json read the same texts from it. Seeded: ensure_ascii (halves of emoji)."""
    data = canonical({"value": value})
    assert same(json.loads(data), {"value": value})
    (read,) = load_all(data.decode())
    assert read == {"value": value}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e22, "1.0e+22\n"),  # YAML 1.1 reads `1e+22` as a text
        (1e-7, "1.0e-07\n"),
        (-0.0, "-0.0\n"),
        (1.5, "1.5\n"),
        (1 << 70, "1180591620717411303424\n"),
        (-3, "-3\n"),
        (None, "null\n"),
        (False, "false\n"),
        ({}, "{}\n"),
        ([], "[]\n"),
        ((), "[]\n"),
        ([[1, [2]], [], {"a": {}}], "- - 1\n  - - 2\n- []\n- a: {}\n"),
        ({"b": [1, "x"], "a": {"d": None, "c": "0644"}}, 'a:\n  c: "0644"\n  d: null\nb:\n  - 1\n  - x\n'),
        ([{"b": 1, "a": [1]}], "- a:\n    - 1\n  b: 1\n"),
        ("\x85\u2028\ufeff\x7f\n", '"\\u0085\\u2028\\ufeff\\u007f\\n"\n'),
    ],
)
def test_the_form(value: object, text: str) -> None:
    """One value, one text: sorted keys, two spaces, JSON's scalars."""
    assert dump(value) == text


def test_keys_keep_their_order_where_that_is_asked_for() -> None:
    """For people, who read a manifest from its kind on."""
    assert dump({"kind": "A", "a": 1}, sort_keys=False) == "kind: A\na: 1\n"


def test_a_long_key_is_read_back() -> None:
    """Law: a key longer than YAML's readers look for a colon stands behind a question mark."""
    doc = {"k" * 5000: {"a": [1]}, "\u2028" * 300: "b", "x": [{"k" * 2000: [2], "l": 3}]}
    assert yaml.safe_load(dump(doc)) == doc


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")], "\ud800", {"a": "\udfff"}])
def test_what_is_no_json_is_refused(value: object) -> None:
    """Law: nothing is written that another reader takes for something else."""
    with pytest.raises(ValueError, match=r"no number of JSON|no character"):
        dump(value)


@pytest.mark.parametrize("value", [{1: 2}, {None: 1}, b"a", object(), {1, 2}])
def test_what_has_no_form_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError):
        dump(value)


def test_surrogates_are_the_only_texts_that_cannot_be_written() -> None:
    """All other texts that the inventory refuses are refused for what comes behind this writer."""
    for text in REFUSED.values():
        if not any("\ud800" <= char <= "\udfff" for char in text):
            assert yaml.safe_load(dump({text: text})) == {text: text}


def test_it_is_fast() -> None:
    """Law: at least 20 times as fast as PyYAML's writer on a k3s config (measured: 44). Best of some on both sides."""

    def best(rounds: int, write: Any) -> float:
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            for _ in range(20):
                write()
            times.append(time.perf_counter() - began)
        return min(times)

    assert best(10, lambda: dump(CONFIG)) * 20 < best(5, lambda: yaml.safe_dump(CONFIG))
