"""The page in docs/ is made from the rows."""

from __future__ import annotations

from collections import Counter

from tests.contract.page import PAGE, Results, render, told
from tests.contract.rows import ROWS


def test_page_is_what_the_rows_make() -> None:
    """docs/contract.md lists exactly these rows; a new row is in it, with 'not run' until it was run."""
    page = PAGE.read_text()
    assert page == render(told(page)), "run `nox -s contract -- --write-page`"


def test_the_standin_holds_every_row_that_can_be_tried() -> None:
    """A row that the stand-in does not hold is no row to build on."""
    results = told(PAGE.read_text()).standin
    assert {row.id for row in ROWS if row.check and results.get(row.id) != "holds"} == set()


def test_rows_are_told_apart_and_have_a_source() -> None:
    """Ids are unique; each row names where k3s says so, and says why when it cannot be tried."""
    assert [row_id for row_id, count in Counter(row.id for row in ROWS).items() if count > 1] == []
    for row in ROWS:
        assert "k3s" in row.source
        assert (row.check is None) == bool(row.why_not)
        assert "|" not in row.behaviour + row.source


def test_one_column_is_renewed_alone() -> None:
    """Trying an official binary leaves the stand-in's results as they are."""
    results = Results({"version": "holds"}, {"version": "not run"}).replaced("official", {"version": "holds"})
    assert told(render(results)).standin["version"] == "holds"
    assert told(render(results)).official["version"] == "holds"
