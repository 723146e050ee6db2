"""Documents become dataclasses strictly, and bytes canonically."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.wire.document import _shared, canonical, digest_of, from_json, joined, share, to_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One of everything simple."""

    text: str
    number: int = 0
    ratio: float = 0.5
    yes: bool = False
    maybe: str | None = None
    free: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tree:
    """Leaves in a list, by name, and alone."""

    leaves: tuple[Leaf, ...] = ()
    named: dict[str, int] = field(default_factory=dict)
    rows: tuple[tuple[str, str, str], ...] = ()
    best: Leaf | None = None


LEAVES = st.builds(
    Leaf,
    text=st.text(),
    number=st.integers(),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    yes=st.booleans(),
    maybe=st.none() | st.text(),
    free=st.dictionaries(st.text(), JSON, max_size=3),
)
TREES = st.builds(
    Tree,
    leaves=st.lists(LEAVES, max_size=3).map(tuple),
    named=st.dictionaries(st.text(), st.integers(), max_size=3),
    rows=st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=3).map(tuple),
    best=st.none() | LEAVES,
)


@given(TREES)
def test_what_is_written_is_read_back(tree: Tree) -> None:
    """A dataclass survives the way over JSON bytes unchanged."""
    assert from_json(Tree, json.loads(canonical(to_json(tree)))) == tree


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_same_value_has_the_same_bytes(doc: dict[str, Any]) -> None:
    """The order in which keys were put in does not show in the digest."""
    backwards = dict(reversed(list(doc.items())))
    assert canonical(doc) == canonical(backwards)
    assert digest_of(canonical(doc)) == digest_of(canonical(backwards))


def test_the_canonical_form_is_fixed() -> None:
    """Digests of accepted payloads stay comparable for ever: this form never changes."""
    assert canonical({"b": [1, True, None], "a": "ü"}) == '{"a":"ü","b":[1,true,null]}'.encode()
    assert digest_of(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("doc", "says"),
    [
        ([], "$: an object is needed for Tree, not list"),
        ({"leafs": []}, "$: unknown key 'leafs' for Tree"),
        ({"leaves": [{}]}, "$.leaves[0]: 'text' is missing for Leaf"),
        ({"leaves": [{"text": 1}]}, "$.leaves[0].text: str is needed, not int"),
        ({"leaves": [{"text": "a"}, {"text": "b", "nr": 1}]}, "$.leaves[1]: unknown key 'nr' for Leaf"),
        ({"leaves": [{"text": "a", "number": True}]}, "$.leaves[0].number: int is needed, not bool"),
        ({"leaves": [{"text": "a", "number": 1.5}]}, "$.leaves[0].number: int is needed, not float"),
        ({"leaves": [{"text": "a", "yes": 1}]}, "$.leaves[0].yes: bool is needed, not int"),
        ({"leaves": [{"text": "a", "ratio": "0"}]}, "$.leaves[0].ratio: float is needed, not str"),
        ({"leaves": [{"text": "a", "ratio": 10**400}]}, "$.leaves[0].ratio: the number is too large"),
        ({"leaves": [{"text": "a", "free": []}]}, "$.leaves[0].free: an object is needed, not list"),
        ({"leaves": {}}, "$.leaves: a list is needed, not dict"),
        ({"named": {"a": "1"}}, "$.named.a: int is needed, not str"),
        ({"best": "x"}, "$.best: an object is needed for Leaf, not str"),
        ({"best": {"text": None}}, "$.best.text: str is needed, not NoneType"),
    ],
)
def test_what_does_not_fit_is_named_with_its_path(doc: Any, says: str) -> None:
    """A document that does not fit is refused whole, and the sentence says where."""
    with pytest.raises(ValueError, match=r"needed|unknown|missing|large") as caught:
        from_json(Tree, doc)
    assert str(caught.value) == says


def test_a_whole_number_is_a_ratio() -> None:
    """JSON writers drop `.0`: a whole number is fine where a float is declared."""
    found = from_json(Leaf, {"text": "a", "ratio": 2})
    assert (found.ratio, type(found.ratio)) == (2.0, float)


@pytest.mark.parametrize("row", [["a", "b"], ["a", "b", "c", "d"], []])
def test_a_tuple_of_fixed_length_has_that_length(row: list[str]) -> None:
    """A row of three that comes with another length is refused: later it would be unpacked into three names."""
    with pytest.raises(ValueError, match=r"\$\.rows\[0\]: 3 items are needed"):
        from_json(Tree, {"rows": [row]})


@given(JSON)
def test_any_input_is_refused_by_value_error_only(doc: Any) -> None:
    """Whatever comes over the link, reading it ends with a value or with a sentence."""
    try:
        from_json(Tree, doc)
    except ValueError as error:
        assert str(error).startswith("$")  # noqa: PT017 - any sentence will do, if it has a path


@given(st.dictionaries(st.sampled_from(["leaves", "named", "rows", "best"]), JSON, max_size=4))
def test_any_value_under_a_known_key_is_refused_by_value_error_only(doc: Any) -> None:
    """The same, past the first gate."""
    try:
        from_json(Tree, doc)
    except ValueError as error:
        assert str(error).startswith("$")  # noqa: PT017 - any sentence will do, if it has a path


@given(st.dictionaries(st.text(alphabet="abc_", min_size=1), st.lists(JSON, max_size=2).map(tuple) | JSON, max_size=4))
def test_what_is_joined_is_canonical(doc: dict[str, Any]) -> None:
    """Law: bytes that documents share are those that each would have of its own. Seeded fault: the keys unsorted."""
    assert joined(doc) == canonical(doc)
    _shared.clear()
    for value in doc.values():
        for part in value if isinstance(value, tuple) else (value,):
            share(part)
    assert joined(doc) == canonical(doc)


def test_only_the_very_object_is_shared() -> None:
    """Law: what is equal, or has taken the place of another in memory, is written anew."""
    shared = Leaf("a")
    share(shared)
    _shared[id(other := Leaf("b"))] = (shared, b"{}")
    assert joined({"x": Leaf("a"), "y": other}) == canonical({"x": Leaf("a"), "y": other})
    _shared.clear()
