"""`edgectl keys` and the trust of a node, with the real ssh-keygen and ssh-agent: from the first key to a lost one."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.control.signing import sign as signing
from edgectl.control.signing.keyfile import NAME, folder
from edgectl.control.signing.sign import sign
from edgectl.node.io.look import Look
from edgectl.node.rack import trust as rack
from edgectl.node.trust.accept import accepted, note_heard
from edgectl.node.trust.kept import trust_of
from edgectl.wire.errors import EdgectlError, Exit, InvalidInput, NotReady, Refused
from edgectl.wire.offer import Offer, Part
from edgectl.wire.sshsig import BEGIN
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import StoreNode

NOW, HOUR = int(time.time()), 3600  # the offer is signed later than anything here, however slow the machine
OFFER = Offer(
    "store-042", NOW + 6 * HOUR, NOW + 720 * HOUR, Part("sha256:" + "a" * 64, 1), Part("sha256:" + "b" * 64, 1)
)
DATA = OFFER.encode()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let keys lie in a folder of the test's own, and no agent hold any."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / "config/edgectl/keys"


def keygen(path: Path, *more: str) -> Path:
    """Make a key."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-C", "test", "-f", str(path), *(more or ("-N", ""))]
    subprocess.run(argv, check=True, timeout=30)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a key of nobody."""
    return keygen(tmp_path / "key")


def trusted(inventory: Path, edgectl: Edgectl) -> None:
    """Make the first key, and let the inventory name it."""
    blank = edgectl("keys", "init", "--who", "anna ")
    assert (blank.code, "--who is no line of text: blanks at its ends are lost" in blank.err) == (2, True), blank
    assert edgectl("keys", "init", "--who", "anna@ops").code == 0
    inventory.write_text(inventory.read_text().replace("bundle: bundle\n", "bundle: bundle\ntrust: trust.yaml\n"))


def takes(node: StoreNode, signature: bytes, data: bytes = DATA, *, now: float = NOW) -> str:
    """Return "" when the node takes an offer, else why it does not."""
    try:
        accepted(node.places, Look(node.places), data, signature, now=now)
    except Refused as error:
        return error.message
    return ""


def test_from_the_first_key_to_a_lost_one(
    inventory: Path, node: StoreNode, edgectl: Edgectl, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A node learns of keys by deploys over SSH, takes what they sign, and never again what a revoked one does."""
    assert "trusts nobody" in takes(node, sign(DATA, keygen(inventory.parent / "eve")))
    trusted(inventory, edgectl)
    assert edgectl("deploy", "store-042").code == 0
    first = sign(DATA, home / "offer_ed25519")
    assert takes(node, first) == ""
    assert "does not know the key" in takes(node, sign(DATA, inventory.parent / "eve"))
    assert "store-042 trusts version 1" in rack_says(node, capsys)

    said = edgectl("keys", "rotate", "--overlap", "1d", "-o", "json")
    assert (said.code, said.document["version"]) == (0, 2)
    second = sign(DATA, home / "offer_ed25519-2")
    assert "does not know" in takes(node, second), "it has not been told yet"
    assert edgectl("deploy", "store-042").code == 0
    assert (takes(node, first), takes(node, second)) == ("", "")
    assert "has ended" in takes(node, first, now=NOW + 120 * HOUR)

    said = edgectl("keys", "revoke", str(home / "offer_ed25519.pub"), "-o", "json")
    assert said.document["stores"] == ["store-042"]
    declare(inventory, "bad")
    assert edgectl("deploy", "store-042").code == Exit.NOT_READY
    assert "is revoked" in takes(node, first), "the deploy went back, the trust did not"
    assert takes(node, second) == ""
    declare(inventory, "better", before="bad")
    assert edgectl("deploy", "store-042").code == 0
    assert edgectl("rollback", "store-042").code == 0
    node.join()
    kept = trust_of(Look(node.places))
    assert kept is not None
    assert kept.version == 3
    assert "is revoked" in takes(node, first)
    shown = rack_says(node, capsys)
    assert "version 3" in shown
    assert shown.count("revoked") == 1

    note_heard(node.places, OFFER, kept)
    assert takes(node, second, now=NOW + 10**9) == "", "it was taken already, whatever the clock says now"
    assert "has taken another one" in takes(node, sign(older(), home / "offer_ed25519-2"), older())


def older() -> bytes:
    """Return an offer that was signed a little earlier."""
    return replace(OFFER, serial=OFFER.serial - 1).encode()


def rack_says(node: StoreNode, capsys: pytest.CaptureFixture[str]) -> str:
    """Ask `edgectl-node trust`."""
    capsys.readouterr()
    assert rack.run(node.places, Namespace()) == 0
    return capsys.readouterr().out


