"""`edgectl inventory scan-keys` against real OpenSSH servers, through the real entry point."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgectl.cli.main import run
from tests.link.conftest import Sshd, Start

Told = tuple[int, str, str]


class Person(io.StringIO):
    """Somebody at a terminal, with answers ready."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sshd: Sshd) -> Path:
    """Return an inventory of two stores behind one server; a third one's port is closed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "inventory.yaml"
    path.write_text(
        "version: 1 # ours\nbundle: bundle\ndefaults:\n"
        f"  ssh: {{host: 127.0.0.1, port: {sshd.port}, connect_seconds: 5}}\n"
        "stores:\n  # Mitte\n  store-1:\n    nodes:\n      node-1:\n        address: 10.0.0.1 # not .2\n"
        "  store-2:\n    nodes: {node-1: {address: 10.0.0.2}} # flow\n"
        "  store-3:\n    nodes: {node-1: {address: 10.0.0.3, ssh: {port: 1}}}\n"
    )
    monkeypatch.setenv("EDGECTL_INVENTORY", str(path))
    return path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Told:
    """Run one command line."""
    capsys.readouterr()
    code = run(("inventory", "scan-keys", *words))
    said = capsys.readouterr()
    return code, said.out, said.err


def public(sshd: Sshd, kind: str = "ed25519") -> tuple[str, str]:
    """Return a server's key as the inventory pins it, and its line of `ssh-keygen -lf`."""
    file = sshd.folder / f"host_{kind}.pub"
    listed = subprocess.run(["ssh-keygen", "-lf", str(file)], capture_output=True, text=True, check=True, timeout=10)
    bits, fingerprint, *_, name = listed.stdout.split()
    return " ".join(file.read_text().split()[:2]), f"{bits} {fingerprint} {name}"


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Person(text))


