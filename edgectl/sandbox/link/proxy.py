"""The link's process: listens on this machine's loopback, connects to nodes inside the store's network.

Owns: connections, their faults, the control socket. Must not know SSH: it counts and carries bytes.
Arguments: the link's folder, the store's network namespace, then LOCAL_PORT=ADDRESS:PORT for each node.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
import time
from asyncio.trsock import TransportSocket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgectl.sandbox.link.conditions import Conditions, Counters, Fault
from edgectl.sandbox.link.line import CHUNK_BYTES, Bucket, Line
from edgectl.sandbox.link.netns import Doorway
from edgectl.sandbox.link.place import control_address
from edgectl.wire.document import to_json

_CONNECT_SECONDS = 10
_BUFFER_BYTES = 256 << 10  # what the kernel may hold at each end, so that "sent" is not far from "arrived"


class LoopClock:
    """The real time, waited for by the event loop."""

    def now(self) -> float:
        """Return seconds since some point in the past."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Proxy:
    """All connections of one store, under one set of conditions."""

    def __init__(self, doorway: Doorway, targets: dict[int, tuple[str, int]]) -> None:
        self.conditions = Conditions()
        self._whole = asyncio.Event()
        self._whole.set()
        self._doorway = doorway
        self._targets = targets
        self._clock = LoopClock()
        self._up, self._down = Bucket(self._clock), Bucket(self._clock)
        self._listeners: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes = {"up": 0, "down": 0}
        self._connections = self._failed = 0

    async def listen(self) -> None:
        """Accept connections on every node's port."""
        if self._listeners:
            return
        for port, target in self._targets.items():
            listener = await asyncio.start_server(
                self._accepting(target), "127.0.0.1", port, limit=4 * CHUNK_BYTES, start_serving=False
            )
            for end in listener.sockets:
                _tune(end)  # what it accepts takes after it
            await listener.start_serving()
            self._listeners.append(listener)

    async def change(self, conditions: Conditions) -> None:
        """Make the line so, from now on, for existing connections too."""
        self.conditions = conditions
        if conditions.fault is Fault.HOLE:
            self._whole.clear()
        else:
            self._whole.set()
        if conditions.fault is not Fault.CUT:
            await self.listen()
            return
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def counters(self) -> Counters:
        """Return what has been counted so far."""
        return Counters(self._bytes["up"], self._bytes["down"], self._connections, len(self._tasks), self._failed)

    def _accepting(
        self, target: tuple[str, int]
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._carry(reader, writer, target))
            self._tasks.add(task)
            self._connections += 1
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
            self._tasks.discard(task)

        return accept

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int]) -> None:
        """Carry one connection to its end. What ends it early is a reset at both ends, once that can get through."""
        ends = [writer]
        orderly = False
        try:
            await asyncio.sleep(self.conditions.rtt_ms / 1000)  # the handshake's way there and back
            await self._whole.wait()
            far_reader, far_writer = await self._reach(target)
            ends.append(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer, self._up, "up"))
                both.create_task(self._pump(far_reader, writer, self._down, "down"))
            orderly = True
        except* (OSError, TimeoutError):
            self._failed += 1
            await self._whole.wait()
        finally:
            for end in ends:
                _close(end, reset=not orderly)

    async def _reach(self, target: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        far = self._doorway.socket()
        far.setblocking(False)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(far, target)
        except BaseException:
            far.close()
            raise
        _tune(far)
        return await asyncio.open_connection(sock=far, limit=4 * CHUNK_BYTES)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bucket: Bucket, direction: str
    ) -> None:
        line = Line(bucket, lambda: self.conditions, self._whole, self._clock)

        async def deliver(chunk: bytes) -> None:
            if not chunk:
                if writer.can_write_eof() and not writer.is_closing():
                    writer.write_eof()
                return
            writer.write(chunk)
            await writer.drain()
            self._bytes[direction] += len(chunk)

        async def feed() -> None:
            while True:
                chunk = await reader.read(CHUNK_BYTES)
                await line.send(chunk)
                if not chunk:
                    return

        async with asyncio.TaskGroup() as both:
            both.create_task(feed())
            both.create_task(line.run(deliver))


def _tune(end: socket.socket | TransportSocket) -> None:
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        end.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)


def _close(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        end = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close sends RST
        writer.transport.abort()
    else:
        writer.close()


async def serve(folder: Path, netns: Path, targets: dict[int, tuple[str, int]]) -> None:
    """Run until killed. One JSON object a line on the control socket: conditions to set, or {} to ask."""
    proxy = Proxy(Doorway(netns), targets)
    await proxy.listen()

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer: dict[str, Any]
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                wanted = json.loads(await reader.readline() or b"{}")
            if wanted:
                if "fault" in wanted:
                    wanted["fault"] = Fault(wanted["fault"])
                await proxy.change(replace(proxy.conditions, **wanted))
            answer = {"conditions": to_json(proxy.conditions), "counters": to_json(proxy.counters())}
        except (ValueError, TypeError, OSError, TimeoutError) as error:
            answer = {"error": str(error)}
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    with control_address(folder) as address:
        server = await asyncio.start_unix_server(control, address)
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    """Run the link of one store."""
    folder, netns, *routes = arguments
    os.chdir("/")
    targets = {}
    for route in routes:
        port, _, target = route.partition("=")
        address, _, target_port = target.rpartition(":")
        targets[int(port)] = (address, int(target_port))
    asyncio.run(serve(Path(folder), Path(netns), targets))


if __name__ == "__main__":
    main(sys.argv[1:])
