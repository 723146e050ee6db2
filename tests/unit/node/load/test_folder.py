"""A folder that nobody vouches for: plain files in it are read, and nothing else."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from edgectl.node.load.folder import Folder
from edgectl.node.load.named import source_of
from edgectl.wire.errors import NotReady, Refused, UsageError

NAME = "blobs/sha256/aa"
DATA = bytes(range(256)) * 9000  # more than a chunk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with one file, and something secret beside it."""
    path = tmp_path / "usb" / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)
    (tmp_path / "secret").write_bytes(DATA)
    return tmp_path / "usb"


def _put(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(root: Path) -> None:
        (root / NAME).unlink()
        make(root / NAME)

    return change


def _folder_is_a_link(root: Path) -> None:
    (root / "blobs").rename(root.parent / "elsewhere")
    (root / "blobs").symlink_to(root.parent / "elsewhere")


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


BREAKS: dict[str, Callable[[Path], object]] = {
    "a link out": _put(lambda path: path.symlink_to("../../../secret")),
    "a link within": _put(lambda path: path.symlink_to("bb")),
    "a link to a device": _put(lambda path: path.symlink_to("/dev/zero")),
    "a pipe": _put(os.mkfifo),
    "a socket": _put(_socket),
    "a folder": _put(Path.mkdir),
    "a folder that is a link": _folder_is_a_link,
}


@pytest.mark.parametrize("name", BREAKS)
def test_only_plain_files_are_read(name: str, root: Path) -> None:
    """Refused at once, whichever way it is asked for: a pipe without a writer is not waited for."""
    BREAKS[name](root)
    with pytest.raises(Refused, match="no plain file") as caught:
        list(Folder(root).read(NAME, size=len(DATA), offset=0))
    assert caught.value.hint
    with pytest.raises(Refused, match="no plain file"):
        Folder(root).small(NAME, len(DATA))


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_no_plain_file_is_not_even_opened(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To open a device does something: a watchdog that is opened and closed again lets the node reboot."""
    BREAKS[name](root)
    opened = []
    real = os.open

    def watched(path: object, flags: int, *args: object, **where: int) -> int:
        opened.append((str(path), flags))
        return real(path, flags, *args, **where)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", watched)
    with pytest.raises(Refused):
        Folder(root).small(NAME, len(DATA))
    assert opened
    assert all(flags & (os.O_PATH | os.O_DIRECTORY) for _, flags in opened)


def test_a_file_is_read_from_any_byte_and_never_beyond_its_size(root: Path) -> None:
    """What is here already is not read again; the way to the folder may lead over links."""
    (root.parent / "media").symlink_to(root)
    source = Folder(root.parent / "media")
    assert b"".join(source.read(NAME, size=len(DATA), offset=0)) == DATA
    assert b"".join(source.read(NAME, size=len(DATA), offset=1_500_000)) == DATA[1_500_000:]
    assert list(source.read(NAME, size=len(DATA), offset=len(DATA))) == []
    assert source.small(NAME, len(DATA)) == DATA
    assert source.small("blobs/sha256/bb", 10) is None
    with pytest.raises(Refused, match=f"longer than {len(DATA) - 1} bytes"):
        source.small(NAME, len(DATA) - 1)


@pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1])
def test_a_file_of_another_size_is_not_read(size: int, root: Path) -> None:
    """Cut off, or without end: both are said before a byte is copied."""
    with pytest.raises(Refused, match=f"has {len(DATA)} bytes, not {size}"):
        next(Folder(root).read(NAME, size=size, offset=0))


def test_a_stick_that_is_pulled_out_is_not_ready(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 5: plug it in again, the same command goes on."""

    def gone(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", gone)
    with pytest.raises(NotReady, match="Input/output error") as caught:
        list(Folder(root).read(NAME, size=len(DATA), offset=0))
    assert "plug the stick in again" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "/nowhere",
        "ftp://host/x",
        "file:///etc",
        "https://",
        "https://user@host/x",
        "http://host/x?a=b",
        "http://host:99999/x",
        "http://[::1/x",
    ],
)
def test_what_is_no_source_is_a_usage_error(text: str) -> None:
    """Exit 2, with the form that is wanted."""
    with pytest.raises(UsageError) as caught:
        source_of(text)
    assert caught.value.hint


def test_a_folder_and_an_address_are_told_apart(root: Path) -> None:
    """By the `://`."""
    assert (source_of(str(root)).kind, source_of("https://host/path/").kind) == ("stick", "pull")
    assert source_of("https://host/path/").name == "https://host/path"
