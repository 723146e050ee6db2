"""The exam's store: kept while it is whole, another copy of the settled one once it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from tests.doctor.fault import Ground
from tests.doctor.ground import Room, is_whole
from tests.e2e.operator import Said


def ground(code: int = 0, changed: tuple[str, ...] = ()) -> Ground:
    """Return a ground whose every command ends so."""
    said = Said((), code, json.dumps({"changed": changed}), "", 0.1)
    running = SimpleNamespace(finish=lambda **_: said)
    return cast("Ground", SimpleNamespace(operator=SimpleNamespace(start=lambda *_: running)))


def test_a_store_is_kept_until_it_is_dropped() -> None:
    """And what was around the old one has ended before the new one comes."""
    told: list[str] = []

    @contextmanager
    def opened() -> Iterator[Ground]:
        told.append("up")
        yield ground()
        told.append("down")

    room = Room(opened)
    first = room.take()
    assert room.take() is first
    room.drop()
    room.drop()
    assert room.take() is not first
    assert told == ["up", "down", "up"]


@pytest.mark.parametrize(("code", "changed", "whole"), [(0, (), True), (0, ("bus",), False), (9, (), False)])
def test_whole_is_where_a_deploy_has_nothing_to_change(code: int, changed: tuple[str, ...], whole: bool) -> None:  # noqa: FBT001
    """And serves all that it should."""
    assert is_whole(ground(code, changed)) is whole
