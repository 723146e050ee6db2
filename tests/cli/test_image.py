"""`edgectl image` through the real entry point: files, the inventory that they are pinned in, and what is refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from pycdlib import PyCdlib

from edgectl.control import staging
from edgectl.control.firstboot import aside, disc, folder, hostkey
from edgectl.control.inventory import pin
from edgectl.control.signing.edits import first
from edgectl.control.signing.trustfile import text_of
from edgectl.wire.trust import Signer, kept_text
from tests.cli.conftest import KEY, Edgectl

TEXT = """# Ours
version: 1
bundle: bundle
defaults:
  ssh: {user: deploy, keys: [id, id2]}
  k3s: {version: v1.36.3+k3s1}
  install: {os: debian-12}
stores:
  store-042: # Mitte
    nodes:
      node-1:
        address: 10.77.0.11 # not .12
        identity: {serial: 7CX1234, macs: ["3c:ec:ef:0a:1b:2c"]}
      node-2: {role: agent, address: 10.77.0.12, install: {os: ubuntu-24.04}} # flow
"""
DEBIAN = ["README.txt", "meta-data", "network-config", "preseed.cfg", "user-data"]


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an inventory whose nodes have no host keys, beside the operator's public keys."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "inventory.yaml"
    path.write_text(TEXT)
    (tmp_path / "id.pub").write_text(f"{KEY} ada lovelace;$(rm)\n")
    (tmp_path / "id2.pub").write_text(f"{KEY} the same again\n")
    monkeypatch.setenv("EDGECTL_INVENTORY", str(path))
    return path


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the private host keys that are made from here on."""
    keys: list[str] = []
    real = hostkey.made

    def made() -> hostkey.HostKeyPair:
        pair = real()
        keys.append(pair.private.reveal())
        return pair

    monkeypatch.setattr("edgectl.control.firstboot.prepare.made", made)
    return keys


