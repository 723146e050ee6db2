"""Drawings of terminals in a real browser: what they hide at first they show at their end."""

from __future__ import annotations

import pytest

from tests.browser import Browser
from tools.pictures.shots import PICTURES, RECORDINGS

_MOVING = [one.name for one in RECORDINGS if one.moves]
_SEEK = "document.getAnimations().forEach(one => { one.pause(); one.currentTime = %s; })"
_SEEN = """(() => {
  const box = name => document.querySelector(`.${name}`).getBoundingClientRect();
  const rows = [...document.querySelectorAll('.%(name)s-matrix text')]
    .filter(one => one.textContent.trim()).map(one => one.getBoundingClientRect());
  const bottom = document.documentElement.getBoundingClientRect().bottom;
  const cover = box('%(name)s-cover').top;
  return {seen: rows.filter(row => row.bottom <= cover + 4 && row.bottom <= bottom).length,
          hidden: rows.filter(row => row.bottom > cover + 4).length,
          last: Math.max(...rows.map(row => row.bottom)) <= bottom, all: rows.length};
})()"""


@pytest.mark.parametrize("name", _MOVING)
def test_a_drawing_ends_with_all_that_was_said(tab: Browser, name: str) -> None:
    """Law: at first all rows but what was typed are covered, at the end none, and the last one stands in the window."""
    tab.open(PICTURES / f"{name}.svg", width=1200)
    tab.ask(_SEEK % 0)
    began = tab.ask(_SEEN % {"name": name})
    assert 0 < began["seen"] < 4
    assert began["seen"] + began["hidden"] == began["all"]
    tab.ask(_SEEK % 1e9)
    ended = tab.ask(_SEEN % {"name": name})
    assert (ended["hidden"], ended["seen"], ended["last"]) == (0, ended["all"], True)
    assert ended["all"] > 30


def test_where_nothing_may_move_the_end_is_seen(tab: Browser) -> None:
    """Law: a reader who asks for no motion sees what an animation would end with."""
    name = _MOVING[0]
    tab.open(PICTURES / f"{name}.svg", width=1200)
    tab.call("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    found = tab.ask(_SEEN % {"name": name})
    assert tab.ask("document.getAnimations().length") == 0
    assert (found["hidden"], found["last"]) == (0, True)
