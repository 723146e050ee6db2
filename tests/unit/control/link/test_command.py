"""The one command line: short, plain, and safe for any login shell."""

from __future__ import annotations

import pytest

from edgectl.control.link.command import LIMIT_BYTES, Request

_FOLDER = "/var/lib/edgectl/runtimes/" + "f" * 64


@pytest.mark.parametrize("has_password", [True, False])
def test_it_is_short_and_plain(*, has_password: bool) -> None:
    """At most 1.5 KB; two quoted words in which no shell sees anything special."""
    text = Request(folder=_FOLDER, program_bytes=5000, has_password=has_password).text()
    assert len(text) <= LIMIT_BYTES
    assert text.count("'") == 4
    assert not set("!\n\t@") & set(text)
    assert "\\'" not in text
    assert "\\\\" not in text  # fish reads a doubled backslash in single quotes as one


def test_the_password_is_not_in_it() -> None:
    """The command line only says that there is one."""
    ours, theirs = (Request(folder=_FOLDER, program_bytes=1, has_password=has).text() for has in (True, False))
    assert ours.replace("[ 1 = 1 ]", "[ 0 = 1 ]") == theirs


@pytest.mark.parametrize("folder", ["relative", "/var/lib/$(reboot)", "/var/lib/a b", "/var/lib/x'", "/x;y", ""])
def test_a_folder_that_a_shell_would_read_otherwise_is_refused(folder: str) -> None:
    """Nothing is quoted that could instead be refused."""
    with pytest.raises(ValueError, match="plain absolute path"):
        Request(folder=folder, program_bytes=1).text()


def test_an_argument_that_a_shell_would_read_otherwise_is_refused() -> None:
    """The same for what the engine is started with."""
    with pytest.raises(ValueError, match="plain words"):
        Request(folder=_FOLDER, program_bytes=1, arguments=("session", "a b")).text()
