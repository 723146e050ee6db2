"""`edgectl-node load` of each stick of tests/corrupt*.py: refused with its cause named, and nothing live changes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.corrupt import GOOD, UNSIGNED, good
from tests.corrupt_signed import SIGNED
from tests.hostile import Keys, Rack, SignedStick, unharmed
from tests.stick import NOW

CASES = UNSIGNED | SIGNED
YEAR = 365 * 86400


@pytest.fixture(scope="module")
def whole(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> SignedStick:
    """Make the good stick once."""
    return good(tmp_path_factory.mktemp("whole"), keys)


def test_there_are_enough_of_them(whole: SignedStick, node: Rack, capsys: pytest.CaptureFixture[str]) -> None:
    """And what they are made of is good: it is taken."""
    assert len(CASES) == len(UNSIGNED) + len(SIGNED) >= 150
    assert (node.command(whole.root, capsys).code, node.serves) == (0, GOOD.digest)
    assert node.places.blob(next(iter(GOOD.blobs))).is_file()


@pytest.mark.parametrize("name", CASES)
def test_a_corrupt_stick_is_refused(
    name: str, whole: SignedStick, node: Rack, keys: Keys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its exit code, the cause and what to do next; all that is live stands as before; the good stick converges."""
    shutil.copytree(whole.root, tmp_path / "usb")
    stick, case = SignedStick(tmp_path / "usb", whole.engine, keys), CASES[name]
    try:
        case.spoil(stick)
    except PermissionError:
        assert name.endswith("a device")
        pytest.skip("no device can be made here")
    with unharmed(node):
        said = node.command(stick.root, capsys)
    assert said.code == case.code, said
    first, *rest = said.err.splitlines()
    assert re.search(case.says, first), said.err
    assert first.startswith("edgectl-node: ")
    assert first.isprintable()
    assert "  runs now: what ran before; this has changed nothing" in rest
    assert rest[-1].startswith("  next: "), said.err
    said = node.command(whole.root, capsys)
    assert (said.code, node.serves) == (0, GOOD.digest), said


@pytest.mark.parametrize(("now", "code"), [(NOW + 10 * YEAR, 11), (NOW - 10 * YEAR, 0), (0, 0)])
def test_a_clock_that_is_a_decade_wrong(
    now: int, code: int, whole: SignedStick, node: Rack, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ahead: refused, and the sentence says what the clock says; set right, the same stick is taken. Behind: taken."""
    node.now = now
    if code:
        with unharmed(node):
            said = node.command(whole.root, capsys)
        assert (said.code, "has expired" in said.err) == (code, True), said
        assert "this node's clock says 2037-01-12" in said.err
        assert "timedatectl" in said.err
        node.now = NOW + 60
    assert (node.command(whole.root, capsys).code, node.serves) == (0, GOOD.digest)


def test_a_clock_of_1970_opens_nothing(
    whole: SignedStick, node: Rack, keys: Keys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is older than the trust, and keys that do not count yet by all that the node knows, are refused there."""
    node.now = 0
    shutil.copytree(whole.root, tmp_path / "usb")
    stick = SignedStick(tmp_path / "usb", whole.engine, keys)
    for fields, says in (
        ({"serial": NOW - 2000}, "is old"),
        ({"who": "nora"}, "counts from"),
        ({"who": "rita"}, "revoked"),
    ):
        stick.give(GOOD, **fields)
        with unharmed(node):
            said = node.command(stick.root, capsys)
        assert (said.code, says in said.err) == (11, True), said
