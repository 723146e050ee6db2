"""A network camera for tests: an RTSP server over TCP that plays a transport stream, or hangs where it is told to.

RFC 2326 as far as FFmpeg asks; the pictures go as RTP payload 33 (MPEG transport stream) between the answers.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

_CELL = 188  # bytes of a transport stream's packet
_CELLS = 7  # in one RTP packet, as usual
_SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=door\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track1\r\n"


class NetworkCamera:
    """Listens at `url`. `hangs`: at "OPTIONS", "DESCRIBE", "PLAY" it says nothing any more, nor hangs up."""

    def __init__(self, film: Path, *, hangs: str = "", status: str = "200 OK") -> None:
        self._film, self._hangs, self._status = film.read_bytes(), hangs, status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/door"
        self._ended = threading.Event()
        self._open: list[socket.socket] = []
        self.asked: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Be gone."""
        self._ended.set()
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Hang up on everybody."""
        for sock in self._open:
            sock.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        rest = b""
        try:
            while not self._ended.is_set():
                while b"\r\n\r\n" not in rest:
                    more = sock.recv(4096)
                    if not more:
                        return
                    rest += more
                head, _, rest = rest.partition(b"\r\n\r\n")
                self._answer(sock, head.decode())
        except OSError:
            return

    def _answer(self, sock: socket.socket, head: str) -> None:
        verb = head.split(" ", 1)[0]
        self.asked.append(verb)
        number = re.search(r"CSeq: *(\d+)", head)
        assert number is not None
        if verb == self._hangs != "PLAY":
            self._ended.wait()
        lines = [f"RTSP/1.0 {self._status}", f"CSeq: {number[1]}", "Session: 1"]
        body = ""
        if verb == "OPTIONS":
            lines = ["RTSP/1.0 200 OK", *lines[1:], "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"]
        elif verb == "DESCRIBE":
            body = _SDP
            lines += ["Content-Type: application/sdp", f"Content-Base: {self.url}/", f"Content-Length: {len(body)}"]
        elif verb == "SETUP":
            lines += ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"]
        sock.sendall("\r\n".join([*lines, "", body]).encode())
        if verb == "PLAY":
            for packet in self._packets():
                sock.sendall(packet)
            if self._hangs:
                self._ended.wait()
            sock.close()

    def _packets(self) -> Iterator[bytes]:
        size = _CELL * _CELLS
        for number, at in enumerate(range(0, len(self._film), size)):
            rtp = struct.pack("!BBHII", 0x80, 33, number & 0xFFFF, number * 3000, 42) + self._film[at : at + size]
            yield struct.pack("!cBH", b"$", 0, len(rtp)) + rtp