def test_a_person_compares_and_the_key_is_pinned(
    inventory: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fingerprint is shown as ssh-keygen prints it; yes writes one line, no writes none; no log-in is tried."""
    before = inventory.read_text()
    key, line = public(sshd)
    answer(monkeypatch, "y\nn\n")
    code, out, err = told(capsys, "store-1, store-2", "-v")
    assert code == 10
    assert f"    {line}\n  at the node: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n" in err
    assert out == f"pinned        store-1/node-1  {line}\ndeclined      store-2/node-1  {line}\n"
    assert inventory.read_text() == before.replace("# not .2\n", f"# not .2\n        host_key: {key}\n")
    assert "Accepted" not in sshd.log
    assert "Failed" not in sshd.log


@pytest.mark.parametrize("text", ["", "\n", "maybe\n"])
def test_silence_is_no_yes(
    text: str, inventory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seeded fault: take an empty answer for yes."""
    before = inventory.read_bytes()
    answer(monkeypatch, text)
    assert told(capsys, "store-1")[0] == 10
    assert inventory.read_bytes() == before


def test_without_a_terminal_nothing_is_believed(
    inventory: Path, sshd: Sshd, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not a word is asked; the fingerprints come in the document, and wait (exit 10)."""
    before = inventory.read_bytes()
    code, out, err = told(capsys, "store-1", "-o", "json")
    (node,) = json.loads(out)["nodes"]
    key, line = public(sshd)
    assert (code, err) == (10, "")
    assert (node["result"], node["host_key"], node["fingerprint"]) == ("not compared", key, line.split()[1])
    assert inventory.read_bytes() == before


def test_said_fingerprints_are_held_against_what_is_shown(
    inventory: Path, sshd: Sshd, capsys: pytest.CaptureFixture[str]
) -> None:
    """The right one is written, a wrong one is exit 4 and a warning; an unreachable node stops no other.

    Seeded fault: believe what is said without comparing it.
    """
    before = inventory.read_text()
    key, line = public(sshd)
    said = ("--fingerprint", f"store-2/node-1={line.split()[1]}", "--fingerprint", f"store-1/node-1=SHA256:{'A' * 43}")
    code, out, _ = told(capsys, "*", *said)
    assert code == 4
    assert f"pinned        store-2/node-1  {line}" in out
    assert f"other key     store-1/node-1  it shows {line.split()[1]}, and SHA256:AAA" in out
    assert "unreachable   store-3/node-1  store-3/node-1 (root@127.0.0.1:1) refused the connection" in out
    assert inventory.read_text() == before.replace("10.0.0.2}", f"10.0.0.2, host_key: {key}}}")


def test_again_finds_a_changed_key(
    inventory: Path, sshd: Sshd, start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pinned node is not looked at again unless asked; then the same key is fine, and another one is a question."""
    _, line = public(sshd)
    fingerprint = f"store-1/node-1={line.split()[1]}"
    assert told(capsys, "store-1", "--fingerprint", fingerprint)[0] == 0
    assert told(capsys, "store-1")[:2] == (0, "every node of its store has a host key; --again looks at them all\n")
    assert told(capsys, "store-1", "--again")[:2] == (0, f"same          store-1/node-1  {line}\n")
    other = start()
    inventory.write_text(inventory.read_text().replace(str(sshd.port), str(other.port)))
    pinned = inventory.read_text()
    answer(monkeypatch, "y\n")
    code, _, err = told(capsys, "store-1", "--again")
    assert code == 0
    assert f"  and the inventory has\n    {line.split()[1]}\n" in err
    assert inventory.read_text() == pinned.replace(public(sshd)[0], public(other)[0])


@pytest.mark.parametrize(
    ("kinds", "best"), [(("rsa", "ecdsa", "ed25519"), "ed25519"), (("rsa", "ecdsa"), "ecdsa"), (("rsa",), "rsa")]
)
def test_the_best_key_is_asked_for(
    kinds: tuple[str, ...], best: str, inventory: Path, sshd: Sshd, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ed25519 where there is one, ECDSA or RSA where there is no better; what is pinned lets a deploy connect."""
    server = start(keys=kinds)
    inventory.write_text(inventory.read_text().replace(str(sshd.port), str(server.port)))
    key, line = public(server, best)
    code, out, _ = told(capsys, "store-1", "--fingerprint", f"store-1/node-1={line.split()[1]}")
    assert (code, out) == (0, f"pinned        store-1/node-1  {line}\n")
    assert key in inventory.read_text()


def test_who_is_no_ssh_server_has_a_deadline(inventory: Path, sshd: Sshd, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that accepts and says nothing costs its connect_seconds, not for ever."""
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        text = inventory.read_text().replace(str(sshd.port), str(silent.getsockname()[1]))
        inventory.write_text(text.replace("connect_seconds: 5", "connect_seconds: 1"))
        code, out, _ = told(capsys, "store-1")
    assert code == 4
    assert out.startswith("unreachable   store-1/node-1  ")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("store-1/node-1", "is none"),
        ("store-1=SHA256:x", "is none"),
        ("store-1/node-1=MD5:x", "is none"),
        ("store-1/node-9=SHA256:x", "is none of the selected nodes"),
    ],
)
def test_a_fingerprint_that_is_none(
    said: str, sentence: str, inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, before anybody is connected to."""
    assert inventory.exists()
    code, _, err = told(capsys, "store-1", "--fingerprint", said)
    assert code == 2
    assert sentence in err


def test_a_node_without_an_address_is_named(inventory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It cannot be asked; the others are."""
    inventory.write_text("version: 1\nbundle: b\nstores: {store-1: {nodes: {node-1: {role: server}, node-2: }}}\n")
    code, out, _ = told(capsys, "store-1")
    assert code == 3
    document: Any = json.loads(told(capsys, "store-1", "-o", "json")[1])
    assert [node["result"] for node in document["nodes"]] == ["wrong", "wrong"]
    assert out.startswith("wrong         store-1/node-1  it has no address: address: 10.77.0.11\n")
