"""Managed files and kernel settings: compared with the declaration, written only where they differ."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.node.converge.protocol import ApplyFailed, LookFailed, Status
from edgectl.node.host.files import Files, Sysctls, first_difference
from edgectl.node.io.programs import Ran
from edgectl.wire.payload import ManagedFile
from tests.unit.node.fake import FakeNode, ran
from tests.unit.node.faults import Disk, Killed, sweep

ONE = ManagedFile("/etc/one.conf", "a = 1\nb = 2\n", "0600")
TWO = ManagedFile("/etc/deep/er/two.conf", "ü\n")
STEP = Files("host-files", "host files", (ONE, TWO))


def test_missing_files_are_written_with_text_and_mode(node: FakeNode) -> None:
    """Folders are made; a second look finds nothing to do."""
    seen = STEP.probe(node)
    assert seen.status is Status.DRIFTED
    assert [row[:2] for row in seen.differences] == [(ONE.path, "missing"), (TWO.path, "missing")]
    STEP.apply(node, seen)
    assert STEP.probe(node).status is Status.CURRENT
    assert node.mode(node.places.root / "etc/one.conf") == 0o600
    assert node.text(node.places.root / "etc/deep/er/two.conf") == "ü\n"


def test_only_what_differs_is_written(node: FakeNode) -> None:
    """A changed text that not everybody may read is not shown; the other file keeps its inode."""
    STEP.apply(node, STEP.probe(node))
    (node.places.root / "etc/one.conf").write_text("a = 1\nb = 3\n")
    inode = (node.places.root / "etc/deep/er/two.conf").stat().st_ino
    seen = STEP.probe(node)
    assert seen.differences == ((ONE.path, "another text", "the declared one"),), "0600: quoted nowhere"
    STEP.apply(node, seen)
    assert STEP.probe(node).status is Status.CURRENT
    assert (node.places.root / "etc/deep/er/two.conf").stat().st_ino == inode


def test_a_mode_alone_is_drift(node: FakeNode) -> None:
    """A secret that everybody may read is not as declared."""
    STEP.apply(node, STEP.probe(node))
    (node.places.root / "etc/one.conf").chmod(0o644)
    seen = STEP.probe(node)
    assert seen.differences == ((f"{ONE.path} mode", "0644", "0600"),)
    STEP.apply(node, seen)
    assert STEP.probe(node).status is Status.CURRENT


@pytest.mark.parametrize(("declared", "other"), [("a\r\nb\r", "a\nb\n"), ("a\nb\n", "a\r\nb\r\n")])
def test_line_ends_are_of_the_text(node: FakeNode, declared: str, other: str) -> None:
    """Law: they are written, compared and put right as declared. Seeded: a reader that makes all of them newlines."""
    step = files(ManagedFile("/etc/till.conf", declared))
    converge(node, step)
    path = node.places.root / "etc/till.conf"
    path.write_bytes(other.encode())
    assert step.probe(node).differences == (("/etc/till.conf", "line end", "line end"),)
    converge(node, step)
    assert path.read_bytes() == declared.encode()


def test_a_path_that_cannot_be_written_is_a_failed_apply(node: FakeNode) -> None:
    """With the path and the system's word for it."""
    (node.places.root / "etc").write_text("a file where a folder should be")
    with pytest.raises(ApplyFailed, match=r"/etc/one\.conf could not be written"):
        STEP.apply(node, STEP.probe(node))


def test_a_folder_in_the_place_of_a_file_is_no_look(node: FakeNode) -> None:
    """It cannot be read: unknown, not fine."""
    (node.places.root / "etc/one.conf").mkdir(parents=True)
    with pytest.raises(LookFailed):
        STEP.probe(node)


def files(*declared: ManagedFile) -> Files:
    """Return the step of these files."""
    return Files("host-files", "host files", declared)


def converge(node: FakeNode, step: Files) -> None:
    """Bring the node there."""
    seen = step.probe(node)
    if seen.status is Status.DRIFTED:
        step.apply(node, seen)
    assert step.probe(node).status is Status.CURRENT


def test_a_file_that_is_declared_no_more_goes(node: FakeNode) -> None:
    """Law: going back removes what the candidate added. A stranger's file beside it stays."""
    converge(node, files(ONE, TWO))
    (node.places.root / "etc/deep/er/other").write_text("a stranger's")
    seen = files(ONE).probe(node)
    assert seen.differences == ((TWO.path, "present", "retired"),)
    converge(node, files(ONE))
    assert not (node.places.root / "etc/deep/er/two.conf").exists()
    assert (node.places.root / "etc/deep/er/other").exists()


def test_what_stood_there_before_comes_back(node: FakeNode) -> None:
    """With its mode; also after the declared text has changed in between."""
    path = node.places.root / "etc/one.conf"
    path.parent.mkdir(parents=True)
    path.write_text("the distribution's")
    path.chmod(0o640)
    converge(node, files(ONE))
    converge(node, files(ManagedFile(ONE.path, "c = 3\n")))
    converge(node, files())
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("the distribution's", 0o640)
    assert list((node.places.owned / "originals").iterdir()) == []