def names(folder: Path) -> list[str]:
    """Return the files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_are_written_and_the_key_is_pinned(
    inventory: Path, tmp_path: Path, private: list[str], edgectl: Edgectl
) -> None:
    """Law: one line of the inventory changes, comments stay, and it is shown; what is pinned is what the files hold."""
    stick = tmp_path / "stick"
    said = edgectl("image", "store-042/node-1", "--to", str(stick))
    assert (said.code, said.err) == (0, "")
    assert names(stick) == DEBIAN
    user_data = yaml.safe_load((stick / "user-data").read_text())
    public = user_data["ssh_keys"]["ed25519_public"]
    assert user_data["ssh_keys"]["ed25519_private"] == private[0]
    line = f"        host_key: {public}\n"
    assert inventory.read_text() == TEXT.replace("# not .12\n", f"# not .12\n{line}")
    assert f"+{line}".rstrip() in said.out.splitlines()
    assert "pinned in" in said.out
    assert "edgectl deploy store-042" in said.out
    assert (
        (stick / "README.txt").read_text().startswith("edgectl image store-042/node-1\n1. Machine: serial number 7CX")
    )


def test_who_may_log_in_is_read_beside_the_private_keys(inventory: Path, tmp_path: Path, edgectl: Edgectl) -> None:
    """Law: each key once; a comment brings nothing into a file that a shell could read; no private key is opened."""
    assert inventory.exists()
    assert edgectl("image", "store-042/node-1", "--to", str(tmp_path / "stick")).code == 0
    (account,) = yaml.safe_load((tmp_path / "stick/user-data").read_text())["users"]
    assert account["ssh_authorized_keys"] == [f"{KEY} ada lovelace?rm?"]


def test_the_private_key_is_in_the_files_alone(
    inventory: Path, tmp_path: Path, private: list[str], edgectl: Edgectl
) -> None:
    """Law: on no stream, in no inventory, cache or left-over file; and others may not read the files that have it."""
    said = edgectl("image", "store-042/node-1", "--to", str(tmp_path / "stick"), "-v", "-o", "json")
    secret = private[0].splitlines()[2]
    assert secret not in said.out + said.err
    holders = {path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()}
    assert holders == {tmp_path / "stick/user-data"}  # the installer's file has it as base64
    for file in said.document["files"]:
        mode = (tmp_path / "stick" / file["path"]).stat().st_mode & 0o777
        assert mode == (0o600 if file["private"] else 0o644)
    assert [file["path"] for file in said.document["files"] if file["private"]] == ["user-data", "preseed.cfg"]
    assert (tmp_path / "stick").stat().st_mode & 0o777 == 0o700
    assert secret not in inventory.read_text()


def test_the_document_has_files_and_fingerprint(inventory: Path, tmp_path: Path, edgectl: Edgectl) -> None:
    """Law: a program learns what was written and which key is pinned."""
    doc = edgectl("image", "store-042/node-2", "--to", str(tmp_path / "stick"), "-o", "json").document
    assert (doc["store"], doc["node"], doc["os"]) == ("store-042", "node-2", "ubuntu-24.04")
    assert doc["host_key"]["fingerprint"].startswith("SHA256:")
    assert f"address: 10.77.0.12, host_key: {doc['host_key']['public']}, install" in inventory.read_text()
    assert sorted(file["path"] for file in doc["files"]) == names(tmp_path / "stick")
    assert "autoinstall/user-data" in names(tmp_path / "stick")


def test_a_machine_that_is_known_is_not_made_a_stranger(inventory: Path, tmp_path: Path, edgectl: Edgectl) -> None:
    """Law: a pinned key is replaced when that is asked for, and what it means is said. Seeded: a new key each time."""
    stick = tmp_path / "stick"
    first = edgectl("image", "store-042/node-1", "--to", str(stick), "-o", "json").document
    before, files = inventory.read_bytes(), {name: (stick / name).read_bytes() for name in names(stick)}
    refused = edgectl("image", "store-042/node-1", "--to", str(stick))
    assert refused.code == 3
    assert f"has a host key already, {first['host_key']['fingerprint']}" in refused.err
    assert "--new-host-key" in refused.err
    assert (inventory.read_bytes(), {name: (stick / name).read_bytes() for name in names(stick)}) == (before, files)
    again = edgectl("image", "store-042/node-1", "--to", str(stick), "--new-host-key")
    assert again.code == 0
    assert f"warning: {first['host_key']['fingerprint']} is no longer the key of store-042/node-1" in again.err
    assert first["host_key"]["public"] not in inventory.read_text()
    assert names(stick) == DEBIAN


@pytest.mark.parametrize("force", [False, True])
def test_what_lies_there_is_not_written_over(force: bool, inventory: Path, tmp_path: Path, edgectl: Edgectl) -> None:  # noqa: FBT001
    """Law: somebody else's files stay; with --force ours come beside them. What a stick has by itself is nothing."""
    stick = tmp_path / "stick"
    (stick / "System Volume Information").mkdir(parents=True)
    words = ("image", "store-042/node-1", "--to", str(stick), *(["--force"] if force else []))
    (stick / "holiday.jpg").write_text("mine")
    said = edgectl(*words)
    assert (stick / "holiday.jpg").read_text() == "mine"
    if force:
        assert said.code == 0
        assert names(stick) == sorted([*DEBIAN, "holiday.jpg"])
        return
    assert said.code == 3
    assert "is not empty: holiday.jpg" in said.err
    assert names(stick) == ["holiday.jpg"]
    assert inventory.read_text() == TEXT
    (stick / "holiday.jpg").unlink()
    assert edgectl(*words).code == 0


def test_another_machines_files_are_not_lost(inventory: Path, tmp_path: Path, edgectl: Edgectl) -> None:
    """Law: their private key may be nowhere else. With --force they go, and nothing of them is left among ours."""
    stick = tmp_path / "stick"
    assert inventory.exists()
    assert edgectl("image", "store-042/node-2", "--to", str(stick)).code == 0
    said = edgectl("image", "store-042/node-1", "--to", str(stick))
    assert said.code == 3
    assert "holds the files of another machine: store-042/node-2" in said.err
    assert edgectl("image", "store-042/node-1", "--to", str(stick), "--force").code == 0
    assert names(stick) == DEBIAN
    assert not (stick / "autoinstall").exists()


