"""What in an archive is dangerous to unpack: names and links that lead out, devices, and more than it looks like.

Owns these judgements. Must not unpack anything, nor know what the archive is for.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterator

MEMBERS, LAYER_MEMBERS = 10_000, 1_000_000
LAYER_BYTES = 64 << 30  # of one layer, unpacked: sparse files claim what is not there
CHART_BYTES, CHART_FILE_BYTES = 100 << 20, 5 << 20  # Helm's own limits


def dangers(tar: tarfile.TarFile, *, layer: bool = False, limit: int, each: int = 0) -> Iterator[str]:
    """Yield a sentence for each dangerous member, reading no more than the limits allow.

    In a `layer` absolute and upward symbolic links are usual (a container sees them below its own root), and so are
    the devices of its dev/.
    """
    total, most = 0, LAYER_MEMBERS if layer else MEMBERS
    for count, member in enumerate(_each(tar, forget=layer), start=1):
        yield from _leads_out(member, layer=layer)
        if member.size < 0:
            yield f"{_shown(member.name)} has a size below nothing: what follows cannot be read"
            return
        total += member.size if member.isreg() else 0
        if each and member.size > each:
            yield f"{_shown(member.name)} is larger ({member.size} bytes) than the {each} that Helm takes"
        if total > limit or count > most:
            what = f"more than {limit} bytes" if total > limit else f"more than {most} members"
            yield f"unpacks to {what}: a bomb"
            return


def _each(tar: tarfile.TarFile, *, forget: bool) -> Iterator[tarfile.TarInfo]:
    """Yield the members; `forget`: without keeping them, so that no number of them fills the memory."""
    while (member := tar.next()) is not None:
        yield member
        if forget:
            tar.members = []  # type: ignore[attr-defined]


def _leads_out(member: tarfile.TarInfo, *, layer: bool) -> Iterator[str]:
    name = _shown(member.name)
    if member.name.startswith("/"):
        yield f"member {name} has an absolute name"
    elif ".." in member.name.split("/"):
        yield f"member {name} leads out of the archive"
    if member.issym() or member.islnk():
        target = member.linkname
        if member.issym():
            target = posixpath.join(posixpath.dirname(member.name), target)
        out = target.startswith("/") or posixpath.normpath(target).split("/")[0] == ".."
        if out and not (layer and member.issym()):
            yield f"member {name} is a link that leads out: {_shown(member.linkname)}"
    elif not (member.isreg() or member.isdir()):
        own = member.name.removeprefix("./").startswith("dev/")
        if not (layer and own and member.isdev()):
            yield f"member {name} is a device or a pipe"


def _shown(name: str) -> str:
    """Return a name that moves no cursor."""
    return ascii(name[:100])[1:-1]
