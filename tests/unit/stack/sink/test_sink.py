"""What a sink must do: all of a batch or nothing, each event once, bounded memory."""

from __future__ import annotations

import json
import zlib

import pytest

from edgectl.stack.sink.batch import MAX_BYTES, read
from edgectl.stack.sink.ledger import MEMORY, Count, Ledger


def test_each_event_counts_once_however_often_it_comes() -> None:
    """Within a batch, over batches; canaries are no events."""
    ledger = Ledger(MEMORY)
    assert ledger.take(["b", "a", "a"], canaries=1) == Count(2, 1, 1)
    assert ledger.take(["c", "a"], canaries=0) == Count(1, 1, 0)
    assert ledger.count() == Count(3, 2, 1)
    assert list(ledger.ids()) == ["a", "b", "c"]
    ledger.close()


def test_all_ids_come_sorted_however_many() -> None:
    """In pages, none left out."""
    ledger = Ledger(MEMORY)
    names = [f"{number:06}" for number in range(12_345)]
    ledger.take(names[::-1], canaries=0)
    assert list(ledger.ids()) == names
    ledger.close()


def packed(*docs: object) -> bytes:
    return zlib.compress(b"\n".join(json.dumps(doc).encode() for doc in docs))


def test_a_batch_is_read_to_its_end_before_anything_counts() -> None:
    """Canaries apart; packed or plain."""
    batch = read(packed({"id": "a"}, {"id": "b", "kind": "canary"}), "deflate")
    assert (batch.ids, batch.canaries) == (("a",), 1)
    assert read(b'{"id": "a"}\n\n', "").ids == ("a",)


@pytest.mark.parametrize(
    ("body", "encoding", "text"),
    [
        (b'{"id": 1}', "deflate", "not packed by zlib"),
        (packed({"id": "a"})[:-3], "deflate", "cut off"),
        (packed({"id": "a"}), "gzip", "not known"),
        (packed({"id": "a"}, {"id": ""}), "deflate", "line 2 is no event"),
        (packed({"id": "a"}, ["b"]), "deflate", "line 2 is no event"),
        (zlib.compress(b"{"), "deflate", "line 1 is no JSON"),
        (zlib.compress(b" " * (MAX_BYTES + 1)), "deflate", "more than"),
    ],
)
def test_what_is_no_batch_is_refused_whole(body: bytes, encoding: str, text: str) -> None:
    """With the line that is wrong; a small bomb fills no memory."""
    with pytest.raises(ValueError, match=text):
        read(body, encoding)