class Broken(OSError):
    """What a stick says that was pulled out."""


def _no_second_file(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = folder._write, [0]

    def write(*args: object) -> None:
        calls[0] += 1
        if calls[0] == 3:
            raise Broken(28, "No space left on device")
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(folder, "_write", write)


def _no_inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(*_: object) -> None:
        raise Broken(30, "Read-only file system")

    monkeypatch.setattr(pin, "replace", replace)


def _no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = staging.sync_folder, [0]

    def sync(path: Path) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise Broken(5, "Input/output error")
        real(path)

    monkeypatch.setattr(folder, "sync_folder", sync)


@pytest.mark.parametrize("fault", [_no_second_file, _no_inventory, _no_place])
@pytest.mark.parametrize("made", [False, True])
def test_what_fails_leaves_nothing(
    fault: object,
    made: bool,  # noqa: FBT001 - a case
    inventory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    edgectl: Edgectl,
) -> None:
    """Law: no file without its key pinned, no key pinned without its files, whatever breaks between: exit 3.

    Seeded: pin first and write then; leave what was placed.
    """
    stick = tmp_path / "stick"
    if made:
        stick.mkdir()
    fault(monkeypatch)  # type: ignore[operator]
    said = edgectl("image", "store-042/node-1", "--to", str(stick))
    assert said.code == 3
    assert "nothing was made" in said.err
    assert inventory.read_text() == TEXT
    assert stick.exists() is made
    assert not made or list(stick.iterdir()) == []
    monkeypatch.undo()


def test_an_inventory_that_changes_meanwhile_wins(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgectl: Edgectl
) -> None:
    """Law: somebody else's line is not lost, and no files are left whose key is nowhere."""
    real = folder._write

    def write(*args: object) -> None:
        inventory.write_text(TEXT + "# mine\n")
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(folder, "_write", write)
    said = edgectl("image", "store-042/node-1", "--to", str(tmp_path / "stick"))
    assert said.code == 3
    assert "was changed meanwhile" in said.err
    assert inventory.read_text() == TEXT + "# mine\n"
    assert not (tmp_path / "stick").exists()


def test_a_stick_that_keeps_no_modes_is_warned_of(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgectl: Edgectl
) -> None:
    """Law: a FAT stick takes the files, and whoever writes them learns who can read the key there.

    FAT's driver refuses a change of mode and shows the one of the mount.
    """
    real_open = os.open

    def fchmod(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    def fat_open(path: str, flags: int, mode: int = 0o777, **more: int) -> int:
        found = real_open(path, flags, mode, **more)
        if flags & os.O_EXCL and str(path).startswith(str(tmp_path / "stick")):
            Path(path).chmod(0o755)
        return found

    monkeypatch.setattr("edgectl.control.firstboot.folder.os.open", fat_open)
    monkeypatch.setattr("edgectl.control.firstboot.folder.os.fchmod", fchmod)
    (tmp_path / "stick").mkdir()
    assert inventory.exists()
    words = ["image", "store-042/node-1", "--to", str(tmp_path / "stick")]
    with monkeypatch.context() as inside:
        inside.setattr("edgectl.control.inventory.pin.replace", lambda *_: None)  # its staging needs modes
        said = edgectl(*words)
    assert said.code == 0
    assert "keeps no modes: whoever has it can read the private host key; wipe it" in said.err
    assert names(tmp_path / "stick") == DEBIAN


@pytest.fixture
def opened() -> Iterator[PyCdlib]:
    """Return a reader of disc images."""
    reader = PyCdlib()
    yield reader
    reader.close()


def read(reader: PyCdlib, **path: str) -> bytes:
    """Return a file of a disc."""
    stream = BytesIO()
    reader.get_file_from_iso_fp(stream, **path)
    return stream.getvalue()


def test_a_disc_image_is_labelled_for_cloud_init(
    inventory: Path, tmp_path: Path, private: list[str], edgectl: Edgectl, opened: PyCdlib
) -> None:
    """Law: the label, and each file under its own name, for Linux (Rock Ridge) and Windows (Joliet); 0600."""
    path = tmp_path / "node-2.iso"
    said = edgectl("image", "store-042/node-2", "--to", str(path), "-o", "json")
    assert said.code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes()[32768 + 40 : 32768 + 72].decode().rstrip() == "CIDATA"  # ECMA-119, 8.4.7
    opened.open(str(path))
    for file in said.document["files"]:
        data = read(opened, rr_path=f"/{file['path']}")
        assert data == read(opened, joliet_path=f"/{file['path']}")
        assert (private[0].splitlines()[2].encode() in data) is file["private"]
    assert len(said.document["files"]) == 5
    assert inventory.read_text() != TEXT


def test_a_disc_for_ubuntus_installer(inventory: Path, tmp_path: Path, edgectl: Edgectl, opened: PyCdlib) -> None:
    """Law: with --installer what the installer looks for lies at the top; for Debian's there is no such thing."""
    path = tmp_path / "node-2.iso"
    assert edgectl("image", "store-042/node-2", "--to", str(path), "--installer").code == 0
    opened.open(str(path))
    assert list(yaml.safe_load(read(opened, rr_path="/user-data"))) == ["autoinstall"]
    text = inventory.read_text()
    said = edgectl("image", "store-042/node-1", "--to", str(tmp_path / "node-1.iso"), "--installer")
    assert said.code == 2
    assert "--installer is for Ubuntu's" in said.err
    assert inventory.read_text() == text
    assert not (tmp_path / "node-1.iso").exists()


def test_a_disc_image_that_is_there_stays(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgectl: Edgectl
) -> None:
    """Law: it is written over with --force alone, and is old or new when writing fails."""
    path = tmp_path / "node-1.iso"
    path.write_text("old")
    assert edgectl("image", "store-042/node-1", "--to", str(path)).code == 3
    assert (path.read_text(), inventory.read_text()) == ("old", TEXT)
    with monkeypatch.context() as inside:
        inside.setattr(disc, "write", lambda *_: (_ for _ in ()).throw(Broken(28, "No space left on device")))
        assert edgectl("image", "store-042/node-1", "--to", str(path), "--force").code == 3
    assert (path.read_text(), inventory.read_text()) == ("old", TEXT)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".staging")] == []
    assert edgectl("image", "store-042/node-1", "--to", str(path), "--force").code == 0
    assert path.read_bytes()[:3] != b"old"


