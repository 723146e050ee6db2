"""The pure parts of the smoke, and its tables."""

from __future__ import annotations

import re
from array import array
from pathlib import Path

import pytest

from edgectl.node.gpu import smoke


def right(given: array[int]) -> array[int]:
    """Return what a good GPU makes of numbers."""
    return array("I", ((value * 3 + index) % 2**32 for index, value in enumerate(given)))


def test_each_run_computes_on_other_numbers() -> None:
    """What an earlier run has left in the GPU's memory is wrong for this one, in every element."""
    first, second = smoke.numbers(1), smoke.numbers(2)
    assert len(first) == smoke.ELEMENTS
    assert not any(one == other for one, other in zip(first, second, strict=True))
    assert not smoke.mistakes(first, right(first))
    assert smoke.mistakes(second, right(first)).startswith("65536 of 65536 numbers")


@pytest.mark.parametrize("bit", [0, 15, 31])
@pytest.mark.parametrize("element", [0, 4097, 65535])
def test_one_bit_is_enough(element: int, bit: int) -> None:
    """One wrong bit in one element is found, and named with both values."""
    given = smoke.numbers(3)
    got = right(given)
    due = got[element]
    got[element] ^= 1 << bit
    assert smoke.mistakes(given, got) == (
        f"1 of 65536 numbers, number {element} is {got[element]:#010x} instead of {due:#010x}"
    )


def test_every_call_is_declared() -> None:
    """Each function of CUDA that is called has its argument types, or a pointer would be cut to 32 bits."""
    text = Path(smoke.__file__).read_text()
    called = set(re.findall(r'self\("(\w+)"|cuda\("(\w+)"|_library\.(cu\w+)', text))
    assert {"".join(names) for names in called} <= set(smoke.CALLS)


def test_whole_blocks_cover_all_elements() -> None:
    """The launch has no rest."""
    assert smoke.ELEMENTS % smoke.THREADS == 0


def test_what_may_come_is_never_called_final() -> None:
    """Errors of a driver that is still starting may come; a GPU that fails while computing does not."""
    assert {2, 3, 46, 100, 802, 999} <= smoke.MAY_COME
    assert not {214, 700, 719, 803} & smoke.MAY_COME
