"""An engine's archive: plain files with names of their own, no larger than the archive says, whole or not there."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgectl.control.link.runtime import pack
from edgectl.node.io.places import Places
from edgectl.node.load import engine
from edgectl.wire.document import digest_of
from edgectl.wire.errors import NotReady, Refused
from tests.stick import ENGINE, tar_of


def _entry(name: str, **fields: object) -> Callable[[], bytes]:
    def make() -> bytes:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
            main = tarfile.TarInfo("__main__.py")
            archive.addfile(main, io.BytesIO(b""))
            made = tarfile.TarInfo(name)
            for field, value in fields.items():
                setattr(made, field, value)
            archive.addfile(made, io.BytesIO(b"x" * made.size))
        return packed.getvalue()

    return make


def _lies_about_its_size() -> bytes:
    data = bytearray(_entry("big.py", size=10)())
    head = tarfile.TarInfo("big.py")
    head.size = 1 << 33
    data[512:1024] = head.tobuf(tarfile.GNU_FORMAT)
    return bytes(data)


def _sparse() -> bytes:
    data = bytearray(_entry("hole.py", size=10)())
    head = tarfile.TarInfo("hole.py")
    head.size, head.type = 10, tarfile.GNUTYPE_SPARSE
    data[512:1024] = head.tobuf(tarfile.GNU_FORMAT)
    return bytes(data)


def odd(kind: bytes, size: int) -> bytes:
    """Return an archive with a head of its own: a size of up to 88 bits, below nothing too, and a sum that is right."""
    head = bytearray(tarfile.TarInfo("x").tobuf(tarfile.GNU_FORMAT))
    head[124:136] = (size % 256**12 | (0x80 << 88)).to_bytes(12, "big")
    head[156:157], head[148:156] = kind, b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return tar_of({"__main__.py": b""})[:512] + bytes(head) + bytes(1024)


BAD: dict[str, Callable[[], bytes]] = {
    "no archive": lambda: b"engine",
    "nothing": lambda: b"",
    "a packed one": lambda: b"\x1f\x8b" + b"x" * 600,
    "without a beginning": lambda: tar_of({"edgectl/x.py": b""}),
    "upward": _entry("../x"),
    "upward within": _entry("edgectl/../../x"),
    "absolute": _entry("/etc/cron.d/x"),
    "a dot": _entry("./x"),
    "no name between": _entry("edgectl//x"),
    "unprintable": _entry("a\x1b[2Jb"),
    "a link": _entry("x", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": _entry("x", type=tarfile.LNKTYPE, linkname="__main__.py"),
    "a pipe": _entry("x", type=tarfile.FIFOTYPE),
    "a device": _entry("x", type=tarfile.CHRTYPE),
    "a folder": _entry("x", type=tarfile.DIRTYPE),
    "twice": _entry("__main__.py"),
    "larger than it is": _lies_about_its_size,
    "with holes": _sparse,
    "cut off": lambda: tar_of(ENGINE)[:700],
    "a file and a folder of one name": lambda: tar_of({"__main__.py": b"", "a": b"", "a/b": b""}),
    "a name that no file system takes": _entry("n" * 300),
    "a long name's length of 80 bits": lambda: odd(b"L", 1 << 80),
    "a long link's length of 63 bits": lambda: odd(b"K", 1 << 63),
    "more about a file than there is": lambda: odd(b"x", 1 << 80),
    "a size far below nothing": lambda: odd(b"0", -(1 << 80)),
    "names of names without end": lambda: tar_of({"__main__.py": b""})[:512] + odd(b"L", 1)[512:1024] * 3000,
    "a size below nothing": lambda: odd(b"0", -1024),
    "too many": lambda: tar_of({"__main__.py": b""} | {f"x{number}": b"" for number in range(5001)}),
}


@pytest.mark.parametrize("name", BAD)
def test_what_may_not_be_unpacked_is_not(name: str, tmp_path: Path) -> None:
    """Refused, and not a file of it is anywhere."""
    tar = BAD[name]()
    with pytest.raises((Refused, NotReady)) as caught:
        engine.unpack(Places(tmp_path / "node"), digest_of(tar), tar)
    assert isinstance(caught.value, Refused), caught.value
    assert not (tmp_path / "node").exists()


def test_other_bytes_than_the_digest_says(tmp_path: Path) -> None:
    """Refused before anything is unpacked."""
    with pytest.raises(Refused, match="damaged"):
        engine.unpack(Places(tmp_path), digest_of(b"another"), tar_of(ENGINE))
    assert list(tmp_path.iterdir()) == []


def test_the_product_s_own_engine_fits(tmp_path: Path) -> None:
    """What the exporter packs is what this takes, byte for byte; a second time nothing is done."""
    from pathlib import Path as Place

    import edgectl
    from edgectl.control.link.runtime import sources

    files = sources(Place(edgectl.__file__).parent)
    packed = pack(files)
    places = Places(tmp_path)
    for _ in range(2):
        engine.unpack(places, packed.digest, packed.tar)
    folder = places.runtime(packed.digest)
    assert {name: (folder / name).read_bytes() for name in files} == files
    assert engine.is_here(places, packed.digest)
    assert len(packed.tar) * 4 < engine.MOST_BYTES
    assert not engine.runs_here(places, packed.digest)
