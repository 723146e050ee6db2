"""`edgectl bundle verify` through the real entry point: each corruption of tests/cases/bundle is told in a sentence."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.control.bundle.layout import Bundle
from tests.archives import layer, saved
from tests.cli.conftest import Edgectl
from tests.debs import deb

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases/bundle/corruptions.yaml").read_text(encoding="utf-8"))
TYPES = {"symlink": tarfile.SYMTYPE, "link": tarfile.LNKTYPE, "device": tarfile.BLKTYPE, "pipe": tarfile.FIFOTYPE}
Case = dict[str, Any]


def member(name: str, case: Case) -> tuple[tarfile.TarInfo, bytes]:
    """Return the member that a case adds to an archive."""
    entry = tarfile.TarInfo(name)
    data = bytes(case.get("zeros", 0))
    entry.size, entry.type, entry.linkname = len(data), TYPES.get(case.get("type", ""), tarfile.REGTYPE), ""
    entry.linkname = case.get("target", "")
    return entry, data


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a good bundle."""
    home = tmp_path_factory.mktemp("good")
    bundle = Bundle.create(home / "bundle")
    bundle.add(b"k3s binary", kind="k3s", name="k3s", version="v1.36.3+k3s1")
    bundle.add(b"helm binary", kind="helm", name="helm", version="v4.3.1")
    chart = gzip.compress(layer({"web/Chart.yaml": b"name: web\nversion: 1.0.0\n"}), mtime=0)
    bundle.add(chart, kind="chart", name="web", version="1.0.0", arch="noarch")
    for name in ("a", "b"):
        saved(home / f"{name}.tar", {f"r.example/{name}:1": [layer({"base": b"base"}), layer({name: name.encode()})]})
        bundle.add(home / f"{name}.tar", kind="image", name=name, version="1", refs=(f"r.example/{name}:1",))
    bundle.add(deb(arch="all"), kind="package", name="figlet", version="2.2.5-3", arch="noarch")
    return bundle.root


def test_the_good_one_is_whole(good: Path, edgectl: Edgectl) -> None:
    said = edgectl("bundle", "verify", str(good))
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{good} is whole: 6 blobs, ")
    assert edgectl("bundle", "verify", str(good), "-o", "json").document["findings"] == []


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60
    assert len({case["name"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_corruption_is_told(case: Case, good: Path, tmp_path: Path, edgectl: Edgectl) -> None:
    """Exit 3, a sentence that names what is hit and how, nothing on stderr: no traceback, no bug."""
    root = tmp_path / "bundle"
    shutil.copytree(good, root)
    corrupt(root, case)
    said = edgectl("bundle", "verify", str(root))
    assert (said.code, said.err) == (3, ""), said
    lines = said.out.splitlines()[1:]
    hits = [line for line in lines if re.search(case["says"], line.strip())]
    assert hits, said.out
    assert all(line.startswith("  ") and line.isascii() and line.isprintable() and ": " in line for line in lines)
    assert edgectl("bundle", "verify", str(root), "-o", "json").document["findings"]
    for words in (("inspect", str(root)), ("diff", str(root), str(good)), ("diff", str(good), str(root))):
        assert edgectl("bundle", *words).code in {0, 3}, "what only reads the index may not see it, and never breaks"


def corrupt(root: Path, case: Case) -> None:
    """Do to a bundle what a case says."""
    if "blob" in case:
        on_blob(blob_of(root, case["blob"]), root, case)
    elif "file" in case:
        on_file(root / case["file"], case)
    elif "index" in case:
        on_index(root, case)
    elif "deb" in case:
        replaced(root, "package", deb(**{"arch": "all", **case["deb"]}))
    elif "whole" in case:
        replaced(root, case["whole"], case["text"].encode())
    else:
        on_archive(root, case)


def blob_of(root: Path, named: str) -> Path:
    """Return the blob of an artifact by kind, or kind and name."""
    kind, _, name = named.partition(" ")
    found = next(one for one in Bundle(root).all(kind) if name in ("", one.name))
    return Bundle(root).path(found.digest)


def on_blob(path: Path, root: Path, case: Case) -> None:
    data = bytearray(path.read_bytes())
    if "flip" in case:
        data[case["flip"]] ^= 1
        path.write_bytes(data)
    elif "cut" in case:
        path.write_bytes(data[: case["cut"]])
    elif "add" in case:
        path.write_bytes(data + bytes(case["add"]))
    elif "swap" in case:
        other = blob_of(root, case["swap"])
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
    else:
        path.unlink()
        if "link" in case:
            path.symlink_to(case["link"])
        elif "folder" in case:
            path.mkdir()


def on_file(path: Path, case: Case) -> None:
    if "remove" in case:
        path.unlink()
    elif "cut" in case:
        path.write_bytes(path.read_bytes()[: case["cut"]])
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(case["text"] if "text" in case else "[" * case["nested"])


def on_index(root: Path, case: Case) -> None:
    path = root / "index.json"
    doc = json.loads(path.read_text())
    *way, last = [int(word) if word.isdigit() else word.replace("@", ".") for word in case["index"].split(".")]
    holder: Any = doc
    for word in way:
        holder = holder[word]
    if "drop" in case:
        del holder[last]
    else:
        holder[last] = doc["manifests"][0] if "same_as" in case else case["to"]
    path.write_text(json.dumps(doc))


def on_archive(root: Path, case: Case) -> None:
    """Add a member to an archive, or to a layer of the image a, and let every digest follow."""
    if "layer" in case:
        entry, _ = member(case["layer"], case)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(entry)
        path = root.parent / "evil.tar"
        saved(path, {"r.example/a:1": [buffer.getvalue()]})
        replaced(root, "image a", path.read_bytes())
        return
    data = blob_of(root, case["archive"]).read_bytes()
    packed = data.startswith(b"\x1f\x8b")
    buffer = io.BytesIO(gzip.decompress(data) if packed else data)
    entry, body = member(case["member"], case)
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        tar.addfile(entry, io.BytesIO(body))
    replaced(root, case["archive"], gzip.compress(buffer.getvalue(), 1) if packed else buffer.getvalue())


def replaced(root: Path, named: str, data: bytes) -> None:
    """Put other bytes in the place of an artifact, as somebody who can write the index would."""
    old = blob_of(root, named)
    text = (root / "index.json").read_text()
    digest = hashlib.sha256(data).hexdigest()
    text = text.replace(f'"size": {old.stat().st_size}', f'"size": {len(data)}').replace(old.name, digest)
    old.unlink()
    (root / "blobs" / "sha256" / digest).write_bytes(data)
    (root / "index.json").write_text(text)
