"""Answers of a web server that never end, in every place where something may stand."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler


class Endless:
    """Sends a head, then the same again and again, until who reads has had enough (or 64 MB were taken)."""

    def __init__(self, parts: tuple[bytes, bytes]) -> None:
        self._head, self._again = parts
        self.bytes = 0

    def give(self, handler: BaseHTTPRequestHandler) -> None:
        """Send."""
        handler.wfile.write(self._head)
        piece = self._again * (65536 // len(self._again) or 1)
        while self.bytes < 64 << 20:
            handler.wfile.write(piece)
            self.bytes += len(piece)


_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS: tuple[tuple[str, tuple[bytes, bytes], str], ...] = (
    ("content", (_OK + b"\r\n", b"x"), "longer than 65536 bytes|other bytes|cannot be read"),
    ("a status line", (b"HTTP/1.1 200 ", b"x"), "could not be read"),
    ("headers", (_OK, b"A: b\r\n"), "could not be read"),
    ("a header", (_OK + b"A: ", b"x"), "could not be read"),
    ("first answers", (b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "sends without end"),
    (
        "a redirect's words",
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", b"x"),
        "has nothing for|nobody has signed|is missing",
    ),
    ("a chunk's name", (_CHUNKED, b"1;" + b"x" * 65000 + b"\r\ny\r\n"), "sends without end|longer|other bytes"),
    ("what follows chunks", (_CHUNKED + b"1\r\ny\r\n0\r\n", b"A: b\r\n"), "sends without end|broke off|could not"),
    ("what is missing", (b"HTTP/1.1 404 Not Found\r\n\r\n", b"x"), "has nothing for|nobody has signed|is missing"),
)