def _deploy_user(inventory: Path, tmp_path: Path) -> str:
    """Declare one, and whom the stores trust."""
    trust = first(Signer(KEY, "ada@ops"), now=1_700_000_000)
    (tmp_path / "trust.yaml").write_text(text_of(trust))
    said = TEXT.replace("user: deploy", "user: edge").replace("bundle: bundle\n", "bundle: bundle\ntrust: trust.yaml\n")
    said = said.replace("  k3s:", f"  host: {{users: {{edge: {{keys: [{KEY}]}}}}}}\n  k3s:")
    inventory.write_text(said)
    return kept_text(trust)


def test_a_deploy_user_gets_trust_and_launcher(inventory: Path, tmp_path: Path, edgectl: Edgectl) -> None:
    """Law: where ssh.user is one of host.users, the machine knows whom it trusts, and nobody becomes root by sudo."""
    trust = _deploy_user(inventory, tmp_path)
    assert edgectl("image", "store-042/node-1", "--to", str(tmp_path / "stick")).code == 0
    doc = yaml.safe_load((tmp_path / "stick/user-data").read_text())
    files = {file["path"]: file["content"] for file in doc["write_files"]}
    assert files["/var/lib/edgectl/trust/trust.json"] == trust
    assert "/usr/local/sbin/edgectl-launch" in files
    assert "NOPASSWD: ALL" not in str(files)


