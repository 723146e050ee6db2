"""Packages of Debian's made without its tools: an `ar` archive of two tars (deb(5)), packed in any way."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Mapping

from zstandard import ZstdCompressor

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": lambda data: ZstdCompressor().compress(data),
}
_TYPES = {"symlink": tarfile.SYMTYPE, "link": tarfile.LNKTYPE, "device": tarfile.BLKTYPE, "pipe": tarfile.FIFOTYPE}


def deb(
    name: str = "figlet", version: str = "2.2.5-3", arch: str = "amd64", *, packing: str = ".gz", **more: str
) -> bytes:
    """Return a package; `more` are further fields (depends="libc6 (>= 2.34)"), and what to spoil.

    `member`, `type` and `target` add a member to its data, `script` one to its control; `members` are other names of
    the ar archive's; `text` is another control file.
    """
    spoil = {key: more.pop(key, "") for key in ("member", "type", "target", "script", "members", "text")}
    fields = {"Package": name, "Version": version, "Architecture": arch, "Maintainer": "Anna <anna@shop.example>"}
    fields |= {key.replace("_", "-").title(): value for key, value in more.items()}
    text = spoil["text"] or "".join(f"{key}: {value}\n" for key, value in fields.items()) + "Description: one\n"
    control = {"./control": text.encode(), **({spoil["script"]: b"#!/bin/sh\n"} if spoil["script"] else {})}
    data = _tar({f"./usr/share/doc/{name}/copyright": b"free\n"}, spoil["member"], spoil["type"], spoil["target"])
    pack = PACKERS[packing]
    parts = [b"2.0\n", pack(_tar(control)), pack(data)]
    names = spoil["members"].split() or ["debian-binary", f"control.tar{packing}", f"data.tar{packing}"]
    return ar(dict(zip(names, parts, strict=False)))


def ar(members: Mapping[str, bytes]) -> bytes:
    """Return an ar archive."""
    found = b"!<arch>\n"
    for name, data in members.items():
        found += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data
        found += b"\n" if len(data) % 2 else b""
    return found


def _tar(files: Mapping[str, bytes], member: str = "", kind: str = "", target: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        if member:
            entry = tarfile.TarInfo(member)
            entry.type, entry.linkname = _TYPES.get(kind, tarfile.REGTYPE), target
            tar.addfile(entry)
    return buffer.getvalue()
