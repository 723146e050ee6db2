"""Edits of bytes and of JSON documents, as Hypothesis draws them: what a damaged or a crafted file may hold."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 70), 1 << 70),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(["", "..", "../../etc/shadow", "sha256:" + "0" * 64, "sha256:" + "a" * 300, "\x1b[2J", "\ud800"]),
)
VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def edited_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """Flip, cut out, put in, or repeat a piece, once or a few times."""
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 40)))
        kind = draw(st.sampled_from(["flip", "cut", "put", "again", "short"]))
        if kind == "flip" and begin < len(data):
            data = data[:begin] + bytes([data[begin] ^ draw(st.integers(1, 255))]) + data[begin + 1 :]
        elif kind == "cut":
            data = data[:begin] + data[end:]
        elif kind == "put":
            data = data[:begin] + draw(st.binary(max_size=30)) + data[begin:]
        elif kind == "again":
            data = data[:end] + data[begin:]
        else:
            data = data[:begin]
    return data


@st.composite
def edited_document(draw: st.DrawFn, doc: Any) -> Any:
    """Put another value, one more or one less, somewhere in a document, once or twice."""
    doc = copy.deepcopy(doc)
    for _ in range(draw(st.integers(1, 2))):
        holders = [holder for holder in _holders(doc) if holder]
        if not holders:
            return draw(VALUES)
        holder = draw(st.sampled_from(range(len(holders))).map(holders.__getitem__))
        keys = sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys))
        kind = draw(st.sampled_from(["set", "set", "drop", "add"]))
        if kind == "drop":
            del holder[key]
        elif kind == "set":
            holder[key] = draw(VALUES)
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = draw(VALUES)
        else:
            holder.append(draw(VALUES))
    return doc


def _holders(doc: Any) -> list[Any]:
    if isinstance(doc, dict):
        return [doc, *(found for value in doc.values() for found in _holders(value))]
    return [doc, *(found for value in doc for found in _holders(value))] if isinstance(doc, list) else []
