"""A name server is asked the smallest question there is."""

from __future__ import annotations

import socket
from threading import Thread

import pytest

from edgectl.node.survey.resolver import silent


@pytest.mark.loopback("a name server on this machine is what is asked")
def test_one_that_answers_anything_is_there() -> None:
    """Also when it refuses; one that says nothing in time, or is no address, is silent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]

        def answer() -> None:
            asked, who = server.recvfrom(512)
            server.sendto(asked[:2] + b"\x81\x85" + asked[4:], who)

        thread = Thread(target=answer)
        thread.start()
        assert silent(("127.0.0.1",), port=port) == ()
        thread.join()
        assert silent(("127.0.0.1", "not an address"), port=port, seconds=0.05) == ("127.0.0.1", "not an address")