def test_a_deploy_user_cannot_bring_an_agent_in(inventory: Path, tmp_path: Path, edgectl: Edgectl) -> None:
    """Law: what could not be deployed is not made: an agent's first deploy is root's. Nor without a file of trust."""
    _deploy_user(inventory, tmp_path)
    text = inventory.read_text()
    said = edgectl("image", "store-042/node-2", "--to", str(tmp_path / "stick"))
    assert (said.code, "its first deploy is root's" in said.err) == (3, True)
    (tmp_path / "trust.yaml").unlink()
    said = edgectl("image", "store-042/node-1", "--to", str(tmp_path / "stick"))
    assert (said.code, "edgectl keys init writes one" in said.err) == (3, True)
    assert inventory.read_text() == text
    assert not (tmp_path / "stick").exists()


@pytest.mark.parametrize(
    ("change", "words", "code", "sentence"),
    [
        (("", ""), ("store-042",), 2, "store-042 has 2 nodes"),
        (("", ""), ("store-042/node-9",), 2, "store-042 has no node node-9"),
        (("", ""), ("store-4/node-1",), 3, 'has no store "store-4"'),
        (("  install: {os: debian-12}\n", ""), ("store-042/node-1",), 3, "nothing says how store-042/node-1 is"),
        (("[id, id2]", "[id, lost]"), ("store-042/node-1",), 3, "inventory.yaml:5:34  ssh.keys: who may log in?"),
        (("[id, id2]", "[id, bad]"), ("store-042/node-1",), 3, "a public key is needed"),
        (("{os: debian-12}", "{os: debian-11}"), ("store-042/node-1",), 3, "debian-12, debian-13, ubuntu-22.04"),
        (("k3s: {version: v1.36.3+k3s1}", "k3s: {}"), ("store-042/node-1",), 3, "needs a k3s"),
        (
            ("install: {os: ubuntu-24.04}", "install: {disk: {data: true}}"),
            ("store-042/node-1",),
            3,
            "install.disk.data: the rest of the disk is what root leaves",
        ),
    ],
)
def test_bad_input_is_one_clear_sentence(
    change: tuple[str, str],
    words: tuple[str, ...],
    code: int,
    sentence: str,
    inventory: Path,
    tmp_path: Path,
    edgectl: Edgectl,
) -> None:
    """Law: exit code and sentence, before a key is made; nothing is written anywhere."""
    (tmp_path / "bad.pub").write_text("what?\n")
    text = TEXT.replace(*change)
    inventory.write_text(text)
    said = edgectl("image", *words, "--to", str(tmp_path / "stick"))
    assert said.code == code
    assert sentence in said.err
    assert said.out == ""
    assert inventory.read_text() == text
    assert not (tmp_path / "stick").exists()


def test_a_node_that_is_an_alias_is_not_touched(inventory: Path, tmp_path: Path, edgectl: Edgectl) -> None:
    """Law: where a line cannot be added safely no key is made: a key that nobody pins would be of no use."""
    text = (
        "version: 1\nbundle: b\ndefaults:\n  k3s: {version: v1.36.3+k3s1}\n"
        f"  install: {{keys: [{KEY}]}}\nstores:\n  one:\n    nodes: {{node-1: &n {{address: 10.77.0.11}}}}\n"
        "  two:\n    nodes: {node-1: *n}\n"
    )
    inventory.write_text(text)
    said = edgectl("image", "two/node-1", "--to", str(tmp_path / "stick"))
    assert said.code == 3
    assert "the host key of two/node-1 has no safe place there, so none was made" in said.err
    assert inventory.read_text() == text
    assert not (tmp_path / "stick").exists()


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        ("file", "is no folder"),
        ("no/where.iso", "there is no folder"),
        (f"{'n' * 300}.iso", "name another place with --to"),
        ("n" * 300, "name another place with --to"),
    ],
    ids=["file", "nowhere", "long disc", "long folder"],
)
def test_a_place_that_is_none(to: str, sentence: str, inventory: Path, tmp_path: Path, edgectl: Edgectl) -> None:
    """Law: it is named, and what would be one. Seeded: a look at the place that nobody guards."""
    (tmp_path / "file").write_text("")
    said = edgectl("image", "store-042/node-1", "--to", str(tmp_path / to))
    assert said.code == 3
    assert sentence in said.err
    assert inventory.read_text() == TEXT


