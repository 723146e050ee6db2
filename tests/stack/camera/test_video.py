"""Laws of video: what comes is pictures or a sentence, within deadlines; a file begins again; no password is shown."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from edgectl.stack.camera.grab import Gone, Grab
from edgectl.stack.camera.settings import Camera
from edgectl.stack.camera.source import source_of
from edgectl.stack.camera.video import Video
from edgectl.wire.chain import CONFIG, INPUT, NETWORK
from tests.ports import free_port
from tests.stack.camera.film import film
from tests.stack.camera.rtsp import NetworkCamera
from tests.stack.clocks import HandClock


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film as network cameras send it."""
    return film(tmp_path_factory.mktemp("film") / "door.ts", codec="mpeg2video")


def network(url: str, seconds: float = 1.0) -> Video:
    """Return the source of a network camera, with short deadlines."""
    return Video(
        url, "rtsp://door", longest=320, kind=NETWORK, seconds=(seconds, seconds), options={"rtsp_transport": "tcp"}
    )


def all_of(source: Video) -> tuple[list[Grab], Gone]:
    """Return a source's frames, and why there are no more."""
    grabs: list[Grab] = []
    with pytest.raises(Gone) as caught:
        grabs.extend(source.frames())
    return grabs, caught.value


def gone(source: Video) -> Gone:
    """Return why a source ends."""
    return all_of(source)[1]


def test_a_file_begins_again_at_its_own_pace(tmp_path: Path) -> None:
    """Two and a half times through twenty frames: five seconds of the clock; the same pictures come again."""
    file, clock = film(tmp_path / "door.mp4"), HandClock()
    frames = source_of(Camera(f"file:{file}"), side=64, clock=clock, stop=threading.Event(), env={}).frames()
    began = clock.time
    grabs = list(islice(frames, 50))
    assert clock.time - began == pytest.approx(5)
    assert {grab.size for grab in grabs} == {(160, 120)}
    pictures = [grab.picture() for grab in grabs]
    assert {picture.shape for picture in pictures} == {(120, 160, 3)}
    assert (pictures[0] == pictures[20]).all()
    assert (pictures[0] != pictures[10]).any()


def test_a_large_picture_is_made_small_and_its_size_is_told(tmp_path: Path) -> None:
    file = film(tmp_path / "door.mp4", frames=2, size=(1280, 720))
    source = source_of(Camera(f"file:{file}"), side=64, clock=HandClock(), stop=threading.Event(), env={})
    grab = next(source.frames())
    assert grab.size == (1280, 720)
    assert grab.picture().shape == (180, 320, 3)


def test_a_file_that_is_told_to_stop_stops(tmp_path: Path) -> None:
    file, stop = film(tmp_path / "door.mp4"), threading.Event()
    frames = source_of(Camera(f"file:{file}"), side=64, clock=HandClock(), stop=stop, env={}).frames()
    next(frames)
    stop.set()
    assert list(frames) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [(None, "No such file"), (b"", "no video"), (b"hello" * 1000, "no video"), (b"\0" * 9999, "no video")],
)
def test_a_file_that_is_none_is_a_sentence(tmp_path: Path, data: bytes | None, said: str) -> None:
    """And never a loop without a pause."""
    file = tmp_path / "door.mp4"
    if data is not None:
        file.write_bytes(data)
    source = source_of(Camera(f"file:{file}"), side=64, clock=HandClock(), stop=threading.Event(), env={})
    with pytest.raises(Gone, match=said) as caught:
        next(source.frames())
    assert str(file) in str(caught.value)
    assert caught.value.kind == INPUT


def test_a_film_that_is_cut_gives_what_it_holds(tmp_path: Path, stream: Path) -> None:
    """Broken packets in between are passed over."""
    data = bytearray(stream.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = b"\xff" * 2000
    file = tmp_path / "cut.ts"
    file.write_bytes(bytes(data[:-500]))
    source = Video(str(file), "cut", longest=320, kind=INPUT, seconds=(5, 5))
    grabs, end = all_of(source)
    assert str(end) == "cut: the stream has ended"
    assert len(grabs) >= 10
    assert {grab.picture().shape for grab in grabs} == {(120, 160, 3)}


@pytest.fixture
def camera(stream: Path) -> Iterator[NetworkCamera]:
    made = NetworkCamera(stream)
    yield made
    made.close()


def test_a_network_camera_gives_its_pictures(camera: NetworkCamera) -> None:
    """Over TCP, through RTSP; when it hangs up, that is said."""
    grabs, end = all_of(network(camera.url, 5))
    assert len(grabs) >= 15
    assert {grab.picture().shape for grab in grabs} == {(120, 160, 3)}
    assert camera.asked[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert end.kind == NETWORK


@pytest.mark.parametrize("hangs", ["OPTIONS", "DESCRIBE", "PLAY"])
def test_a_network_camera_that_says_nothing_more_is_left(stream: Path, hangs: str) -> None:
    """At each step: reading ends within its deadline, with a sentence."""
    camera = NetworkCamera(stream, hangs=hangs)
    try:
        began = time.monotonic()
        error = gone(network(camera.url))
        assert 0.5 < time.monotonic() - began < 8
        assert error.kind == NETWORK
        assert str(error) == f"rtsp://door: no {'frame' if hangs == 'PLAY' else 'answer'} for 1 s"
    finally:
        camera.close()


def test_a_socket_that_swallows_everything_is_left() -> None:
    """Nobody even accepts."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:
        began = time.monotonic()
        assert gone(network(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x")).kind == NETWORK
        assert time.monotonic() - began < 8


def test_where_nobody_listens_is_said_at_once() -> None:
    began = time.monotonic()
    error = gone(network(f"rtsp://127.0.0.1:{free_port()}/x"))
    assert (str(error), error.kind) == ("rtsp://door: Connection refused", NETWORK)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("status", "kind"), [("401 Unauthorized", CONFIG), ("404 Not Found", CONFIG), ("503 Busy", NETWORK)]
)
def test_a_refusal_is_no_fault_of_the_network(stream: Path, status: str, kind: str) -> None:
    """A wrong password does not heal by itself, a busy camera does."""
    camera = NetworkCamera(stream, status=status)
    try:
        assert gone(network(camera.url)).kind == kind
    finally:
        camera.close()


def test_no_password_is_in_a_sentence() -> None:
    camera = Camera(f"rtsp://me:$SECRET@127.0.0.1:{free_port()}/door?token=$SECRET")
    source = source_of(camera, side=64, clock=HandClock(), stop=threading.Event(), env={"SECRET": "geheim"})
    with pytest.raises(Gone) as caught:
        next(source.frames())
    assert "geheim" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_a_device_that_is_not_there_is_a_sentence() -> None:
    source = source_of(Camera("v4l2:/dev/video99"), side=64, clock=HandClock(), stop=threading.Event(), env={})
    with pytest.raises(Gone, match="/dev/video99: No such file") as caught:
        next(source.frames())
    assert caught.value.kind == INPUT
