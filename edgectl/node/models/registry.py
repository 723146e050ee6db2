"""The registry: versions of models as folders of hard links to blobs, and links that name the ones that count.

Owns /var/lib/edgectl/models: NAME/versions/VERSION-HEX/, whole or not there, and NAME/{current,previous,candidate},
switched by one rename each, so that whoever reads `current` sees one whole version. `before` is what was previous until
a deploy is decided. Must not know who wants which version.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from edgectl.node.io.files import copy_atomic, link_atomic, sync_dir, write_atomic
from edgectl.node.io.places import Places
from edgectl.wire.document import canonical, from_json, to_json
from edgectl.wire.payload import Model
from edgectl.wire.safename import is_safe

CURRENT, PREVIOUS, CANDIDATE, BEFORE = LINKS = ("current", "previous", "candidate", "before")
NOTE = "model.json"
_VERSIONS = "versions"
_NEW = ".edgectl-new"


@dataclass(frozen=True, slots=True)
class Note:
    """What model.json says of its folder. `linked`: the files are the blobs themselves, not copies of them."""

    name: str
    version: str
    variant: str
    digest: str
    files: dict[str, str]  # file -> digest
    sizes: dict[str, int] = field(default_factory=dict)  # digest -> bytes
    linked: bool = True

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return Model(self.name, self.version, self.files, self.variant).folder


class Registry:
    """All models of one node. Raises OSError only."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def names(self) -> tuple[str, ...]:
        """Return the models that there are any traces of."""
        try:
            found = sorted(path.name for path in self._places.models.iterdir() if path.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return ()
        return tuple(name for name in found if is_safe(name))

    def of(self, name: str) -> Path:
        """Return a model's folder."""
        return self._places.models / name

    def at(self, name: str, folder: str) -> Path:
        """Return a version's folder."""
        return self.of(name) / _VERSIONS / folder

    def folders(self, name: str) -> tuple[str, ...]:
        """Return a model's versions, the oldest here first; what was cut off is none."""
        try:
            found = [path for path in (self.of(name) / _VERSIONS).iterdir() if not path.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return ()
        return tuple(path.name for path in sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name)))

    def note(self, name: str, folder: str) -> Note | None:
        """Return what a version's model.json says; None when it cannot be read."""
        try:
            return from_json(Note, json.loads((self.at(name, folder) / NOTE).read_bytes()))
        except (OSError, ValueError):
            return None

    def linked(self, name: str, link: str) -> str:
        """Return the folder that a link names, "" when it names none that is there."""
        try:
            parent, _, folder = os.readlink(self.of(name) / link).rpartition("/")  # noqa: PTH115 - its text, no path
        except OSError:
            return ""
        return folder if parent == _VERSIONS and self.at(name, folder).is_dir() else ""

    def wrong(self, model: Model) -> list[tuple[str, str, str]]:
        """Return how a version here differs from the blobs that it is made of: (file, have, want); all when none is."""
        note = self.note(model.name, model.folder)
        if note is None or note.files != model.files:
            return [(f"{model.name} {model.version}", "missing", "present")]
        found = []
        for file, digest in sorted(model.files.items()):
            have = self._differs(self.at(model.name, model.folder) / file, note, digest)
            if have:
                found.append((f"{model.name} {model.version} {file}", have, "as its blob"))
        return found

    def bring(self, model: Model) -> None:
        """Bring a version in from its blobs, or mend it file by file; killed anywhere, it is whole or not there."""
        target, blobs = self.at(model.name, model.folder), self._places.blob
        if not all(map(is_safe, (model.name, model.folder, *model.files))) or NOTE in model.files:
            raise OSError(None, "no name of a file", f"{model.name} {model.version}")
        sizes = {digest: blobs(digest).stat().st_size for digest in model.files.values()}
        if target.is_dir():
            linked = self._fill(target, model)
            sync_dir(target)
            write_atomic(target / NOTE, canonical(to_json(_note(model, sizes, linked=linked))))
            return
        staged = target.with_name(f".{model.folder}{_NEW}")
        if staged.exists():
            shutil.rmtree(staged)
        staged.mkdir(parents=True)
        self._settle(staged.parent)
        write_atomic(staged / NOTE, canonical(to_json(_note(model, sizes, linked=True))))
        if not self._fill(staged, model):
            write_atomic(staged / NOTE, canonical(to_json(_note(model, sizes, linked=False))))
        sync_dir(staged)
        staged.rename(target)
        sync_dir(target.parent)

    def point(self, name: str, link: str, folder: str) -> None:
        """Let a link name a version, or none ("")."""
        place = self.of(name) / link
        if folder:
            if self.linked(name, link) != folder:
                link_atomic(place, f"{_VERSIONS}/{folder}")
        elif place.is_symlink():
            place.unlink()
            sync_dir(place.parent)

    def remove(self, name: str, folder: str) -> None:
        """Take a version away: at once for whoever looks, file by file then."""
        path = self.at(name, folder)
        gone = path.with_name(f".{folder}.edgectl-gone")
        if gone.exists():
            shutil.rmtree(gone)
        path.rename(gone)
        shutil.rmtree(gone)

    def forget(self, name: str) -> None:
        """Take a model away, its links first."""
        for link in LINKS:
            self.point(name, link, "")
        shutil.rmtree(self.of(name))

    def tidy(self, name: str) -> None:
        """Take away what was cut off while it came or went."""
        folder = self.of(name) / _VERSIONS
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name.startswith("."):
                shutil.rmtree(path)

    def _settle(self, folder: Path) -> None:
        """Make new folders survive a power cut."""
        while folder != self._places.state:
            sync_dir(folder)
            folder = folder.parent
        sync_dir(folder)

    def _fill(self, folder: Path, model: Model) -> bool:
        """Give a version its files; says whether all of them are the blobs themselves."""
        return not [file for file, digest in model.files.items() if not self._put(digest, folder / file)]

    def _put(self, digest: str, file: Path) -> bool:
        """Give a blob its name in a version; says whether it is the blob itself, and no copy of it."""
        blob, staged = self._places.blob(digest), file.with_name(f".{file.name}{_NEW}")
        staged.unlink(missing_ok=True)
        try:
            os.link(blob, staged)
        except OSError:  # another file system, or too many links
            copy_atomic(blob, file, mode=0o644)
            return False
        staged.replace(file)
        return True

    def _differs(self, file: Path, note: Note, digest: str) -> str:
        """Say how a file differs from its blob; "" when it does not."""
        try:
            found = file.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return "missing"
        try:
            blob = self._places.blob(digest).stat()
        except FileNotFoundError:  # nothing to compare with, nor to mend it with
            return "" if found.st_size == note.sizes.get(digest) else "another size"
        if note.linked and (found.st_dev, found.st_ino) != (blob.st_dev, blob.st_ino):
            return "another file"
        return "" if found.st_size == blob.st_size else "another size"


def _note(model: Model, sizes: dict[str, int], *, linked: bool) -> Note:
    return Note(model.name, model.version, model.variant, model.digest, dict(model.files), sizes, linked)
