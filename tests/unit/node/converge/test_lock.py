"""One engine at a time: the lock goes with the process, and says who holds it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgectl.node.converge.lock import Lock, holder


def test_one_holds_it_and_the_other_learns_who(tmp_path: Path) -> None:
    """The second is refused; whoever looks reads the first one's note."""
    first, second = Lock(tmp_path / "run", {"run": "abcd", "kind": "deploy"}), Lock(tmp_path / "run", {"run": "other"})
    assert first.acquire()
    assert not second.acquire()
    assert holder(tmp_path / "run") == {"run": "abcd", "kind": "deploy"}
    first.release()
    assert holder(tmp_path / "run") is None
    assert second.acquire()
    assert holder(tmp_path / "run") == {"run": "other"}
    second.release()


def test_looking_does_not_take_it(tmp_path: Path) -> None:
    """After a look the lock is free for an engine."""
    assert holder(tmp_path) is None
    Lock(tmp_path, {}).release()
    assert holder(tmp_path) is None
    with Lock(tmp_path, {"run": "a"}) as lock:
        assert lock.acquire()
        assert holder(tmp_path) == {"run": "a"}
        assert holder(tmp_path) == {"run": "a"}


def test_it_lasts_as_long_as_anything_of_the_run(tmp_path: Path) -> None:
    """A child that has inherited the descriptor keeps the lock when its parent is gone."""
    lock = Lock(tmp_path, {"run": "a"})
    assert lock.acquire()
    child = os.dup(lock.fd)
    os.close(lock.fd)
    assert holder(tmp_path) == {"run": "a"}
    assert not Lock(tmp_path, {}).acquire()
    os.close(child)
    assert holder(tmp_path) is None


def test_an_old_note_is_not_believed(tmp_path: Path) -> None:
    """A file that a killed engine left says nothing: nobody holds the lock."""
    (tmp_path / "lock").write_text('{"run":"dead"}')
    assert holder(tmp_path) is None
    assert Lock(tmp_path, {"run": "b"}).acquire()


@pytest.mark.parametrize("text", ["", "{torn", "[]", "\0\0"])
def test_a_note_that_cannot_be_read_is_still_a_holder(tmp_path: Path, text: str) -> None:
    """Somebody holds it; who, is not known. Never "nobody"."""
    lock = Lock(tmp_path, {"run": "a"})
    assert lock.acquire()
    os.ftruncate(lock.fd, 0)
    os.pwrite(lock.fd, text.encode(), 0)
    assert holder(tmp_path) == {}
    lock.release()


def test_a_shorter_note_leaves_nothing_of_the_longer(tmp_path: Path) -> None:
    """The file is emptied first."""
    (tmp_path / "lock").write_text('{"run":"' + "a" * 500 + '"}')
    lock = Lock(tmp_path, {"run": "b"})
    assert lock.acquire()
    assert holder(tmp_path) == {"run": "b"}
    lock.release()
