"""What the probes print is read as data; what does not fit is left out, never guessed."""

from __future__ import annotations

import pytest

from edgectl.node.gpu import facts


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("00000000:0C:00.0", "0000:0c:00"),
        ("0000:01:00", "0000:01:00"),
        ("0000:b3:00.0", "0000:b3:00"),
        ("0018:01:00", "0018:01:00"),
        ("00000018:01:00.0", "0018:01:00"),
        ("[N/A]", "[N/A]"),
    ],
)
def test_addresses_have_one_form(text: str, read: str) -> None:
    """nvidia-smi and the kernel write them in two: a GPU and its Xids must meet."""
    assert facts.address(text) == read


@pytest.mark.parametrize("text", ["", "2 GPUs, at most 91 degrees", "GPU", "x, y, z", "0, GPU-1", "fatal", "a\0b"])
def test_what_is_no_row_is_no_gpu(text: str) -> None:
    """A reason line, a torn line."""
    assert facts.listed(text) == ()
    assert facts.health(text) == ()
    assert facts.xids(text) == {}


def test_xids_are_told_by_gpu_oldest_first() -> None:
    """Both spellings of an address are one GPU."""
    found = facts.xids(
        "two\nother 0000:01:00 13 x\nfatal 0000:02:00 79 GPU has fallen off the bus.\nfatal 0000:01:00 48\n"
    )
    assert {place: [(xid.code, xid.fatal) for xid in xids] for place, xids in found.items()} == {
        "0000:01:00": [(13, False), (48, True)],
        "0000:02:00": [(79, True)],
    }
