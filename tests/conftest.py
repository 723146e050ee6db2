"""The guard of tests that need no store: nothing in tests/unit and tests/laws starts a program or opens a connection.

Owns which tests are exempt, each with its reason. An audit hook sees every way to start a program or to connect; what
a product's own `except OSError` might swallow is reported when the test ends.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
GUARDED = ("unit", "laws")
PROGRAMS = (  # (where, why) programs are part of what is tested
    ("unit/control/bundle/test_helm.py", "a stand-in for Helm is started as Helm is"),
    ("unit/control/payload/test_kubernetes.py", "the drop-in's shell line is run as systemd would run it"),
)
LOOPBACK = (("unit/stack", "the inference service answers over HTTP"),)
STARTS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn"}
)
CONNECTS = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
RESOLVES = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyname_ex"})


class Guarded(RuntimeError):
    """A test that needs no store has reached for a program or for the network."""


@dataclass
class Guard:
    """What is allowed now, and what was tried all the same."""

    armed: bool = False
    programs: bool = False
    loopback: bool = False
    seen: list[str] = field(default_factory=list)

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Take an audit event; raises Guarded for what is not allowed."""
        if not self.armed:
            return
        if event in STARTS:
            allowed = self.programs
        elif event in CONNECTS:
            allowed = is_local(args[1], loopback=self.loopback)
        elif event in RESOLVES:
            allowed = is_local((args[0],), loopback=self.loopback)
        else:
            return
        if not allowed:
            self.seen.append(f"{event}{args!r}"[:300])
            raise Guarded(self.seen[-1])


def is_local(address: object, *, loopback: bool) -> bool:
    """Return whether an address stays on this machine: AF_UNIX, or loopback where that is allowed."""
    if not isinstance(address, tuple):
        return address is None or isinstance(address, (str, bytes))  # a path; None: an already connected datagram
    host = address[0].decode() if isinstance(address[0], bytes) else str(address[0])
    return loopback and (host in {"localhost", "::1"} or host.startswith("127."))


GUARD = Guard()


def pytest_configure(config: pytest.Config) -> None:
    """Install the hook (it stays as long as the process) and name the markers."""
    config.addinivalue_line("markers", "programs(why): a test of tests/unit or tests/laws that starts programs")
    config.addinivalue_line("markers", "loopback(why): a test of tests/unit or tests/laws that uses 127.0.0.1")
    sys.addaudithook(GUARD.hook)


@pytest.fixture(autouse=True)
def guard(request: pytest.FixtureRequest) -> Iterator[Guard | None]:
    """Arm the guard for one test, and fail the test that has tried to get around it."""
    place = request.path.relative_to(HERE) if request.path.is_relative_to(HERE) else Path()
    if place.parts[:1] not in {(name,) for name in GUARDED}:
        yield None
        return
    GUARD.programs = exempt(place, PROGRAMS) or request.node.get_closest_marker("programs") is not None
    GUARD.loopback = exempt(place, LOOPBACK) or request.node.get_closest_marker("loopback") is not None
    GUARD.seen.clear()
    GUARD.armed = True
    yield GUARD
    GUARD.armed = False
    if GUARD.seen:
        pytest.fail(f"a test without a store tried: {', '.join(GUARD.seen)}")


def exempt(place: Path, rules: tuple[tuple[str, str], ...]) -> bool:
    """Return whether a test file is named by one of the rules."""
    return any(place.is_relative_to(where) for where, _ in rules)
