"""k3s and Helm as their makers publish them, by URL or from a folder that holds the same files.

Owns the names of these files and that each is held against the sha256 that was published with it.
Sources: https://github.com/k3s-io/k3s/releases, https://helm.sh/docs/intro/install/.
"""

from __future__ import annotations

import hashlib
import http.client
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from edgectl.control.gather.need import IMAGE_LIST, Absent, Brought, Got, Need, OutOfReach
from edgectl.wire.errors import UsageError

K3S_RELEASES = "https://github.com/k3s-io/k3s/releases/download"
HELM_RELEASES = "https://get.helm.sh"
_WAIT_SECONDS = 30.0
_LIMIT_SECONDS = 1800.0
_SUMS_BYTES = 1 << 20
_MOST_BYTES = 1 << 30
_CHUNK_BYTES = 1 << 20
_NOT_FOUND = 404
_HINT = (
    "Look at the network and its proxy (HTTPS_PROXY), name a mirror with --k3s-releases and --helm-releases, "
    "or bring the files with --from."
)


def asset(need: Need) -> tuple[str, str]:
    """Return the names of the published file and of the file with its checksum."""
    if need.kind == IMAGE_LIST:
        return "k3s-images.txt", "sha256sum-amd64.txt"
    if need.kind == "k3s":
        return "k3s" if need.arch == "amd64" else f"k3s-{need.arch}", f"sha256sum-{need.arch}.txt"
    if need.kind == "helm":
        name = f"helm-{need.version}-linux-{need.arch}.tar.gz"
        return name, f"{name}.sha256sum"
    raise Absent("")


class Releases:
    """The sites of k3s and Helm, or mirrors of them."""

    def __init__(self, k3s: str = "", helm: str = "") -> None:
        k3s, helm = k3s or K3S_RELEASES, helm or HELM_RELEASES
        for url in (k3s, helm):
            parts = urllib.parse.urlsplit(url)
            if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
                raise UsageError(f"{url} is no https address, and what comes from it could be anybody's")
        self._k3s, self._helm = k3s.rstrip("/"), helm.rstrip("/")

    def names(self, repository: str, arch: str) -> tuple[str, ...]:
        """Sites have no images."""
        del repository, arch
        return ()

    def packages(self) -> tuple[Brought, ...]:
        """Return none: nor have they packages."""
        return ()

    def fetch(self, need: Need, work: Path) -> Got:
        """Download a file and hold it against its published checksum."""
        name, sums = asset(need)
        base = self._helm if need.kind == "helm" else f"{self._k3s}/{urllib.parse.quote(need.version, safe='')}"
        wanted = published(_small(f"{base}/{sums}"), name)
        if not wanted and need.kind != IMAGE_LIST:
            raise Absent(f"{base}/{sums} has no checksum of {name}")
        path = work / "download"
        digest = _download(f"{base}/{name}", path)
        if wanted and digest != wanted:
            raise Absent(f"{base}/{name} has another sha256 ({digest}) than was published with it ({wanted})")
        return unpacked(need, path, digest, work)


class ReleaseFolder:
    """A folder with files as they are published: DIR/v1.36.3+k3s1/k3s, DIR/helm-v4.3.1-linux-amd64.tar.gz."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def fetch(self, need: Need, work: Path) -> Got:
        """Take a file, held against its checksum where that lies beside it."""
        name, sums = asset(need)
        folders = [self._root / need.version, *([self._root] if need.kind == "helm" else [])]
        found = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if found is None:
            raise Absent(f"{folders[0] / name} is not there")
        with found.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        beside = found.with_name(sums)
        wanted = published(beside.read_text(errors="replace"), name) if beside.is_file() else ""
        if wanted not in ("", digest):
            raise Absent(f"{found} has another sha256 ({digest}) than {beside.name} says ({wanted})")
        return unpacked(need, found, digest, work)


def published(text: str, name: str) -> str:
    """Return the checksum of a file out of a list of them, "" when it has none."""
    for line in text.splitlines():
        digest, _, file = line.strip().partition(" ")
        if file.strip().lstrip("*") == name:
            return digest.lower()
    return ""


def unpacked(need: Need, path: Path, digest: str, work: Path) -> Got:
    """Return what nodes need of a published file: of Helm's archive the program alone."""
    if need.kind != "helm":
        return Got(path, owned=path.parent == work)
    target = work / "helm"
    member = f"linux-{need.arch}/helm"
    try:
        with tarfile.open(path, "r:gz") as tar, target.open("wb") as out:
            stream = tar.extractfile(member)
            while chunk := stream.read(_CHUNK_BYTES) if stream else b"":
                out.write(chunk)
    except (KeyError, EOFError, tarfile.TarError) as error:
        raise Absent(f"{path.name} holds no {member}: {error}") from error
    return Got(target, made_from=f"sha256:{digest}")


def _small(url: str) -> str:
    with _opened(url) as answer:
        try:
            return str(answer.read(_SUMS_BYTES).decode(errors="replace"))
        except (OSError, http.client.HTTPException) as error:
            raise OutOfReach(f"{url}: {error}", _HINT) from error


def _download(url: str, path: Path) -> str:
    sha, size, deadline = hashlib.sha256(), 0, time.monotonic() + _LIMIT_SECONDS
    with _opened(url) as answer, path.open("wb") as out:
        try:
            while chunk := answer.read(_CHUNK_BYTES):
                size += len(chunk)
                sha.update(chunk)
                out.write(chunk)
                if time.monotonic() > deadline or size > _MOST_BYTES:
                    raise OutOfReach(f"{url} did not end within {_LIMIT_SECONDS:.0f} s and {_MOST_BYTES} bytes", _HINT)
        except (OSError, http.client.HTTPException) as error:
            raise OutOfReach(f"{url} broke off after {size} bytes: {error}", _HINT) from error
        length = answer.headers.get("Content-Length", "")
        if length.isdigit() and int(length) != size:
            raise OutOfReach(f"{url} broke off after {size} of {length} bytes", _HINT)
    return sha.hexdigest()


def _opened(url: str) -> http.client.HTTPResponse:
    try:
        answer = urllib.request.urlopen(url, timeout=_WAIT_SECONDS)  # noqa: S310 - https, or this machine: see Releases
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _NOT_FOUND:
            raise Absent(f"{url} does not exist (404): is that version right?") from error
        raise OutOfReach(f"{url} answers {error.code} {error.reason}", _HINT) from error
    except (OSError, http.client.HTTPException) as error:
        raise OutOfReach(f"{url} cannot be reached: {getattr(error, 'reason', error)}", _HINT) from error
    assert isinstance(answer, http.client.HTTPResponse)  # noqa: S101 - what http and https give
    return answer
