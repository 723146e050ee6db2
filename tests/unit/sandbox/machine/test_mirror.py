"""Where another suite than the host's comes from, and what is said where it cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.sandbox.machine import mirror
from edgectl.sandbox.machine.base import base_image
from edgectl.sandbox.machine.command import Completed
from edgectl.sandbox.machine.mirror import SYSTEMS, mirror_of, mirrors_in, sources_of
from edgectl.wire.errors import InvalidInput, NotReady, StepFailed

DEBIAN = """\
http://deb.debian.org/debian bookworm main
http://deb.debian.org/debian bookworm contrib
http://deb.debian.org/debian bookworm-updates main
http://deb.debian.org/debian-security bookworm-security main
cdrom:[Debian] bookworm main
https://packages.example.com/apt nodistro main
"""
UBUNTU = "http://archive.ubuntu.com/ubuntu noble main\nhttp://archive.ubuntu.com/ubuntu noble universe\n"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Let the host be a Debian 12 whose debootstrap knows all suites."""
    for suite in SYSTEMS.values():
        (tmp_path / suite).touch()
    monkeypatch.setattr(mirror, "_SCRIPTS", tmp_path)
    monkeypatch.setattr(mirror, "_KEYRINGS", ())
    of(monkeypatch, "bookworm", DEBIAN)
    return monkeypatch


def of(patch: pytest.MonkeyPatch, suite: str, targets: str) -> None:
    """Let the host be of a suite, with these sources."""
    release = {"VERSION_CODENAME": suite} if suite else {"PRETTY_NAME": "Void"}
    patch.setattr("platform.freedesktop_os_release", lambda: release)
    patch.setattr(mirror, "run", lambda argv, **_: Completed(tuple(argv), 0, targets, "", 0.1))


def test_apts_own_word_about_mirrors() -> None:
    """By suite; a CD is none, nor is what has no component main."""
    assert mirrors_in(DEBIAN) == {
        "bookworm": "http://deb.debian.org/debian",
        "bookworm-updates": "http://deb.debian.org/debian",
        "bookworm-security": "http://deb.debian.org/debian-security",
        "nodistro": "https://packages.example.com/apt",
    }


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_debians_mirror_has_all_of_debians_suites(host: pytest.MonkeyPatch, suite: str) -> None:
    """The host's own, without another source."""
    del host
    assert mirror_of(suite) == "http://deb.debian.org/debian"


def test_the_sources_of_another_suite_are_those_of_the_hosts_own(host: pytest.MonkeyPatch) -> None:
    """Updates and security fixes where the host has them; nothing of third parties."""
    del host
    assert sources_of("trixie") == (
        "deb http://deb.debian.org/debian trixie main\n"
        "deb http://deb.debian.org/debian trixie-updates main\n"
        "deb http://deb.debian.org/debian-security trixie-security main\n"
    )


def test_what_cannot_be_had_is_refused_by_name(host: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another distribution's; a suite that debootstrap does not know. With what to do, and before anything is made."""
    with pytest.raises(NotReady, match=r"ubuntu-24\.04 cannot be had on this machine: its apt sources name no") as none:
        mirror_of("noble")
    assert none.value.hint.startswith("Add a source for noble to /etc/apt/sources.list.d")
    (tmp_path / "trixie").unlink()
    with pytest.raises(NotReady, match=r"debian-13 cannot be had on this machine: its debootstrap does not know it"):
        mirror_of("trixie")
    of(host, "bookworm", "")
    with pytest.raises(StepFailed, match="name no mirror for bookworm main"):
        mirror_of("bookworm")


def test_a_source_that_names_the_suite_is_enough(host: pytest.MonkeyPatch) -> None:
    """Of whatever distribution the host is."""
    of(host, "bookworm", DEBIAN + UBUNTU)
    assert mirror_of("noble") == "http://archive.ubuntu.com/ubuntu"
    of(host, "noble", UBUNTU)
    assert mirror_of("jammy") == "http://archive.ubuntu.com/ubuntu"
    of(host, "", UBUNTU)
    with pytest.raises(StepFailed, match="Void has no suite name"):
        mirror_of("trixie")


def test_an_unknown_system_is_refused_with_those_that_are_known() -> None:
    """A typing error must not become the host's own."""
    with pytest.raises(InvalidInput, match="'debian-14' is no system") as wrong:
        base_image(lambda _: None, "debian-14")
    assert wrong.value.hint == "There are debian-12, debian-13, ubuntu-22.04, ubuntu-24.04."
