"""Addresses of loopback for one store: each Service has one of its own, with the port that it has in a cluster."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import pytest

SERVICES = ("camera", "inference", "bus", "uplink", "drift", "sink", "till", "switch", "shelves")
_CLAIM = 47471  # held as long as the network is used: tests run beside each other


@dataclass(frozen=True)
class Network:
    """All of 127.0.`number`, with one claim."""

    number: int
    held: socket.socket

    def of(self, service: str) -> str:
        """Return a Service's address."""
        return f"127.0.{self.number}.{SERVICES.index(service) + 1}"

    def port(self, service: str, wanted: int) -> int:
        """Return the port that a Service has in a cluster; another one where this machine itself listens there."""
        for number in (wanted, 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((self.of(service), number))
                except OSError:
                    continue
                return int(probe.getsockname()[1])
        raise AssertionError("no port is free")

    def close(self) -> None:
        """Let others have it."""
        self.held.close()


def claimed() -> Network:
    """Return a network that nobody else uses."""
    for number in range(1, 255):
        held = socket.socket()
        try:
            held.bind((f"127.0.{number}.254", _CLAIM))
        except OSError:
            held.close()
            continue
        return Network(number, held)
    pytest.fail("all networks of loopback are taken")
