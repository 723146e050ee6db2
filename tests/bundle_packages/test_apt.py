"""`edgectl bundle packages` with this machine's apt and a repository in a folder: downloads, refusals, no traces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgectl.cli.main import run
from edgectl.control.debian.file import control
from tests.bundle_packages.conftest import Repository
from tests.cli.conftest import Edgectl, Said

MACHINE = ("/var/lib/apt", "/var/cache/apt", "/var/lib/dpkg", "/etc/apt", "/var/log/apt")
Bring = Callable[..., Said]


@pytest.fixture
def edgectl(capsys: pytest.CaptureFixture[str]) -> Edgectl:
    """Give a function that runs one command line."""

    def command(*words: str) -> Said:
        capsys.readouterr()
        code = run(words)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return command


@pytest.fixture
def bring(repository: Repository, edgectl: Edgectl, tmp_path: Path) -> Bring:
    """Give the command, for this repository."""

    def command(*words: str, keys: Path = repository.keys, mirror: str = repository.mirror) -> Said:
        where = ("--suite", "./", "--mirror", mirror, "--keyring", str(keys))
        return edgectl("bundle", "packages", *words, "--to", str(tmp_path / "debs"), *where)

    return command


def brought(tmp_path: Path) -> list[str]:
    return sorted(f"{one.name} {one.version}" for one in map(control, (tmp_path / "debs").glob("*.deb")))


def traces() -> dict[str, tuple[int, int]]:
    """Return all files of the machine's own apt and dpkg with their time and size."""
    found = (path for root in MACHINE for path in (Path(root), *Path(root).rglob("*")))
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in found}


def test_a_package_comes_with_all_that_a_bare_system_lacks(bring: Bring, tmp_path: Path) -> None:
    """Law: the newest by Debian's order, its needs, nothing that any system has, nothing recommended; no trace here."""
    before = traces()
    said = bring("jq")
    assert said.code == 0, said.err
    assert brought(tmp_path) == ["jq 1:1.5~rc1-1", "libjq1 1.6-2"]
    assert "fetching  2 of 2  jq 1:1.5~rc1-1" in said.err or "fetching  2 of 2  libjq1 1.6-2" in said.err
    assert (tmp_path / "debs" / "jq_1%3a1.5~rc1-1_amd64.deb").is_file()
    assert traces() == before


def test_the_version_that_is_asked_for_comes(bring: Bring, tmp_path: Path) -> None:
    """Also an older one, and with it what it needs; another package beside it; a second time the same."""
    said = bring("jq=1.6-2", "figlet", "-o", "json")
    assert said.code == 0, said.err
    assert brought(tmp_path) == ["figlet 2.2.5-3", "jq 1.6-2", "libjq1 1.6-2"]
    assert {one["name"] for one in said.document["packages"]} == {"figlet", "jq", "libjq1"}
    assert bring("jq=1.6-2", "figlet").code == 0
    assert len(brought(tmp_path)) == 3


def test_what_the_node_has_is_not_brought(bring: Bring, tmp_path: Path) -> None:
    """Law: a node's status decides; what is asked for comes all the same, as nodes need its file, held or not."""
    status = tmp_path / "status"
    stanza = (
        "Package: {}\nStatus: {} ok installed\nVersion: {}\nArchitecture: amd64\nMaintainer: Anna\nDescription: one\n"
    )
    has = (("libc6", "install", "2.36-9"), ("libjq1", "install", "1.6-2"), ("jq", "hold", "1.6-2"))
    status.write_text("\n".join(stanza.format(*one) for one in has))
    assert bring("jq=1.6-2", "--status", str(status)).code == 0
    assert brought(tmp_path) == ["jq 1.6-2"]
    status.write_text(stanza.format("libjq1", "install", "1.6-2"))
    assert bring("jq=1.6-2", "--status", str(status)).code == 0
    assert brought(tmp_path) == ["jq 1.6-2", "libc6 2.36-9"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("nope",), 3, "there is no package nope for amd64 in the packages' sources"),
        (("jq=7",), 3, "package jq 7 is not in the packages' sources (they have 1:1.5~rc1-1, 1.6-2)"),
        (("broken",), 3, "broken cannot be installed together"),
        (("jq>1",), 2, "is no package, like jq or jq=1.6-2.1"),
        (("jq", "--arch", "arm64"), 3, "there is no package jq for arm64"),
        (("jq", "--status", "/nowhere"), 3, "--status /nowhere cannot be read: No such file"),
        (("jq", "--status", "/etc/hostname"), 3, "is no /var/lib/dpkg/status of a node"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    bring: Bring, tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    """What is wrong and what to do; nothing is left in the folder."""
    said = bring(*words)
    assert said.code == code, said.err
    assert says in said.err
    assert not (tmp_path / "debs").exists()


def test_a_node_of_another_kind_is_told(bring: Bring, tmp_path: Path) -> None:
    """The status of an arm64 node does not say what an amd64 node has."""
    (tmp_path / "status").write_text("Package: a1\nStatus: install ok installed\nVersion: 1\nArchitecture: arm64\n")
    said = bring("jq", "--status", str(tmp_path / "status"))
    assert said.code == 3
    assert "is of a machine for arm64, not amd64" in said.err


def test_only_the_named_keys_are_trusted(
    bring: Bring, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law: another's keys, no keys, an index that was changed, a package that was changed: nothing is taken.

    Seeded: `Trusted: yes`, which lets all of it through.
    """
    other = Repository(tmp_path_factory.mktemp("other"))
    other.put("jq", "1")
    other.publish()
    other.close()
    vouch = "the keys do not vouch for the packages' source"
    assert vouch in bring("jq", keys=other.keys).err
    empty = tmp_path / "empty.gpg"
    empty.touch()
    assert vouch in bring("jq", keys=empty).err
    assert "--keyring /nowhere cannot be read" in bring("jq", keys=Path("/nowhere")).err
    index = other.root / "Packages"
    index.write_bytes(index.read_bytes().replace(b"one", b"two"))
    said = bring("jq", keys=other.keys, mirror=other.mirror)
    assert said.code in (3, 4)
    other.publish()
    (package,) = other.root.glob("jq*.deb")
    package.write_bytes(package.read_bytes().replace(b"2.0", b"2.1"))
    said = bring("jq", keys=other.keys, mirror=other.mirror)
    assert (said.code, "not all packages could be downloaded" in said.err) == (3, True), said.err
    assert "other bytes than its index says" in said.err
    assert not (tmp_path / "debs").exists()


def test_no_source_and_no_apt(bring: Bring, edgectl: Edgectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 4 where it is not reached, 3 where there is none; without apt a sentence says where to go."""
    assert "no such suite" in bring("jq", mirror=f"file:{tmp_path}").err
    away = bring("jq", mirror="http://127.0.0.1:9/debian")
    assert (away.code, "cannot be reached" in away.err) == (4, True), away.err
    monkeypatch.setenv("PATH", str(tmp_path))
    said = bring("jq")
    assert said.code == 3
    assert "there is no apt on this machine" in said.err
    assert edgectl("bundle", "packages", "jq", "--to", "x", "--mirror", "http://a").code == 2
