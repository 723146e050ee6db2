"""The official release: taken only when it is what it says it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgectl.sandbox.k3s.release import official_binary, published_sum
from edgectl.wire.errors import StepFailed

VERSION = "v1.36.3+k3s1"


class Site:
    """A release page that remembers what was asked of it."""

    def __init__(self, binary: bytes, *, says: str = "", down: bool = False) -> None:
        self.binary = binary
        self.sum = says or hashlib.sha256(binary).hexdigest()
        self.down = down
        self.asked: list[str] = []
        self.said: list[str] = []

    def fetch(self, url: str, into: Path, _limit_seconds: float) -> None:
        """Answer as the site would."""
        self.asked.append(url)
        if self.down:
            raise ConnectionRefusedError("refused")
        name = url.rpartition("/")[2]
        into.write_bytes(f"{self.sum}  k3s\n".encode() if name.startswith("sha256") else self.binary)

    def say(self, _name: str, what: str, _seconds: float, /) -> None:
        """Take one line of progress."""
        self.said.append(what)

    def get(self, root: Path) -> Path | None:
        """Ask for the binary."""
        return official_binary(VERSION, say=self.say, root=root, fetch=self.fetch)


def test_a_release_is_downloaded_once_and_checked(tmp_path: Path) -> None:
    """The checksum file comes first, the version is quoted in the address, and the second time nothing is asked."""
    site = Site(b"k3s")
    path = site.get(tmp_path)
    assert path is not None
    assert path.read_bytes() == b"k3s"
    assert path.stat().st_mode & 0o111
    assert [url.rpartition("/download/")[2] for url in site.asked] == [
        "v1.36.3%2Bk3s1/sha256sum-amd64.txt",
        "v1.36.3%2Bk3s1/k3s-images.txt",
        "v1.36.3%2Bk3s1/k3s",
    ]
    assert site.get(tmp_path) == path
    assert len(site.asked) == 3


def test_a_binary_that_is_not_the_published_one_is_refused(tmp_path: Path) -> None:
    """A changed download is an error, not a reason for the stand-in; nothing of it stays."""
    site = Site(b"changed", says="0" * 64)
    with pytest.raises(StepFailed, match="not what its release says"):
        site.get(tmp_path)
    assert not [path for path in (tmp_path / "parts").rglob("k3s") if path.is_file()]


def test_a_release_out_of_reach_is_said_once(tmp_path: Path) -> None:
    """Where the release cannot be reached, one sentence says so, and the next runs do not wait for it again."""
    site = Site(b"", down=True)
    assert site.get(tmp_path) is None
    assert site.get(tmp_path) is None
    assert len(site.asked) == 1
    assert len(site.said) == 1
    assert "cannot be downloaded here (refused)" in site.said[0]


def test_sums_are_read_by_name() -> None:
    """The binary's own line counts, in either form of sha256sum; a file that does not list it is refused."""
    text = f"{'a' * 64}  k3s-airgap-images-amd64.tar\n{'B' * 64} *k3s\n"
    assert published_sum(text, "k3s") == "b" * 64
    with pytest.raises(StepFailed, match="does not list"):
        published_sum("", "k3s")
