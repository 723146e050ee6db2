"""The engine's archive: complete, the same everywhere, free of what does not belong on a node."""

from __future__ import annotations

import ast
import hashlib
import io
import lzma
import tarfile
from pathlib import Path

import edgectl
from edgectl.control.link.runtime import pack, runtime, sources


def test_the_same_sources_are_the_same_bytes(tmp_path: Path) -> None:
    """Neither the order in which files are found, nor times, modes, caches or edgectl's version change the digest."""
    for root, version, order in ((tmp_path / "a", "1", (1, 2)), (tmp_path / "b", "2", (2, 1))):
        for part in ("node", "wire", "control"):
            for n in order:
                folder = root / part / f"sub{n}"
                folder.mkdir(parents=True)
                (folder / "code.py").write_text(f"part = {part!r}, {n}\n")
                (folder / "probe.sh").write_text("#!/bin/sh\n")
                (folder / "notes.orig").write_text(version)
        (root / "__init__.py").write_text(f"__version__ = {version!r}\n")
        (root / "node/__pycache__").mkdir()
        (root / "node/__pycache__/code.py").write_text(version)
        (root / "control/sub1/code.py").write_text(version)
        (root / "node/sub1/code.py").chmod(0o600 if version == "1" else 0o755)
    one, two = (pack(sources(tmp_path / name)) for name in ("a", "b"))
    assert one == two
    with tarfile.open(fileobj=io.BytesIO(one.tar)) as archive:
        names = archive.getnames()
        assert {entry.mtime for entry in archive} == {0}
        assert archive.getmember("edgectl/node/sub1/probe.sh").mode == 0o755
    assert names == sorted(names, key=lambda name: (Path(name).suffix, name.count("/"), name))
    assert {name.split("/")[1] for name in names if "/" in name} == {"__init__.py", "node", "wire"}


def test_any_change_is_another_engine() -> None:
    """Content and names are what the digest is over."""
    base = {"a.py": b"1", "b.py": b"2"}
    others = ({"a.py": b"1"}, {"a.py": b"1", "b.py": b"3"}, {"a.py": b"1", "c.py": b"2"})
    assert len({pack(files).digest for files in (base, *others)}) == 4


def test_the_name_is_over_the_content_not_the_compression() -> None:
    """Two machines with another zlib each give the engine one name."""
    archive = pack({"a.py": b"x" * 1000})
    assert lzma.decompress(archive.data) == archive.tar
    assert archive.hex == hashlib.sha256(archive.tar).hexdigest()
    assert archive.data not in repr(archive).encode()


def test_the_installed_engine_is_whole_and_small() -> None:
    """It holds node and wire, imports nothing else of edgectl, and crosses a thin line in about a second."""
    archive = runtime()
    assert runtime() is archive
    assert len(archive.data) < 320 * 1024
    files = sources(Path(edgectl.__file__).parent)
    assert {"__main__.py", "edgectl/__init__.py", "edgectl/node/main.py", "edgectl/wire/frame.py"} <= set(files)
    for name, data in files.items():
        if name.endswith(".py"):
            for found in ast.walk(ast.parse(data)):
                if isinstance(found, ast.ImportFrom) and (found.module or "").startswith("edgectl"):
                    assert str(found.module).split(".")[1] in {"node", "wire"}, name
    assert edgectl.__version__.encode() not in files["edgectl/__init__.py"]
