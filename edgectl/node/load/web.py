"""A bundle on a static web server, over a line that may be slow, cut, or somebody else's.

Owns: how it is asked: ranges, redirects, deadlines, the slowest rate. What it gives is believed by digest only, so
plain http will do; nothing is sent but the names of files.
"""

from __future__ import annotations

import http.client
import io
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from edgectl.node.load.source import CHUNK
from edgectl.wire.errors import EdgectlError, Refused, Unreachable

_SILENCE_SECONDS = 30.0  # of one read, or of a connection that is made
_WINDOW_SECONDS = 60.0
_LEAST_RATE = 1024  # bytes a second, over each window: what is slower holds the store for days
_REDIRECTS = 5
_AROUND_BYTES = 1 << 20  # headers, what a redirect says, how content is cut: all that comes beside content
_NOT_FOUND = frozenset({404, 410})
_PARTIAL = 206
_AGAIN = "run the same command again: it goes on where it broke off"
_PLAIN = "switch gzip and the like off for this folder of the server"
_HINT = "publish the exported folder anew, whole; edgectl bundle verify says all that is wrong with one"


class Web:
    """One directory of a server."""

    kind = "pull"

    def __init__(self, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.name = url.rstrip("/")
        self._monotonic = monotonic
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            _Http(monotonic),
            _Https(monotonic),
            _Redirects(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
        ):
            self._opener.add_handler(handler)

    def small(self, path: str, most: int) -> bytes | None:
        """Return a whole small file, None when there is none."""
        with self._told(path), self._asked(path, 0, most) as answer:
            if answer is None:
                return None
            data = b""
            while len(data) <= most and (piece := answer.read1(most + 1 - len(data))):
                data += piece
        if len(data) > most:
            raise Refused(f"{self.name}/{path} is longer than {most} bytes", hint=_HINT)
        return data

    def read(self, path: str, *, size: int, offset: int) -> Iterator[bytes]:
        """Yield the bytes of a file from an offset on; a server that knows no ranges gives what is here once more."""
        if offset >= size:
            return
        with self._told(path), self._asked(path, offset, size) as answer:
            if answer is None:
                raise Refused(f"{self.name} does not hold all: {path} is missing", hint=_HINT)
            at = offset if answer.status == _PARTIAL else 0
            if at and not str(answer.headers.get("Content-Range", "")).startswith(f"bytes {offset}-"):
                raise Refused(f"{self.name}/{path}: the server gives another range than it was asked for", hint=_AGAIN)
            while at < size:
                piece = answer.read1(min(CHUNK, size - at))
                if not piece:
                    raise Unreachable(f"{self.name}/{path} broke off at byte {at} of {size}", hint=_AGAIN)
                at += len(piece)
                if at > offset:
                    yield piece[max(0, len(piece) - (at - offset)) :]

    @contextmanager
    def _asked(self, path: str, offset: int, most: int) -> Iterator[_Response | None]:
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={offset}-"} if offset else {})}
        asked = urllib.request.Request(f"{self.name}/{path}", headers=headers)  # noqa: S310 - source_of has judged it
        try:
            answer = cast("_Response", self._opener.open(asked, timeout=_SILENCE_SECONDS))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in _NOT_FOUND:
                raise
            yield None
            return
        with answer:
            packed = str(answer.headers.get("Content-Encoding") or "identity")
            if packed.strip().lower() != "identity":
                raise Refused(f"{self.name}/{path}: the server packs it ({packed:.20}), unasked", hint=_PLAIN)
            answer.line.left += 2 * most  # small chunks have long heads
            yield answer

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """Turn what goes wrong on the line into a sentence."""
        try:
            yield
        except EdgectlError:
            raise
        except urllib.error.HTTPError as error:
            raise Unreachable(
                f"{self.name}/{path}: the server answers {error.code} {error.reason!s:.100}", hint=_AGAIN
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unreachable(f"{self.name}/{path}", error) from error


def _unreachable(url: str, error: Exception) -> Unreachable:
    why: object = error.reason if isinstance(error, urllib.error.URLError) else error
    hint = _AGAIN
    if isinstance(why, ssl.SSLCertVerificationError):
        hint = f"is this node's clock right ({time.strftime('%F %H:%M UTC', time.gmtime())})? else look at the server"
        why = why.verify_message
    return Unreachable(f"{url} could not be read: {why!s:.200}", hint=hint)


class _GivenUp(OSError):
    """Less came than the slowest line gives, or more than anything that was asked for."""


class _Paced(io.RawIOBase):
    """What comes from a server, headers too, no slower and no more than may; only time that is waited in here counts.

    Headers that never end, what stands in a redirect, and the frame of chunks are no content and are read all the same.
    """

    def __init__(self, raw: Any, monotonic: Callable[[], float]) -> None:
        self.left = _AROUND_BYTES
        self._raw = raw
        self._monotonic = monotonic
        self._waited = 0.0
        self._came = 0

    def readable(self) -> bool:
        """Say that it is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read once."""
        began = self._monotonic()
        count = int(self._raw.readinto(buffer) or 0)
        self._waited += self._monotonic() - began
        self._came += count
        self.left -= count
        if self.left < 0:
            raise _GivenUp("the server sends without end; given up")
        if self._waited >= _WINDOW_SECONDS:
            if self._came < _LEAST_RATE * self._waited:
                raise _GivenUp(f"only {self._came} bytes came in {self._waited:.0f} s; given up")
            self._waited, self._came = 0.0, 0
        return count

    def close(self) -> None:
        """Close the line, too."""
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, monotonic: Callable[[], float], **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.line = _Paced(self.fp.detach(), monotonic)
        self.fp = io.BufferedReader(self.line)


def _connecting(kind: Any, monotonic: Callable[[], float]) -> Callable[..., http.client.HTTPConnection]:
    def connect(host: str, **options: Any) -> http.client.HTTPConnection:
        made: http.client.HTTPConnection = kind(host, **options)
        made.response_class = cast("Any", lambda sock, **how: _Response(sock, monotonic=monotonic, **how))
        return made

    return connect


class _Http(urllib.request.HTTPHandler):
    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic

    def http_open(self, req: urllib.request.Request) -> Any:
        """Ask over plain http."""
        return self.do_open(cast("Any", _connecting(http.client.HTTPConnection, self._monotonic)), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__(context=ssl.create_default_context())
        self._monotonic = monotonic
        self._checks = ssl.create_default_context()

    def https_open(self, req: urllib.request.Request) -> Any:
        """Ask over TLS."""
        kind = _connecting(http.client.HTTPSConnection, self._monotonic)
        return self.do_open(cast("Any", kind), req, context=self._checks)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """A few, and only to where a person could have pointed, never from TLS to plain text."""

    max_redirections = _REDIRECTS

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Follow, or say where it would have led."""
        scheme = newurl.partition(":")[0].lower()
        if scheme not in {"http", "https"} or (req.type == "https" and scheme != "https"):
            raise urllib.error.HTTPError(newurl, code, f"a redirect to {newurl:.80} is not followed", headers, fp)
        fp.close()  # what stands in it is not read, as urllib would, to its end
        return super().redirect_request(req, fp, code, msg, headers, newurl)
