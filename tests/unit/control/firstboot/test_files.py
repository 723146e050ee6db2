"""The sets of first-boot files: which there are, and where the private host key is not."""

from __future__ import annotations

import base64
import pickle

import pytest

from edgectl.control.firstboot.files import NAMES, files
from edgectl.control.firstboot.hostkey import made
from tests.unit.control.firstboot.machines import PAIR, every, machine

SECRET = "".join(PAIR.private.reveal().splitlines()[1:-1])
FORMS = (SECRET[:60], base64.b64encode(PAIR.private.reveal().encode()).decode()[60:160])


def holds_key(text: str) -> bool:
    """Tell whether a text has the private host key in it, as it is or as base64."""
    return any(form in text.replace("\\n", "").replace("\n", "") for form in FORMS)


@pytest.mark.parametrize(
    ("os", "names"),
    [
        ("debian-12", ["meta-data", "user-data", "preseed.cfg", "README.txt"]),
        ("debian-13", ["meta-data", "user-data", "preseed.cfg", "README.txt"]),
        (
            "ubuntu-22.04",
            ["meta-data", "user-data", "autoinstall/meta-data", "autoinstall/user-data", "README.txt"],
        ),
        (
            "ubuntu-24.04",
            ["meta-data", "user-data", "autoinstall/meta-data", "autoinstall/user-data", "README.txt"],
        ),
    ],
)
def test_a_set_is_that_of_its_system(os: str, names: list[str]) -> None:
    """Law: the NoCloud seed always, and the answers of the system's own installer; README.txt comes last."""
    assert [file.name for file in files(machine(os=os))] == names


def test_all_names_are_known() -> None:
    """Law: NAMES has every name that a set can have; what is written over an older set leaves nothing of it."""
    sets = [files(one) for one in every()]
    sets += [files(one, installer=True) for one in every() if one.install.os.startswith("ubuntu")]
    assert {file.name for one in sets for file in one} == set(NAMES)


def test_the_private_key_is_in_private_files_alone() -> None:
    """Law: a file that is not private has no private key in it; one that is, has.

    Seeded: the whole user-data in the digest's plain text; a private file that is not marked.
    """
    for one in every():
        for file in files(one):
            assert holds_key(file.text.reveal()) is file.private, (one.install.os, file.name)


def test_nothing_prints_the_private_key() -> None:
    """Law: no representation of what holds the key shows it, and none is pickled. Seeded: a plain str in the pair."""
    one = machine()
    for shown in (repr(one), str(one), repr(files(one)), repr(PAIR), f"{PAIR.private}", f"{PAIR.private!r}"):
        assert not holds_key(shown)
        assert "PRIVATE KEY" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(PAIR)


def test_each_key_is_new() -> None:
    """Law: no two machines are given one key, and a pair belongs together (OpenSSH's file holds the public half)."""
    pairs = [made() for _ in range(3)]
    assert len({pair.public for pair in pairs}) == 3
    for pair in pairs:
        body = base64.b64decode("".join(pair.private.reveal().splitlines()[1:-1]))
        assert base64.b64decode(pair.public.split()[1]) in body
        assert pair.private.reveal().startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
        assert pair.private.reveal().endswith("-----END OPENSSH PRIVATE KEY-----\n")


def test_the_readme_is_eight_lines_for_whoever_stands_there() -> None:
    """Law: which machine, what to do, that the disk is erased, and to wipe the medium; no line is a puzzle."""
    for one in every():
        text = files(one)[-1].text.reveal()
        lines = text.splitlines()
        assert len(lines) == 8
        assert lines[0] == "edgectl image store-042/node-1"
        for words in ("Wipe this medium", "THE DISK IS ERASED", "edgectl deploy store-042", PAIR.fingerprint):
            assert words in text
    assert "serial number 7CX1234" in files(machine(serial="7CX1234"))[-1].text.reveal()


def test_a_name_too_long_for_a_host_is_the_nodes() -> None:
    """Law: a host's name has 63 characters at most."""
    from dataclasses import replace

    assert machine().hostname == "store-042-node-1"
    assert replace(machine(), store="s" * 56).hostname == "s" * 56 + "-node-1"
    assert replace(machine(), store="s" * 57).hostname == "node-1"
