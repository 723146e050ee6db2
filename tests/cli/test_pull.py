"""A web server that nobody vouches for: ranges, redirects, cuts, endless and slow answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edgectl.node.io.places import Places
from edgectl.node.load import web
from edgectl.node.load.copy import Copying
from edgectl.node.load.web import Web
from edgectl.node.receive import want
from edgectl.wire.document import digest_of
from edgectl.wire.errors import Refused, Unreachable

DATA = bytes(range(256)) * 10_000
NAME = "/b/blobs/sha256/" + digest_of(DATA)[7:]
Handler = BaseHTTPRequestHandler


class Site:
    """One server; `answers` says what is done for a path, else a file is given, by ranges."""

    def __init__(self) -> None:
        self.files = {NAME: DATA}
        self.answers: dict[str, Callable[[Handler], object]] = {}
        self.asked: list[tuple[str, str]] = []
        site = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, self.headers.get("Range", "")))
                site.answers.get(self.path, site.give)(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/b"

    def give(self, handler: Handler, *, ranges: bool = True, upto: int | None = None) -> None:
        """Give a file, or a part of it."""
        data = self.files.get(handler.path)
        if data is None:
            handler.send_error(404)
            return
        begin = int(handler.headers.get("Range", "bytes=0-")[6:-1]) if ranges else 0
        handler.send_response(206 if begin else 200)
        if begin:
            handler.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - begin))
        handler.end_headers()
        handler.wfile.write(data[begin:upto])

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a server on this machine, asked directly."""
    monkeypatch.setenv("no_proxy", "*")
    made = Site()
    yield made
    made.close()


def bring(site: Site, folder: Path) -> bytes:
    """Copy the blob; return what is there under its name."""
    places = Places(folder)
    Copying(places, Web(site.url), lambda _: None).bring(want(places, {digest_of(DATA): len(DATA)}))
    return places.blob(digest_of(DATA)).read_bytes()


def test_a_cut_costs_only_what_is_missing(site: Site, tmp_path: Path) -> None:
    """Exit 4 with the byte; the same again asks for the rest alone, and the whole has its digest."""
    site.answers[NAME] = lambda handler: site.give(handler, upto=1_000_000)
    with pytest.raises(Unreachable, match=r"broke off at byte 1000000 of 2560000|IncompleteRead") as caught:
        bring(site, tmp_path)
    assert "goes on where it broke off" in caught.value.hint
    site.answers.clear()
    assert bring(site, tmp_path) == DATA
    assert [asked for _, asked in site.asked] == ["", "bytes=1000000-"]


def test_a_server_without_ranges_is_read_from_its_beginning(site: Site, tmp_path: Path) -> None:
    """What is here already is passed over; the whole has its digest."""
    site.answers[NAME] = lambda handler: site.give(handler, upto=1_000_001)
    with pytest.raises(Unreachable):
        bring(site, tmp_path)
    site.answers[NAME] = lambda handler: site.give(handler, ranges=False)
    assert bring(site, tmp_path) == DATA


def test_a_range_that_was_not_asked_for_is_refused(site: Site) -> None:
    """Its bytes would be put at a wrong place."""

    def other(handler: Handler) -> None:
        handler.send_response(206)
        handler.send_header("Content-Range", "bytes 0-9/10")
        handler.end_headers()
        handler.wfile.write(b"0123456789")

    site.answers[NAME] = other
    with pytest.raises(Refused, match="another range"):
        list(Web(site.url).read(NAME[3:], size=len(DATA), offset=5))


def test_data_without_end_is_left_at_its_signed_size(site: Site, tmp_path: Path) -> None:
    """Never a byte more is read or written; an offer without end is refused."""
    stop = threading.Event()

    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not stop.is_set():
                handler.wfile.write(b"x" * 65536)
        except OSError:
            pass

    site.answers[NAME] = site.answers["/b/offers/s.json"] = endless
    places = Places(tmp_path)
    with pytest.raises(Refused, match="other bytes"):
        bring(site, tmp_path)
    assert list(places.staging.iterdir()) == []
    assert sum(map(len, Web(site.url).read(NAME[3:], size=len(DATA), offset=0))) == len(DATA)
    with pytest.raises(Refused, match="longer than 65536 bytes"):
        Web(site.url).small("offers/s.json", 65536)
    stop.set()


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "/b/loop"])
def test_redirects_lead_to_no_other_scheme_and_end(to: str, site: Site) -> None:
    """Exit 4, after five at most."""

    def redirect(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to.replace("loop", f"loop{len(site.asked)}"))
        handler.end_headers()

    site.answers[NAME] = redirect
    site.answers |= {f"/b/loop{number}": redirect for number in range(1, 30)}
    with pytest.raises(Unreachable):
        list(Web(site.url).read(NAME[3:], size=len(DATA), offset=0))
    assert len(site.asked) == (6 if "loop" in to else 1)


def test_a_redirect_to_another_place_is_followed(site: Site, tmp_path: Path) -> None:
    """As mirrors do."""

    def redirect(handler: Handler) -> None:
        handler.send_response(301)
        handler.send_header("Location", site.url + "/mirror")
        handler.end_headers()

    site.files["/b/mirror"] = DATA
    site.answers[NAME] = redirect
    assert bring(site, tmp_path) == DATA


def test_what_is_not_there_and_what_is_broken(site: Site) -> None:
    """404: not there. 500: exit 4, with the server's word; no answer at all: exit 4."""
    assert Web(site.url).small("offers/none.json", 10) is None
    with pytest.raises(Refused, match="is missing"):
        list(Web(site.url).read("blobs/sha256/none", size=3, offset=0))
    site.answers["/b/x"] = lambda handler: handler.send_error(503)
    with pytest.raises(Unreachable, match="answers 503"):
        Web(site.url).small("x", 10)
    site.answers["/b/y"] = lambda handler: handler.wfile.write(b"no http\r\n\r\n")
    with pytest.raises(Unreachable):
        Web(site.url).small("y", 10)


def test_a_trickle_is_given_up(site: Site) -> None:
    """Less than 1 KB/s over a minute, in headers or content; a clock that goes fast shows it at once."""
    ticks = iter(range(0, 10_000_000, 31))  # each read takes 31 s

    def trickle(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        for _ in range(5):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    site.answers[NAME] = trickle
    with pytest.raises(Unreachable, match=r"only \d+ bytes came in \d+ s; given up"):
        list(Web(site.url, monotonic=lambda: float(next(ticks))).read(NAME[3:], size=len(DATA), offset=0))


def test_a_silent_server_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read has its deadline."""
    monkeypatch.setattr(web, "_SILENCE_SECONDS", 0.2)
    stop = threading.Event()
    site.answers[NAME] = lambda _: stop.wait(20)
    with pytest.raises(Unreachable, match="timed out"):
        list(Web(site.url).read(NAME[3:], size=len(DATA), offset=0))
    stop.set()
