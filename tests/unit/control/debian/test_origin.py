"""Where packages come from, by the suites that are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.debian.origin import origin

MAIN, SECURE = "http://deb.debian.org/debian", "http://deb.debian.org/debian-security"
UBUNTU, PORTS = "http://archive.ubuntu.com/ubuntu", "http://ports.ubuntu.com/ubuntu-ports"


@pytest.mark.parametrize(
    ("said", "arch", "asked"),
    [
        ("bookworm", "amd64", {MAIN: "bookworm bookworm-updates", SECURE: "bookworm-security"}),
        ("bookworm-backports", "amd64", {MAIN: "bookworm-backports"}),
        ("bookworm-security", "amd64", {SECURE: "bookworm-security"}),
        (
            "bookworm bookworm-backports bookworm-updates",
            "arm64",
            {MAIN: "bookworm bookworm-updates bookworm-backports", SECURE: "bookworm-security"},
        ),
        ("noble", "amd64", {UBUNTU: "noble noble-updates noble-security"}),
        ("noble-updates", "arm64", {PORTS: "noble-updates"}),
    ],
)
def test_only_suites_that_there_are_are_asked_for(said: str, arch: str, asked: dict[str, str]) -> None:
    """Law: a system's suite brings its updates and security; another suite comes alone, and from where it lies.

    Seeded: updates and security of every suite; a stanza for an archive of which nothing is asked.
    """
    found = origin(tuple(said.split()), "", (), Path("keys.gpg"), arch)
    assert {archive.address: " ".join(archive.suites) for archive in found.archives} == asked