@pytest.mark.parametrize("text", ["a stranger's", TWO.text, None], ids=["another text", "the same text", "dangling"])
def test_a_link_in_the_place_of_a_file_is_replaced_and_never_written_through(node: FakeNode, text: str | None) -> None:
    """What it leads to stays as it is, byte and mode, also where it says just what is declared.

    Seeded: a write into the file that is there; a link that is taken for its target.
    """
    converge(node, files(TWO))
    path, target = node.places.root / "etc/deep/er/two.conf", node.places.root / "srv/precious"
    target.parent.mkdir()
    if text is not None:
        target.write_text(text)
        target.chmod(0o600)
    path.unlink()
    path.symlink_to(target)
    assert files(TWO).probe(node).differences == ((TWO.path, "a symbolic link", "a file"),)
    converge(node, files(TWO))
    assert (path.is_symlink(), path.read_text(), path.stat().st_mode & 0o777) == (False, TWO.text, 0o644)
    assert (target.read_text() if target.exists() else None) == text
    assert text is None or target.stat().st_mode & 0o777 == 0o600


def test_a_link_that_leads_to_itself_is_replaced(node: FakeNode) -> None:
    """It can be read by nobody: no reason to leave it."""
    path = node.places.root / "etc/one.conf"
    path.parent.mkdir()
    path.symlink_to(path)
    converge(node, files(ONE))
    assert not path.is_symlink()


def test_a_link_that_stood_there_before_comes_back_as_one(node: FakeNode) -> None:
    """With the target that it had; and nothing was written there meanwhile, whoever left a temporary name behind."""
    path, target = node.places.root / "etc/one.conf", node.places.root / "run/stub.conf"
    for folder in (path.parent, target.parent):
        folder.mkdir(exist_ok=True)
    target.write_text("the distribution's")
    path.symlink_to("../run/stub.conf")
    converge(node, files(ONE))
    assert not path.is_symlink()
    converge(node, files())
    assert (str(path.readlink()), target.read_text()) == ("../run/stub.conf", "the distribution's")
    assert list((node.places.owned / "originals").iterdir()) == []


def test_a_copy_follows_no_link_at_its_temporary_name(node: FakeNode) -> None:
    """Nor does a write."""
    precious, source = node.places.root / "precious", node.places.root / "source"
    for file in (precious, source):
        file.write_text(file.name)
    (node.places.root / ".new.edgectl-new").symlink_to(precious)
    with pytest.raises(OSError, match="symbolic links"):
        node.copy(source, node.places.root / "new", mode=0o644)
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("last", [(ONE,), (TWO,), ()], ids=["one", "two", "none"])
def test_killed_anywhere_files_come_and_go(tmp_path: Path, last: tuple[ManagedFile, ...]) -> None:
    """The next run ends at the same files, and what stood there before is never lost."""

    def attempt(disk: Disk, number: int) -> bool:
        node = FakeNode(tmp_path / f"{number}-{disk.kills}")
        path = node.places.root / "etc/one.conf"
        path.parent.mkdir(parents=True)
        path.write_text("the distribution's")
        with disk.armed(), suppress(OSError, Killed, ApplyFailed):
            converge(node, files(ONE, TWO))
            converge(node, files(*last))
        converge(node, files(*last))
        if ONE not in last:
            assert path.read_text() == "the distribution's"
        assert (node.places.root / "etc/deep/er/two.conf").exists() == (TWO in last)
        return disk.reached

    assert sweep(attempt) > 20


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_difference_always_has_words(have: str, want: str) -> None:
    """Any two texts that differ give two short words to show."""
    left, right = first_difference(have, want)
    assert len(left) <= 120
    assert len(right) <= 120


def proc(node: FakeNode, key: str, text: str) -> None:
    """Write one setting as the kernel would show it."""
    path = node.places.root / "proc/sys" / key.replace(".", "/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_kernel_settings_are_compared_by_value(node: FakeNode) -> None:
    """Tabs and line ends of /proc are no difference; a missing or other value is."""
    step = Sysctls({"net.ipv4.ip_local_port_range": "1024 65000", "vm.swappiness": "1"})
    proc(node, "net.ipv4.ip_local_port_range", "1024\t65000\n")
    assert step.probe(node).differences == (("vm.swappiness", "missing", "1"),)
    proc(node, "vm.swappiness", "60\n")
    seen = step.probe(node)
    assert seen.differences == (("vm.swappiness", "60", "1"),)
    step.apply(node, seen)
    assert node.changes == [("sysctl", "-w", "vm.swappiness=1")]


@pytest.mark.parametrize("key", ["net/ipv4/conf/eth0.100/rp_filter", "net.ipv4.conf.eth0/100.rp_filter"])
def test_a_setting_of_a_vlan_interface_is_found(node: FakeNode, key: str) -> None:
    """Law: a name means what sysctl.d(5) says: its first separator decides. Seeded: every dot becomes a slash."""
    path = node.places.root / "proc/sys/net/ipv4/conf/eth0.100/rp_filter"
    path.parent.mkdir(parents=True)
    path.write_text("1\n")
    assert Sysctls({key: "1"}).probe(node).status is Status.CURRENT
    assert Sysctls({key: "2"}).probe(node).differences == ((key, "1", "2"),)


def test_a_setting_that_the_kernel_refuses_is_a_failed_apply(node: FakeNode) -> None:
    """With sysctl's own words."""
    step = Sysctls({"vm.swappiness": "9999"})

    def refuse(*argv: str) -> Ran:
        return ran(code=1, err="sysctl: setting key: Invalid argument", argv=argv)

    node.on_change = refuse
    with pytest.raises(ApplyFailed, match=r"vm\.swappiness could not be set: .*Invalid argument"):
        step.apply(node, step.probe(node))
