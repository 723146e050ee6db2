"""The node's own package source: links to package files of the bundle, and the list that apt reads of them.

Owns: /var/lib/edgectl/apt. It is made anew before each work of apt, from blobs whose digests are proven; the fields of
a package file are read once and kept by its digest. Nothing looks here when nothing is to be done.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from edgectl.node.converge.protocol import ApplyFailed
from edgectl.node.host.packages.apt import Apt, deb_fields
from edgectl.node.host.packages.stanzas import Stanza, stanzas
from edgectl.node.io.files import link_atomic
from edgectl.node.io.look import Hands
from edgectl.wire.host import Deb

_FIELDS = "fields"


def make(write: Hands, debs: Iterable[Deb]) -> dict[tuple[str, str], Stanza]:
    """Let apt see exactly these package files; returns their fields by name and version."""
    own = write.places.apt
    wanted = {_file(deb): deb for deb in debs}
    try:
        for folder in (own, own / _FIELDS, own / "lists/partial", own / "cache/archives/partial"):
            folder.mkdir(parents=True, exist_ok=True)
        for path in own.glob("*.deb"):
            if path.name not in wanted:
                path.unlink()
        for name, deb in wanted.items():
            blob = str(write.places.blob(deb.blob))
            if not (own / name).is_symlink() or str((own / name).readlink()) != blob:
                link_atomic(own / name, blob)
        found = _fields(write, wanted)
        listed = [_listed(write, name, deb, found[name]) for name, deb in sorted(wanted.items())]
        write.write(own / "Packages", "\n".join(listed))
        write.write(own / "sources.list", f"deb [trusted=yes] file:{own} ./\n")
    except OSError as error:
        raise ApplyFailed(f"the node's own package source ({own}) cannot be written: {error.strerror}") from error
    ran = Apt(write).update()
    if not ran.ok:
        raise ApplyFailed(
            f"apt cannot read the node's own package source ({own}): {ran.last_words}", evidence=ran.evidence()
        )
    return {one.identity[:2]: one for one in found.values()}


def _file(deb: Deb) -> str:
    return f"{deb.name}_{deb.version.replace(':', '_')}_{deb.arch}.deb"  # no version has an underscore


def _fields(write: Hands, wanted: dict[str, Deb]) -> dict[str, Stanza]:
    """Return the fields of each package file, read by one program where they are not kept."""
    own, found = write.places.apt, dict[str, Stanza]()
    kept = {deb.blob: own / _FIELDS / deb.blob.removeprefix("sha256:") for deb in wanted.values()}
    for path in (own / _FIELDS).iterdir():
        if path not in set(kept.values()):
            path.unlink()
    for name, deb in wanted.items():
        with suppress(IndexError):
            found[name] = stanzas(write.text(kept[deb.blob]) or "")[0]
    new = [name for name in wanted if name not in found]
    if new:
        ran = deb_fields(write, [own / name for name in new])
        read = stanzas(ran.out)
        if not ran.ok or len(read) != len(new):
            raise ApplyFailed(
                f"a package file of the bundle cannot be read: {ran.last_words.removeprefix('dpkg-deb: error: ')}",
                evidence=ran.evidence(),
            )
        for name, one in zip(new, read, strict=True):
            found[name] = one
            write.write(kept[wanted[name].blob], one.text)
    for name, deb in wanted.items():
        if found[name].identity != (deb.name, deb.version, deb.arch):
            said = " ".join(found[name].identity)
            raise ApplyFailed(f"{name} of the bundle calls itself {said}: build the bundle anew, and deploy again")
    return found


def _listed(write: Hands, name: str, deb: Deb, stanza: Stanza) -> str:
    size = Path(write.places.apt / name).stat().st_size
    return f"{stanza.text}Filename: ./{name}\nSize: {size}\nSHA256: {deb.blob.removeprefix('sha256:')}\n"
