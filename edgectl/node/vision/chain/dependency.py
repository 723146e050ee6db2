"""What a store needs besides its own stack, as its users declare it: http, tcp, mqtt, or a program of theirs.

Owns: how each kind is asked. A program runs as nobody, without new privileges, with a deadline, and of what it says
only the beginning is read. Must not know what rests on it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

from edgectl.node.io import programs
from edgectl.node.vision.chain import mqtt
from edgectl.node.vision.chain.fetched import Unheard, fetch, unheard
from edgectl.node.vision.chain.line import Line
from edgectl.node.vision.chain.said import Said
from edgectl.wire.chain import CONFIG, NETWORK, NOT_READY, READY, Dependency
from edgectl.wire.chainlook import SAYS, SILENT

TOPIC = "edgectl/chain"
_MOST_CHARACTERS = 200
Resolve = Callable[[str], str]  # a host as declared -> where it is asked; Unheard where the cluster has none


def ask(line: Line, asked: Dependency, resolve: Resolve) -> Said:
    """Ask once."""
    try:
        return _BY_KIND[asked.kind](line, asked, resolve)
    except Unheard as no:
        return Said(NOT_READY, no.reason, no.kind, SILENT if no.silent else SAYS)
    except KeyError:
        return Said(NOT_READY, f"this node does not know how to ask {asked.kind!r}", CONFIG)


def _http(line: Line, asked: Dependency, resolve: Resolve) -> Said:
    parts = urlsplit(asked.target)
    host, where = parts.hostname or "", resolve(parts.hostname or "")
    url = asked.target
    if where != host:
        url = urlunsplit(parts._replace(netloc=f"{where}:{parts.port}" if parts.port else where))
    found, want = fetch(line, url), int(asked.expect or 200)
    if found.status != want:
        return Said(NOT_READY, f"answers HTTP {found.status}, not {want}", NETWORK)
    return Said(READY, f"HTTP {found.status}")


def _tcp(line: Line, asked: Dependency, resolve: Resolve) -> Said:
    host, port = address(asked.target, 0)
    try:
        line.connect(resolve(host), port)
    except OSError as error:
        raise unheard(error) from error
    return Said(READY, "takes connections")


def _mqtt(line: Line, asked: Dependency, resolve: Resolve) -> Said:
    host, port = address(asked.target, mqtt.PORT)
    mqtt.returned(line, resolve(host), port, asked.expect or TOPIC)
    return Said(READY, "a message comes back")


def _exec(line: Line, asked: Dependency, resolve: Resolve) -> Said:
    del resolve
    ran = programs.unprivileged(asked.command, limit_seconds=line.left())
    first = next((text.strip() for text in ran.out.splitlines() if text.strip()), "")
    said = "".join(sign if sign.isprintable() else "?" for sign in first)[:_MOST_CHARACTERS]
    if ran.code is None:
        return Said(NOT_READY, f"{asked.command[0]} did not end in time, or says too much", NETWORK, SILENT)
    if ran.code:
        return Said(NOT_READY, said or f"{asked.command[0]} ended with {ran.code}", NETWORK)
    return Said(READY, said)


def address(target: str, port: int) -> tuple[str, int]:
    """Return HOST:PORT in parts; brackets of IPv6 are taken off."""
    host, colon, number = target.rpartition(":")
    if colon and number.isdecimal() and not host.endswith(":"):
        with suppress(ValueError):
            return host.strip("[]"), int(number)
    return target.strip("[]"), port


_BY_KIND = {"http": _http, "tcp": _tcp, "mqtt": _mqtt, "exec": _exec}
