"""What the inventory refuses to carry, and what it carries."""

from __future__ import annotations

import pytest

from edgectl.control.inventory.text import refused, refused_key, refused_line, refused_number
from tests.strings import CARRIED, REFUSED


@pytest.mark.parametrize("name", CARRIED)
def test_what_can_be_carried_is_not_refused(name: str) -> None:
    """Law: no text is refused without need. Seeded: a check of str.isprintable."""
    assert refused(CARRIED[name]) == ""


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_carried_is_refused(name: str) -> None:
    """Law: each has a sentence with the character and its place. Seeded: U+0085 left out."""
    text = REFUSED[name]
    assert refused(text).startswith("character U+")
    assert refused_key(text) == refused_line(text) == refused(text)


def test_the_sentences() -> None:
    """They follow `field: ` and say what becomes of it."""
    assert refused("ab\x85") == (
        "character U+0085 at position 3 cannot be carried: Helm's toYaml turns it into a space"
    )
    assert refused("\ud83d") == "character U+D83D at position 1 cannot be carried: it is half a character"
    assert refused_line("a\nb") == "character U+000A at position 2 has no place in a single line"
    assert refused_line(" a") == "blanks at its ends are lost"
    assert refused_line("") == "it is empty"
    assert refused_key("k" * 2000) == "a key of 2000 characters is too long: YAML readers take 1000 at most"


@pytest.mark.parametrize("key", ["<<", "k" * 1001, "\x01" * 200])
def test_keys_that_are_no_keys(key: str) -> None:
    """Law: a text that is a fine value may be no key: YAML's merge key, and what is too long when it is written."""
    assert refused(key) == ""
    assert refused_key(key)


@pytest.mark.parametrize("text", ["a\nb", "a\n", "\na", "a\rb", "\x1b[31m", " a", "a\t", "", " "])
def test_lines_are_lines(text: str) -> None:
    """Law: what stands in a file of lines neither ends its line nor loses its ends."""
    assert refused_line(text)


@pytest.mark.parametrize("text", ["a", "a\tb", "4096 87380 6291456", "|/bin/false %e", "é"])
def test_what_fits_in_a_line(text: str) -> None:
    assert refused_line(text) == ""


@pytest.mark.parametrize(("number", "said"), [(float("nan"), "nan is no number"), (float("-inf"), "-inf is no number")])
def test_no_numbers(number: float, said: str) -> None:
    """JSON has none of these; Helm would get the text Infinity."""
    assert said in refused_number(number)


def test_numbers_keep_their_digits() -> None:
    """Law: an integer that a float cannot hold must be a text. Seeded: a limit of 2^63."""
    assert refused_number((1 << 53) + 1) == "Helm does not keep all digits of 9007199254740993; put it in quotes"
    assert not any(map(refused_number, (1 << 53, -(1 << 53), True, 1.5, 1e300)))
