"""Image archives that something was done to: makes what tests/cases/archives.yaml says."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from tests.archives import layer, plain_tar

CASES: tuple[dict[str, Any], ...] = tuple(yaml.safe_load((Path(__file__).parent / "cases/archives.yaml").read_text()))
LAYERS = layer({"bin/app": bytes(range(256)) * 8}), layer({"etc/app.conf": b"key = value\n"})
_TYPES = {
    "symlink": tarfile.SYMTYPE,
    "link": tarfile.LNKTYPE,
    "character": tarfile.CHRTYPE,
    "block": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "contiguous": tarfile.CONTTYPE,
    "unknown": b"Z",
    "sparse": tarfile.GNUTYPE_SPARSE,
    "folder": tarfile.DIRTYPE,
}


def malformed(case: dict[str, Any]) -> bytes:
    """Return the archive of a case."""
    if "whole" in case:
        return str(case["whole"]).encode()
    if "zero" in case:
        return bytes(10_240)
    if "oci" in case:
        return _oci(case["oci"])
    made, parts = _parts(case), []
    for name, data in sorted(made.items()):
        parts.append(_file(name, data))
    if role := case.get("twice"):
        parts.append(_file(*next(item for item in made.items() if _is(role, item[0]))))
    if role := case.get("drop"):
        gone = next(name for name in sorted(made) if _is(role, name))
        parts = [part for part in parts if not part.startswith(gone.encode())]
        if case.get("folder"):
            parts.append(_file(gone, b"", kind=tarfile.DIRTYPE))
    if "member" in case:
        parts.append(_member(case))
    parts += [_file(f"f{number}", b"") for number in range(case.get("many", 0))]
    data = b"".join(parts) + bytes(1024)
    data = gzip.compress(data) if case.get("packed") else data
    data = data[: case["cut"] or (0 if case["cut"] == 0 else None)] if "cut" in case else data
    more = case.get("add", "")
    return data + (plain_tar({"x": b"hidden"}) if more == "tar" else more.encode())


@cache
def good() -> bytes:
    """Return the archive that nothing was done to."""
    return malformed({})


def _is(role: str, name: str) -> bool:
    ends = {"config": ".json", "layer": ".tar", "second": ".tar", "manifest": "manifest.json"}[role]
    return name.endswith(ends) and (name == "manifest.json") == (role == "manifest")


def _parts(case: dict[str, Any]) -> dict[str, bytes]:
    first, diff = _layer(case.get("layer"))
    diffs = [diff, _hex(LAYERS[1])]
    names = [f"{_hex(first)}.tar", f"{_hex(LAYERS[1])}.tar"]
    if "bytes" in case:
        first = _damaged(first, case["bytes"])
    config: Any = {"architecture": "amd64", "os": "linux"}
    config["rootfs"] = {"type": "layers", "diff_ids": [f"sha256:{one}" for one in diffs]}
    was = _hex(json.dumps(config).encode())
    said = _changed(config, case.get("config", {}))
    image = f"{was if case.get('config', {}).get('renamed') is False else _hex(said)}.json"
    manifest = _changed([{"Config": image, "RepoTags": ["app:1"], "Layers": [*names]}], case.get("manifest", {}))
    return {image: said, names[0]: first, names[1]: LAYERS[1], "manifest.json": manifest}


def _changed(doc: Any, how: dict[str, Any]) -> bytes:
    if "raw" in how:
        return str(how["raw"]).encode()
    if "nested" in how:
        return b"[" * int(how["nested"]) + b"]" * int(how["nested"])
    if "path" in how or "reverse" in how:
        words = str(how.get("path") or how["reverse"]).split(".")
        *path, last = [int(word) if word.isdigit() else word for word in words]
        at = doc
        for word in path:
            at = at[word]
        if "reverse" in how:
            at[last].reverse()
        elif how.get("drop"):
            del at[last]
        else:
            at[last] = how["to"]
    return json.dumps(doc).encode() + b" " * int(how.get("blanks", 0))


def _layer(how: dict[str, Any] | None) -> tuple[bytes, str]:
    """Return a layer's bytes, and the digest of what is in it."""
    plain = LAYERS[0]
    if not how:
        return plain, _hex(plain)
    if "sparse" in how:
        head = _header("var/log/lastlog", b"", kind=tarfile.GNUTYPE_SPARSE, form=1, real=how["sparse"])
        data = head * how.get("times", 1) + bytes(1024)
        return data, _hex(data)
    if "gzip_zeros" in how:
        inside = _header("zeros", b"", size=how["gzip_zeros"]) + bytes(how["gzip_zeros"] // 512 * 512 + 512 + 1024)
        return gzip.compress(inside, 1, mtime=0), _hex(inside)
    packed = gzip.compress(plain, mtime=0)
    if "gzip_cut" in how:
        return packed[:-20], _hex(plain)
    if "gzip_garbage" in how:
        return packed[:30] + b"\xff" * 200, _hex(plain)
    if "gzip_other" in how:
        return gzip.compress(layer({"bin/app": b"other"}), mtime=0), _hex(plain)
    return b"\x28\xb5\x2f\xfd" + plain, _hex(plain)


def _damaged(data: bytes, how: dict[str, Any]) -> bytes:
    if "text" in how:
        return str(how["text"]).encode()
    if "cut" in how:
        return data[: int(how["cut"])]
    return data[: how["flip"]] + bytes([data[how["flip"]] ^ 1]) + data[how["flip"] + 1 :]


def _member(case: dict[str, Any]) -> bytes:
    name, kind, data = case["member"], case.get("type", ""), case.get("data", "").encode()
    if kind == "global":
        return _said(tarfile.XGLTYPE, {"path": "../x"}) + _file(name, data)
    if kind == "long and pax":
        long = b"a/long/name\0"
        head = _header("././@LongLink", b"", kind=tarfile.GNUTYPE_LONGNAME, size=len(long))
        return head + long + bytes(512 - len(long)) + _said(tarfile.XHDTYPE, {"path": "another"}) + _file(name, data)
    before = _said(tarfile.XHDTYPE, case["pax"]) if "pax" in case else b""
    if kind == "sparse":
        return _header(name, b"", kind=_TYPES[kind], form=1, real=(1 << 63) - 1)
    kinds = _TYPES.get(kind, tarfile.REGTYPE)
    return before + _file(name, data, kind=kinds, target=case.get("target", ""), size=case.get("size"))


def _said(kind: bytes, records: dict[str, str]) -> bytes:
    data = b""
    for key, value in records.items():
        length = len(key) + len(value) + 3
        length += len(str(length + len(str(length))))
        data += f"{length} {key}={value}\n".encode()
    return _header("PaxHeaders/x", b"", kind=kind, size=len(data)) + data + bytes(-len(data) % 512)


def _file(name: str, data: bytes, *, kind: bytes = tarfile.REGTYPE, target: str = "", size: int | None = None) -> bytes:
    head = _header(name, data, kind=kind, target=target, size=size)
    return head + data + bytes(-len(data) % 512)


def _header(
    name: str,
    data: bytes,
    *,
    kind: bytes = tarfile.REGTYPE,
    target: str = "",
    size: int | None = None,
    form: Literal[0, 1, 2] = 0,
    real: int = 0,
) -> bytes:
    """Return one header; tarfile itself would put some of these right."""
    entry = tarfile.TarInfo("x")
    entry.type, entry.linkname, entry.size = kind, target, 0
    block = bytearray(entry.tobuf(form, errors="surrogateescape"))
    said = name.encode("utf-8", "surrogateescape")
    block[:100] = said + bytes(100 - len(said))
    count = len(data) if size is None else size
    block[124:136] = b"%011o\0" % count if count < 1 << 33 else b"\x80" + count.to_bytes(11, "big")
    if real:
        block[483:495] = b"%011o\0" % real if real < 1 << 33 else b"\x80" + real.to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _oci(how: dict[str, Any]) -> bytes:
    """Return an OCI layout in a tar, as Docker of today writes it, without its manifest.json."""
    blobs = {}

    def keep(data: bytes) -> dict[str, Any]:
        blobs[f"blobs/sha256/{_hex(data)}"] = data
        return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": f"sha256:{_hex(data)}"}

    config = json.dumps({"rootfs": {"diff_ids": [f"sha256:{_hex(one)}" for one in LAYERS]}}).encode()
    manifest = {"config": keep(config), "layers": [keep(one) for one in LAYERS]}
    index = {"manifests": [keep(how["manifest"].encode() if "manifest" in how else json.dumps(manifest).encode())]}
    if how.get("flip"):
        name = f"blobs/sha256/{_hex(LAYERS[0])}"
        blobs[name] = _damaged(LAYERS[0], {"flip": 600})
    if how.get("loop"):
        itself = "blobs/sha256/" + "1" * 64
        kind = "application/vnd.oci.image.index.v1+json"
        blobs[itself] = json.dumps({"mediaType": kind, "manifests": [{"digest": "sha256:" + "1" * 64}]}).encode()
        index = {"manifests": [{"digest": "sha256:" + "1" * 64}]}
    parts = {"oci-layout": how.get("layout", '{"imageLayoutVersion": "1.0.0"}').encode(), **blobs}
    if how.get("index", "") is not None:
        parts["index.json"] = how.get("index", json.dumps(index)).encode()
    return plain_tar(parts)


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