def test_a_node_that_trusts_nobody_says_so(node: StoreNode, capsys: pytest.CaptureFixture[str]) -> None:
    """`edgectl-node trust` on a bare node: what to do."""
    assert rack.run(node.places, Namespace()) == Exit.NOT_READY
    assert "over SSH" in capsys.readouterr().err


def test_two_trusts_of_one_number(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """A branch with another trust of the same number is turned down, and what ran goes on."""
    trusted(inventory, edgectl)
    assert edgectl("deploy", "store-042").code == 0
    place = inventory.with_name("trust.yaml")
    place.write_text(place.read_text().replace("anna@ops", "eve@ops"))
    said = edgectl("deploy", "store-042")
    assert said.code == Exit.FAILED
    assert "two trusts have the number 1" in said.err + said.out
    kept = trust_of(Look(node.places))
    assert kept is not None
    assert kept.signers[0].who == "anna@ops"


def test_a_second_deploy_changes_nothing(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """The trust is a step like all others: nothing new, nothing written."""
    trusted(inventory, edgectl)
    assert edgectl("deploy", "store-042").code == 0
    had = (node.places.trust / "trust.json").stat().st_mtime_ns
    assert "Nothing to change" in edgectl("deploy", "store-042").out
    assert (node.places.trust / "trust.json").stat().st_mtime_ns == had


def test_any_flipped_byte_is_refused(inventory: Path, node: StoreNode, edgectl: Edgectl, home: Path) -> None:
    """Law: whichever byte of the offer or of its signature is another one, the node takes nothing."""
    trusted(inventory, edgectl)
    assert edgectl("deploy", "store-042").code == 0
    signature = sign(DATA, home / "offer_ed25519")
    assert takes(node, signature) == ""
    dice = random.Random(42)  # noqa: S311 - which bit of each byte
    for data, place in ((DATA, "offer"), (signature, "signature")):
        for at in range(len(data)):
            flipped = data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]
            parts = (signature, flipped) if place == "offer" else (flipped, DATA)
            assert takes(node, *parts), f"byte {at} of the {place}"
    for cut in (DATA[:-1], DATA + b"\n", b""):
        assert takes(node, signature, cut)


def test_the_law_bites(
    inventory: Path, node: StoreNode, edgectl: Edgectl, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeded fault: a node that does not ask ssh-keygen takes a changed offer."""
    monkeypatch.setattr("edgectl.node.trust.accept._verify", lambda *_: None)
    with pytest.raises(AssertionError, match="of the offer"):
        test_any_flipped_byte_is_refused(inventory, node, edgectl, home)


def test_the_golden_signatures_are_good(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """What an older ssh-keygen has made is taken by this one, by every kind of key."""
    cases = Path(__file__).parents[1] / "cases" / "signing"
    trusted(inventory, edgectl)
    keys = json.loads((cases / "keys.json").read_text())
    lines = [f'  - {{who: {name}, key: "{one["key"]}"}}' for name, one in keys.items()]
    text = "\n".join(["version: 1", 'created: "2026-09-01T00:00:00Z"', "signers:", *lines, ""])
    inventory.with_name("trust.yaml").write_text(text)
    assert edgectl("deploy", "store-042").code == 0
    shutil.rmtree(node.places.slots)  # what runs is newer than the golden offer
    data = (cases / "offer.json").read_bytes()
    for name in ("ed25519", "ecdsa", "rsa", "sha256"):
        assert takes(node, (cases / f"{name}.sig").read_bytes(), data, now=1790000001) == "", name
        assert "was changed" in takes(node, (cases / f"{name}.sig").read_bytes(), data + b" ", now=1790000001)


def test_init_overwrites_nothing(inventory: Path, edgectl: Edgectl, home: Path, key: Path) -> None:
    """Neither a key nor a trust; a key that is there may be taken."""
    said = edgectl("keys", "init")
    assert said.code == 0
    assert "trust: trust.yaml" in said.out
    private = home / "offer_ed25519"
    assert private.stat().st_mode & 0o777 == 0o600
    had, text = private.read_bytes(), inventory.with_name("trust.yaml").read_text()
    said = edgectl("keys", "init")
    assert said.code == Exit.INVALID
    assert "not overwritten" in said.err
    inventory.with_name("trust.yaml").unlink()
    said = edgectl("keys", "init")
    assert said.code == Exit.INVALID
    assert f"--key {private}" in said.err
    assert not inventory.with_name("trust.yaml").exists()
    assert private.read_bytes() == had
    assert edgectl("keys", "init", "--key", str(private)).code == 0
    assert inventory.with_name("trust.yaml").read_text().split("signers")[0].count("version: 1") == text.count(
        "version: 1"
    )
    assert (
        edgectl("keys", "add", f"{key}.pub", "--who", "bert", "--stores", "store-9*", "--until", "2999-01-01").code == 0
    )
    doc = edgectl("keys", "list", "-o", "json").document
    assert [(one["who"], one["state"], one["stores"]) for one in doc["signers"]][1] == ("bert", "valid", ["store-9*"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("keys", "list"), Exit.INVALID, "edgectl keys init"),
        (("keys", "init", "--until", "tomorrow"), Exit.USAGE, "2027-12-31"),
        (("keys", "init", "--until", "2001-01-01"), Exit.USAGE, "is past"),
        (("keys", "init", "--key", "/none"), Exit.INVALID, "/none.pub"),
        (("keys", "rotate", "--overlap", "90d"), Exit.USAGE, "30d at most"),
    ],
)
def test_what_cannot_be_done(inventory: Path, edgectl: Edgectl, words: tuple[str, ...], code: int, said: str) -> None:
    """A sentence and what to do; no file of trust is left behind, and no key that the same command would trip over."""
    found = edgectl(*words)
    assert (found.code, said in found.err) == (code, True), found.err
    assert not inventory.with_name("trust.yaml").exists()
    assert not (folder() / NAME).exists()


def test_lint_and_render(inventory: Path, edgectl: Edgectl) -> None:
    """A trust that is wrong is refused with its line; one that ends soon, or lets nobody sign, is a warning."""
    trusted(inventory, edgectl)
    assert edgectl("lint").code == 0
    assert "trust:" not in edgectl("lint").out
    place = inventory.with_name("trust.yaml")
    whole = place.read_text()
    assert edgectl("keys", "revoke", "anna@ops").code == 0
    said = edgectl("lint")
    assert said.code == 0
    assert f"{place}:" in said.out
    assert "no key that counts now" in said.out
    place.write_text(whole.replace("version: 1", "version: none"))
    for words in (("lint",), ("inventory", "check"), ("render", "store-042")):
        said = edgectl(*words)
        assert said.code == Exit.INVALID
        assert f"{place}:4:10" in said.out + said.err
    place.unlink()
    said = edgectl("render", "store-042")
    assert f"{inventory}:3:8" in said.err
    assert "edgectl keys init" in said.err


def test_a_kept_payload_follows_the_trust(inventory: Path, edgectl: Edgectl) -> None:
    """Law: a change of trust alone is another payload, cache or not."""
    trusted(inventory, edgectl)
    shown = [edgectl("render", "store-042", "-o", "json").document for _ in range(2)]
    assert shown[0] == shown[1]
    assert edgectl("keys", "revoke", "anna@ops").code == 0
    assert edgectl("render", "store-042", "-o", "json").document != shown[0]


# What signs


def test_sign_with_a_key(key: Path) -> None:
    """A private key signs; its .pub does so too where the private half lies beside it."""
    assert sign(DATA, key).startswith(BEGIN)
    assert sign(DATA, key.with_name("key.pub")) == sign(DATA, key)


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Run an SSH agent of the test's own."""
    socket = tmp_path / "agent"
    child = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not socket.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield
    child.terminate()
    child.wait(10)


@pytest.mark.usefixtures("agent")
def test_sign_with_the_agent(key: Path, tmp_path: Path) -> None:
    """The .pub of a key that the agent holds is enough."""
    alone = tmp_path / "alone.pub"
    shutil.copy(key.with_name("key.pub"), alone)
    with pytest.raises(InvalidInput, match="neither the SSH agent nor a file"):
        sign(DATA, alone)
    subprocess.run(["ssh-add", "-q", str(key)], check=True, timeout=30)
    assert sign(DATA, alone) == sign(DATA, key)


def failure(key: Path) -> EdgectlError:
    """Return why nothing is signed; it says what to do."""
    with pytest.raises(EdgectlError) as caught:
        sign(DATA, key)
    assert caught.value.hint
    return caught.value


def test_what_cannot_sign(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: each way in which a key does not sign is a sentence."""
    locked = keygen(tmp_path / "locked", "-N", "open sesame")
    assert "needs its passphrase" in failure(locked).message
    assert "no signing key" in failure(tmp_path / "none").message
    junk = tmp_path / "junk"
    junk.write_text("junk")
    junk.chmod(0o600)
    assert "no SSH key" in failure(junk).message
    key.chmod(0o644)
    assert "others may read" in failure(key).message
    key.chmod(0o600)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not installed" in failure(key).message


def test_a_hung_agent_ends(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: signing has a deadline, and nothing of it is left."""
    stub = tmp_path / "bin/ssh-keygen"
    stub.parent.mkdir()
    stub.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}:{os.environ['PATH']}")
    with pytest.raises(NotReady, match="within 3 s"):
        sign(DATA, key, limit_seconds=3.0)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert signing.LIMIT_SECONDS <= 300
