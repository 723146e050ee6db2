"""The language that says which stores are meant."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.control.inventory.load import load
from edgectl.control.inventory.selector import Labels, selector
from edgectl.wire.errors import InvalidInput, UsageError

STORES = [
    Labels("store-001", ("eu", "berlin"), "t4"),
    Labels("store-002", ("eu",), "l4"),
    Labels("store-101", ("us",), "t4"),
    Labels("lab", (), ""),
]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("store-001", "store-001"),
        ("store-0*", "store-001 store-002"),
        ("group:eu", "store-001 store-002"),
        ("profile:t4", "store-001 store-101"),
        ("not group:eu", "store-101 lab"),
        ("not not group:eu", "store-001 store-002"),
        ("group:eu and profile:t4", "store-001"),
        ("group:us or group:berlin and profile:l4", "store-101"),
        ("(group:us or group:berlin) and profile:t4", "store-001 store-101"),
        ("lab, store-1*", "store-101 lab"),
        ("group:e*", "store-001 store-002"),
        ("profile:t4 and not store-1??", "store-001"),
        ("*", "store-001 store-002 store-101 lab"),
        ("profile:", None),
        ("", None),
        ("not", None),
        ("(a", None),
        ("a b", None),
        ("a and", None),
        ("and a", None),
        (",", None),
        ("city:berlin", None),
    ],
)
def test_a_selector_means_these_stores(text: str, wanted: str | None) -> None:
    """`not` binds most, then `and`, then `or` and the comma; what is no selector says what one looks like.

    Seeded fault: `or` read before `and`.
    """
    if wanted is None:
        with pytest.raises(UsageError, match="selects no stores") as caught:
            selector(text)
        assert "group:eu" in caught.value.hint
    else:
        found = selector(text)
        assert " ".join(store.name for store in STORES if found(store)) == wanted


@given(st.text(alphabet="ab*:(), notrdgup", max_size=30))
def test_any_text_is_a_selector_or_a_usage_error(text: str) -> None:
    """Nothing else comes out of it."""
    with suppress(UsageError):
        selector(text)(STORES[0])


INVENTORY = """
version: 1
bundle: bundle
defaults: {profile: rtx-l4}
profiles: {rtx-l4: {}, rtx-t4: {}}
groups: {europe: {}, old: {profile: rtx-t4}}
stores:
  store-1: {groups: [europe]}
  store-2: {groups: [old]}
  store-3: {groups: [old, europe], profile: rtx-l4}
"""


def test_a_profile_may_come_from_a_group_or_the_defaults(tmp_path: Path) -> None:
    """The store's own word first, then its last group's, then the defaults'."""
    path = tmp_path / "inventory.yaml"
    path.write_text(INVENTORY)
    opened = load(path)
    assert opened.select("profile:rtx-t4") == ("store-2",)
    assert opened.select("profile:rtx-l4") == ("store-1", "store-3")
    assert opened.select("store-3") == ("store-3",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group:euro", 'there is no group "euro". Did you mean "europe"'),
        ("profile:rtx-t5", 'there is no profile "rtx-t5". Did you mean "rtx-t4"'),
        ("zzz*", "selects none of the 3 stores"),
        ("group:europe and store-2", "selects none of the 3 stores"),
        ("stor-1", 'has no store "stor-1"'),
    ],
)
def test_a_selector_that_means_nothing_says_why(tmp_path: Path, text: str, said: str) -> None:
    """A typing error must not look like an empty fleet."""
    path = tmp_path / "inventory.yaml"
    path.write_text(INVENTORY)
    with pytest.raises(InvalidInput, match=said):
        load(path).select(text)