def test_explain_shows_how_a_machine_is_installed(inventory: Path, edgectl: Edgectl) -> None:
    """Law: each value with its layer, like any other."""
    assert inventory.exists()
    said = edgectl("explain", "store-042", "nodes.node-2.install")
    assert said.code == 0
    assert 'nodes.node-2.install.os: "ubuntu-24.04"' in said.out
    assert 'over "debian-12"  defaults' in said.out


class Pulled(BaseException):
    """The stick is out: nothing more reaches it, and nobody there is told."""


@pytest.mark.parametrize(("kind", "install"), [("pulled", "debian-12"), ("error", "ubuntu-24.04")])
def test_one_whole_set_is_on_the_stick_wherever_it_is_pulled_out(
    kind: str, install: str, inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgectl: Edgectl
) -> None:
    """Law: the older set, or the new one whose key is pinned; what is there again after the next command is whole.

    Every change of the medium is the last one once. Seeded: the older set removed before the new one is there.
    """
    inventory.write_text(inventory.read_text().replace("debian-12", install))
    stick, words = tmp_path / "stick", ("image", "store-042/node-1", "--to", str(tmp_path / "stick"))
    assert edgectl(*words).code == 0
    first, pinned = contents(stick), inventory.read_bytes()
    done, last = False, 0
    while not done:
        last += 1
        _renewed(stick, first)
        inventory.write_bytes(pinned)
        with monkeypatch.context() as patched:
            counted = _medium(patched, stick, last, kind)
            try:
                code = edgectl(*words, "--new-host-key").code
            except Pulled:
                code = -1
        done = counted[0] < last
        assert (code == 0) or not done
        where = (last, counted[1], sorted(contents(stick)))
        if code == 0:  # also when something went wrong after the set was whole
            assert contents(stick)["user-data"] != first["user-data"], where
            assert inventory.read_bytes() != pinned, where
        folder.check(stick, "store-042/node-1", force=False)
        aside.put_back(stick)
        seen = contents(stick)
        is_new = set(seen) == set(first) and seen["user-data"] != first["user-data"]
        assert seen == first or (is_new and (code == 0 or kind == "pulled")), where
        assert code == 0 or kind == "pulled" or inventory.read_bytes() == pinned, where
    assert last > 20


def contents(stick: Path) -> dict[str, bytes]:
    """Return the files of a set, as whoever is at the machine finds them; what is aside or staged is none."""
    ours = (folder._STAGING, "edgectl-")
    files = (path for path in stick.rglob("*") if path.is_file())
    found = {str(path.relative_to(stick)): path.read_bytes() for path in files}
    return {name: text for name, text in found.items() if not name.startswith(ours)}


def _renewed(stick: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(stick)
    for name, text in files.items():
        (stick / name).parent.mkdir(parents=True, exist_ok=True)
        (stick / name).write_bytes(text)


def _medium(patched: pytest.MonkeyPatch, stick: Path, last: int, kind: str) -> list[Any]:
    """Let the medium be out after so many changes; from then on each is an error, or the program is gone with it."""
    counted: list[Any] = [0, ""]

    def guarded(real: Any) -> Any:
        def change(path: Any, *args: Any, **named: Any) -> Any:
            if Path(str(path)).is_relative_to(stick):
                counted[0] += 1
                if counted[0] >= last:
                    counted[1] = counted[1] or f"{real.__name__} {path}"
                    raise Pulled if kind == "pulled" else Broken(5, "Input/output error")
            return real(path, *args, **named)

        return change

    for name in ("unlink", "rename", "replace", "rmdir", "mkdir"):
        patched.setattr(Path, name, guarded(getattr(Path, name)))
    patched.setattr(folder, "_write", guarded(folder._write))
    patched.setattr(shutil, "rmtree", guarded(shutil.rmtree))
    return counted
