"""The official k3s release, where it can be downloaded.

Owns: where the release lies, the check of its published SHA-256, and remembering that it could not be reached.
Must not know the stand-in; None means "take something else", and one sentence has said why.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from edgectl.sandbox.build.cache import Say, cache_root, digest_inputs, found, part, to_stderr
from edgectl.wire.errors import StepFailed

BASE = "https://github.com/k3s-io/k3s/releases/download"
PROGRAM, SUMS, IMAGES = "k3s", "sha256sum-amd64.txt", "k3s-images.txt"
CONNECT_SECONDS = 4.0
READ_SECONDS = 30.0
DOWNLOAD_SECONDS = 900.0
RETRY_SECONDS = 24 * 3600.0  # how long "could not be reached" is believed
_NAME = "k3s-official"
_CHUNK_BYTES = 1 << 20

Fetch = Callable[[str, Path, float], None]


def official_binary(
    version: str, *, say: Say = to_stderr, root: Path | None = None, fetch: Fetch | None = None
) -> Path | None:
    """Return the official binary of this version, checksum verified; None when it cannot be downloaded here."""
    parts = (root or cache_root()) / "parts"
    inputs = digest_inputs(BASE, version)
    kept = found(_NAME, inputs, root=root)
    if kept:
        return kept / PROGRAM
    unreachable = parts / f".{_NAME}.unreachable"
    if _recent(unreachable, version):
        return None
    parts.mkdir(parents=True, exist_ok=True)
    get = fetch or download
    where = f"{BASE}/{urllib.parse.quote(version, safe='')}"
    sums = parts / f".{_NAME}.{SUMS}"
    try:
        get(f"{where}/{SUMS}", sums, READ_SECONDS)  # small, and first: it tells whether the release can be reached
        wanted = published_sum(sums.read_text(), PROGRAM)
        place = part(_NAME, inputs, lambda folder: _take(get, where, wanted, folder), say=say, root=root)
    except OSError as error:  # refused, no route, no name, timed out, HTTP error: all OSError
        unreachable.write_text(version)
        reason = getattr(error, "reason", None) or error
        say("k3s", f"the official {version} cannot be downloaded here ({reason}): a stand-in serves", 0.0)
        return None
    finally:
        sums.unlink(missing_ok=True)
    return place / PROGRAM


def _recent(mark: Path, version: str) -> bool:
    try:
        return mark.read_text() == version and time.time() - mark.stat().st_mtime < RETRY_SECONDS
    except FileNotFoundError:
        return False


def _take(fetch: Fetch, where: str, wanted: str, folder: Path) -> None:
    program = folder / PROGRAM
    fetch(f"{where}/{IMAGES}", folder / IMAGES, READ_SECONDS)
    fetch(f"{where}/{PROGRAM}", program, DOWNLOAD_SECONDS)
    with program.open("rb") as handle:
        has = hashlib.file_digest(handle, "sha256").hexdigest()
    if has != wanted:
        raise StepFailed(
            f"The k3s downloaded from {where} is not what its release says it is",
            hint="Something on the way changes downloads. Set EDGECTL_SANDBOX_K3S to a binary that you trust.",
            details=(f"sha256 published: {wanted}", f"sha256 of the file: {has}"),
        )
    program.chmod(0o755)


def image_tag(program: Path, image: str, otherwise: str) -> str:
    """Return the tag of a system image that this k3s was released with; `otherwise` where nothing says so."""
    try:
        names = (program.parent / IMAGES).read_text().split()
    except FileNotFoundError:
        return otherwise
    return next((name.rpartition(":")[2] for name in names if f"/{image}:" in name), otherwise)


def published_sum(text: str, name: str) -> str:
    """Return the SHA-256 that a `sha256sum` file gives for one file name."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].lstrip("*") == name:  # noqa: PLR2004 - a sum and a name
            return words[0].lower()
    raise StepFailed(f"The release's checksum file does not list {name}", details=tuple(text.splitlines()[:5]))


class _ShortConnect(http.client.HTTPSConnection):
    """Connects within seconds or not at all, and reads patiently."""

    def connect(self) -> None:
        self.timeout = CONNECT_SECONDS
        super().connect()
        self.sock.settimeout(READ_SECONDS)


class _Handler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_ShortConnect, req)


def download(url: str, into: Path, limit_seconds: float) -> None:
    """Download one file; OSError (which URLError is) when it cannot be had whole within the limit."""
    ends = time.monotonic() + limit_seconds
    opener = urllib.request.build_opener(_Handler)
    try:
        with opener.open(url, timeout=READ_SECONDS) as answer, into.open("wb") as out:
            while chunk := answer.read(_CHUNK_BYTES):
                out.write(chunk)
                if time.monotonic() > ends:
                    raise TimeoutError(f"{url}: not whole after {limit_seconds:.0f} s")
    except http.client.HTTPException as error:
        raise urllib.error.URLError(f"{url}: {error!r}") from error
