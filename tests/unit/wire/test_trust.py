"""Keys and times of trust: what they are, and how a key stands by a clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgectl.wire.trust import LATEST, Signer, Trust, blob_of, moment, state_of, written

KEYS = json.loads((Path(__file__).parents[2] / "cases" / "signing" / "keys.json").read_text())
KEY = KEYS["ed25519"]["key"]


@pytest.mark.parametrize("kind", sorted(KEYS))
def test_a_key_has_its_name(kind: str) -> None:
    """A key's line, with or without a comment, has the name that `ssh-keygen -l` gives it."""
    for line in (KEYS[kind]["key"], f" {KEYS[kind]['key']} anna@ops\n"):
        assert Signer(line, "anna").fingerprint == KEYS[kind]["fingerprint"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 junk!",
        "ssh-ed25519 AAAA",
        KEY.replace("ssh-ed25519", "ssh-rsa"),
        KEY.replace("ssh-ed25519", "ssh-dss"),
        KEY.replace("ssh-ed25519", "cert-authority"),
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "ssh-ed25519 \u00e4",
    ],
)
def test_no_key(line: str) -> None:
    """What is no public key that signs is a ValueError."""
    with pytest.raises(ValueError, match="public key"):
        blob_of(line)


@pytest.mark.parametrize("seconds", [0, 1, 951782400, 1790000000, LATEST])
def test_times_come_back(seconds: int) -> None:
    """A time that is written is read as the same."""
    if seconds >= 1:
        assert moment(written(seconds)) == seconds


@pytest.mark.parametrize(
    "text", ["", "2027-01-31", "2027-13-31T12:00:00Z", "2027-02-30T12:00:00Z", "2027-01-31T12:00:00+01:00", "now"]
)
def test_no_time(text: str) -> None:
    """What is no time in UTC is a ValueError."""
    with pytest.raises(ValueError, match=r".+"):
        moment(text)


@pytest.mark.parametrize("clock", [-(10**14), 0, 10**14])
def test_every_clock_can_be_said(clock: float) -> None:
    """A clock that is wrong by any amount is a text, not a crash."""
    assert written(clock).endswith("Z")


def test_how_a_key_stands() -> None:
    """A key counts from its first second on, until its last is over; a revoked one never."""
    signer = Signer(KEY, "anna", valid_after=written(1000), valid_before=written(2000))
    trust = Trust(1, 1, (signer,))
    words = [state_of(signer, trust, now=now) for now in (999, 1000, 1999.9, 2000)]
    assert words == ["later", "valid", "valid", "ended"]
    gone = Trust(2, 2, (signer,), (signer.fingerprint,))
    assert {state_of(signer, gone, now=now) for now in (999, 1500, 2000)} == {"revoked"}
    assert state_of(Signer(KEY, "anna"), trust, now=10**10) == "valid"
