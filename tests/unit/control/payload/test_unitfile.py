"""Templates of unit files: nothing that they are given ends its line, its quotes or its command."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from edgectl.control.assets import templates
from edgectl.control.payload import unitfile
from edgectl.control.payload.unitfile import unit_text
from edgectl.wire.errors import InvalidInput
from tests.strings import REFUSED, SHORT

UNITS = templates() / "k3s"
ACTIVE = set("\"'\\%$;#&|<>()*?[]{}~!^` \t\r\n")


def test_a_unit_gets_its_values() -> None:
    """Words, and words with single blanks between them."""
    text = unit_text(UNITS, "k3s.service.j2", binary="/usr/local/bin/k3s", role="server")
    assert text.endswith("\nExecStart=/usr/local/bin/k3s server\n")


@pytest.mark.parametrize("name", [*SHORT, *REFUSED])
def test_no_value_breaks_out(name: str) -> None:
    """Law: a value stands in the unit as it is, in one line and without meaning to systemd or sh, or is refused.

    Seeded: no `finalize`.
    """
    value = {**SHORT, **REFUSED}[name]
    try:
        text = unit_text(UNITS, "k3s.service.j2", binary=value, role="server")
    except InvalidInput as error:
        assert "a unit of systemd cannot hold" in error.message  # noqa: PT017 - the other outcome is as good
        return
    assert text.splitlines()[-1] == f"ExecStart={value} server"
    assert not set(value) & (ACTIVE - {" "})
    assert value


@pytest.mark.parametrize("path", ["/a\nExecStartPre=/bin/x", "/a'; reboot '", "/a%n", "/a$(id)", "/a b  c", "/a\\", ""])
def test_no_path_ends_the_shell_line(path: str) -> None:
    """Law: the drop-in's shell line reads each path as one word. Seeded: a pattern with `re.match`."""
    with pytest.raises(InvalidInput, match="a unit of systemd cannot hold"):
        unit_text(UNITS, "10-edgectl.conf.j2", started_with=("/etc/x", path))


def test_a_value_that_is_missing_is_an_error() -> None:
    """Law: no hole is filled with nothing. Seeded: jinja2.Undefined."""
    with pytest.raises(UndefinedError, match="'role' is undefined"):
        unit_text(UNITS, "k3s.service.j2", binary="/usr/local/bin/k3s")


def test_a_template_reaches_no_python(tmp_path: Path) -> None:
    """Law: a template of an edited checkout cannot run code on the operator's machine. Seeded: Environment."""
    (tmp_path / "x.j2").write_text("{{ ''.__class__.__mro__[1].__subclasses__() | join('') }}")
    with pytest.raises(SecurityError):
        unit_text(tmp_path, "x.j2")


def test_templates_are_compiled_once() -> None:
    """Law: thousands of stores compile nothing. Seeded: an Environment each call."""
    first = unitfile._environment(UNITS).get_template("k3s.service.j2")
    assert unitfile._environment(UNITS).get_template("k3s.service.j2") is first
