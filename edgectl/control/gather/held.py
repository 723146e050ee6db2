"""What lies on this machine already: another bundle, and image archives in a folder.

Owns how they are searched. What is taken is held against its digest.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgectl.control.bundle.image import UNREADABLE, Image, images_of, opened, repack, tag_of
from edgectl.control.bundle.layout import ANY_ARCH, Artifact, Bundle
from edgectl.control.debian.file import control
from edgectl.control.debian.known import control_of
from edgectl.control.gather.need import IMAGE_LIST, Absent, Brought, Got, Need
from edgectl.control.gather.official import ReleaseFolder
from edgectl.control.payload.images import full_name, of_repository
from edgectl.wire.errors import InvalidInput


class OtherBundle:
    """Another bundle, or the one that is being filled. Copies nothing whose bytes are not those of its name."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def fetch(self, need: Need, work: Path) -> Got:
        """Return an artifact as it is there."""
        del work
        found = self._find(need)
        if found is None:
            raise Absent(f"the bundle {self._bundle.root} has none")
        try:
            path = self._bundle.blob(found)
            with path.open("rb") as stream:
                digest = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
        except (InvalidInput, OSError) as error:
            raise Absent(str(error)) from error
        if digest != found.digest:
            raise Absent(f"{path} is damaged: its digest is {digest}")
        return Got(path, found.source, found.name, found.version, found.refs, owned=False)

    def names(self, repository: str, arch: str) -> tuple[str, ...]:
        """Return the names of a repository's images."""
        held = [image for image in self._bundle.all("image") if image.arch in (arch, ANY_ARCH)]
        return tuple(full_name(image.refs[0]) for image in of_repository(repository, held) if image.refs)

    def packages(self) -> tuple[Brought, ...]:
        """Return those whose blobs are there; whether they are whole is looked at when one is taken."""
        found = [(one, self._bundle.blob(one)) for one in self._bundle.all("package")]
        return tuple(Brought(control_of(one, path), path, one.digest) for one, path in found)

    def _find(self, need: Need) -> Artifact | None:
        if need.kind == "image":
            held = (image for image in self._bundle.all("image") if image.arch in (need.arch, ANY_ARCH))
            return next((image for image in held if need.name in map(full_name, image.refs)), None)
        kind = "k3s" if need.kind == IMAGE_LIST else need.kind
        return self._bundle.find(kind=kind, name=need.name, version=need.version, arch=need.arch)


class Folder:
    """A folder with published files, image archives (docker save, k3s's own) and packages, wherever in it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._releases = ReleaseFolder(root)
        self._images: dict[tuple[str, str], tuple[Path, Image]] | None = None
        self._unread: list[str] = []

    def fetch(self, need: Need, work: Path) -> Got:
        """Return a file, or an image in the bundle's form."""
        if need.kind != "image":
            return self._releases.fetch(need, work)
        found = self._all().get((need.name, need.arch))
        if found is None:
            raise Absent(f"no archive in {self._root} has it{''.join(f'; {one}' for one in self._unread)}")
        return packed(found[0], found[1], need, work)

    def names(self, repository: str, arch: str) -> tuple[str, ...]:
        """Which of several tags is meant, the folder does not say."""
        del repository, arch
        return ()

    def packages(self) -> tuple[Brought, ...]:
        """Return the packages that lie anywhere in it."""
        return tuple(Brought(control(path), path) for path in sorted(self._root.rglob("*.deb")) if path.is_file())

    def _all(self) -> dict[tuple[str, str], tuple[Path, Image]]:
        if self._images is None:
            self._images = {}
            for path in sorted(self._root.rglob("*.tar*")):
                if path.name.endswith(".zst"):
                    self._unread.append(f"{path.name} is compressed with zstd: unpack it (zstd -d)")
                elif path.is_file() and not path.name.startswith("helm-"):
                    self._look(path, self._images)
        return self._images

    def _look(self, path: Path, into: dict[tuple[str, str], tuple[Path, Image]]) -> None:
        try:
            with opened(path) as tar:
                for image in images_of(tar):
                    for ref in image.refs:
                        into.setdefault((full_name(ref), image.arch), (path, image))
        except (InvalidInput, *UNREADABLE):
            self._unread.append(f"{path.name} cannot be read as an archive of images")


def packed(source: Path, image: Image, need: Need, work: Path) -> Got:
    """Return an image out of an archive, in the bundle's form."""
    path = work / "image.tar"
    with path.open("wb") as out:
        try:
            repack(source, image, tag_of(need.name), out)
        except InvalidInput as error:
            raise Absent(error.message) from error
    return Got(path, made_from=image.config, refs=(need.name,))
