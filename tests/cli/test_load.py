"""From `edgectl bundle export --sign-with` to `edgectl-node load`: the same store as after `edgectl deploy`."""

from __future__ import annotations

import argparse
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgectl.control.bundle.layout import Bundle
from edgectl.control.signing import offered
from edgectl.node import accept
from edgectl.node.converge.slots import Slots
from edgectl.node.load import engine
from edgectl.node.rack import load
from edgectl.wire.trust import written
from tests.archives import layer, saved
from tests.cli.conftest import Edgectl, Said, declare
from tests.cli.node import MOTD, StoreNode

Load = Callable[..., Said]


@pytest.fixture
def key(inventory: Path, edgectl: Edgectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a key that the inventory trusts."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    said = edgectl("keys", "init")
    assert said.code == 0, said
    inventory.write_text(inventory.read_text().replace("version: 1\n", "version: 1\ntrust: trust.yaml\n"))
    ticks = itertools.count(int(time.time()) + 60)  # no export within the second of the deploy before it
    monkeypatch.setattr(offered, "time", SimpleNamespace(time=lambda: next(ticks)))
    bundle = Bundle.open(inventory.with_name("bundle"))
    for name in ("mirrored-pause", "mirrored-coredns-coredns"):
        ref = f"docker.io/rancher/{name}:1"
        saved(tmp_path / "image.tar", {ref: [layer({"x": name.encode()})]}, today=True)
        bundle.add(tmp_path / "image.tar", kind="image", name=name, version="1", refs=(ref,))
    return tmp_path / "config/edgectl/keys/offer_ed25519"


@pytest.fixture
def at_rack(node: StoreNode, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Load:
    """Give a function that loads; its engine is this process, which cannot become another one."""
    monkeypatch.setattr(engine, "runs_here", lambda *_: True)

    def command(source: Path | str) -> Said:
        capsys.readouterr()
        code = load.run(node.places, argparse.Namespace(source=str(source), engine=""))
        said = capsys.readouterr()
        node.join()
        return Said(code, said.out, said.err)

    return command


def test_a_stick_brings_what_a_deploy_would(
    inventory: Path, node: StoreNode, key: Path, edgectl: Edgectl, at_rack: Load, tmp_path: Path
) -> None:
    """Same payload, next sequence, verdict and exit code; again: nothing new, exit 0."""
    assert edgectl("deploy", "store-042").code == 0
    declare(inventory, "better")
    said = edgectl("bundle", "export", "store-042", "--to", str(tmp_path / "usb"), "--sign-with", str(key))
    assert said.code == 0, said
    assert "  offer     store-042" in said.out
    assert "SHA256:" in said.out
    assert edgectl("bundle", "verify", str(tmp_path / "usb")).code == 0
    loaded = at_rack(tmp_path / "usb")
    assert loaded.code == 0, loaded
    assert "changed   host files" in loaded.out
    assert loaded.out.splitlines()[-1] == "store-042 is READY. Sequence 2."
    assert node.file(MOTD).read_text() == "better"
    current = Slots(node.places).current
    assert current is not None
    assert (current.envelope.payload, current.envelope.sender.host) == (
        edgectl("render", "store-042", "-o", "json").document["digest"],
        "stick",
    )
    again = at_rack(tmp_path / "usb")
    assert (again.code, "changed" in again.out) == (0, False)
    assert Slots(node.places).sequence == 2
    deployed = edgectl("deploy", "store-042", "-o", "json").document
    assert (deployed["sequence"], deployed["changed"], deployed["blob_bytes"]) == (2, [], 0)


def test_an_offer_is_not_said_to_count_for_longer_than_its_key(key: Path, edgectl: Edgectl, tmp_path: Path) -> None:
    """A node takes nothing of a key that has ended, whatever --valid says: so the offer says when that is."""
    until = edgectl("keys", "rotate", "-o", "json").document["old"]["valid_before"]
    said = edgectl("bundle", "export", "store-042", "--to", str(tmp_path / "usb"), "--sign-with", str(key))
    assert f", until {until}, by" in said.out, said
    offer = json.loads((tmp_path / "usb/offers/store-042.json").read_text())
    assert written(offer["expires"]) == until


def test_a_bad_update_goes_back_and_says_why(
    inventory: Path, node: StoreNode, key: Path, edgectl: Edgectl, at_rack: Load, tmp_path: Path
) -> None:
    """As over the line: exit 5, the gate, what runs now."""
    edgectl("deploy", "store-042")
    declare(inventory, "bad")
    edgectl("bundle", "export", "store-042", "--to", str(tmp_path / "usb"), "--sign-with", str(key))
    said = at_rack(tmp_path / "usb")
    assert said.code == 5
    assert "store-042 is NOT READY. inference: the model does not load. Sequence 2." in said.out
    assert "  runs now  sequence 1, as before" in said.out
    assert node.file(MOTD).read_text() == "good"


def test_a_stranger_s_stick_is_refused(
    inventory: Path, node: StoreNode, key: Path, edgectl: Edgectl, at_rack: Load, tmp_path: Path
) -> None:
    """Exit 11 and what to do; the exporter says it, too, where its inventory does not know the key."""
    edgectl("deploy", "store-042")
    files = {path: path.read_bytes() for path in inventory.parent.glob("*trust*")}
    assert files
    for path in files:
        path.unlink()
    for path in key.parent.iterdir():
        path.unlink()
    assert edgectl("keys", "init").code == 0
    declare(inventory, "evil")
    edgectl("bundle", "export", "store-042", "--to", str(tmp_path / "usb"), "--sign-with", str(key))
    said = at_rack(tmp_path / "usb")
    assert said.code == 11, said
    assert "does not know the key" in said.err
    assert "runs now: what ran before" in said.err
    assert node.file(MOTD).read_text() == "good"
    for path, data in files.items():
        path.write_bytes(data)
    refused = edgectl("bundle", "export", "store-042", "--to", str(tmp_path / "usb"), "--sign-with", str(key))
    assert refused.code == 3
    assert "it does not trust this key" in refused.err


def test_without_a_key_an_export_says_that_no_node_takes_it(
    inventory: Path, node: StoreNode, edgectl: Edgectl, at_rack: Load, key: Path, tmp_path: Path
) -> None:
    """And takes away the offers of an earlier one, whose blobs go."""
    edgectl("deploy", "store-042")
    declare(inventory, "better")
    words = ("bundle", "export", "store-042", "--to", str(tmp_path / "usb"))
    edgectl(*words, "--sign-with", str(key))
    assert (tmp_path / "usb/offers/store-042.json.sig").is_file()
    said = edgectl(*words)
    assert said.code == 0
    assert "edgectl-node load will not take it" in said.out
    assert not (tmp_path / "usb/offers").exists()
    refused = at_rack(tmp_path / "usb")
    assert (refused.code, "has nothing for store-042" in refused.err) == (11, True)
    assert node.runs == 1


def test_a_key_without_trust_is_said_before_anything_is_written(
    inventory: Path, edgectl: Edgectl, key: Path, tmp_path: Path
) -> None:
    """Exit 3: nodes would refuse it."""
    inventory.write_text(inventory.read_text().replace("trust: trust.yaml\n", ""))
    said = edgectl("bundle", "export", "store-042", "--to", str(tmp_path / "usb"), "--sign-with", str(key))
    assert (said.code, "trusts no key" in said.err, (tmp_path / "usb").exists()) == (3, True, False)
    for valid in ("soon", "4000d"):
        words = ("bundle", "export", "store-042", "--to", str(tmp_path / "usb"), "--valid", valid)
        assert edgectl(*words).code == 2


def test_inspect_shows_offers_and_verify_finds_what_is_wrong_with_them(
    edgectl: Edgectl, key: Path, tmp_path: Path
) -> None:
    """Of which store, of when, until when, by which key; a blob that an offer's payload needs is missed."""
    usb = tmp_path / "usb"
    edgectl("bundle", "export", "store-042", "--to", str(usb), "--sign-with", str(key), "--valid", "12h")
    (offer,) = edgectl("bundle", "inspect", str(usb), "-o", "json").document["offers"]
    assert (offer["store"], offer["expires"] - offer["serial"]) == ("store-042", 43200)
    assert "  offer     store-042" in edgectl("bundle", "inspect", str(usb)).out
    path = usb / "offers/store-042.json"
    whole = path.read_bytes()

    def findings() -> str:
        said = edgectl("bundle", "verify", str(usb))
        assert said.code == 3, said
        return said.out

    runtime = usb / "blobs/sha256" / json.loads(whole)["runtime"]["digest"][7:]
    data = runtime.read_bytes()
    runtime.unlink()
    assert "offers/store-042.json: its engine" in findings()
    runtime.write_bytes(data)
    path.write_bytes(b"{}")
    assert "cannot be read as an offer" in findings()
    path.rename(path.with_name("store-9.json"))
    assert "belongs to no offer" in findings()
    path.with_name("store-9.json").write_bytes(whole)
    assert "is for store-042" in findings()
    assert "has no signature" in findings()


def test_ctrl_c_leaves_the_node_going_on(
    inventory: Path,
    node: StoreNode,
    key: Path,
    edgectl: Edgectl,
    at_rack: Load,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit 130; before the start nothing has changed, after it the run goes on to its verdict."""
    edgectl("deploy", "store-042")
    declare(inventory, "better")
    edgectl("bundle", "export", "store-042", "--to", str(tmp_path / "usb"), "--sign-with", str(key))

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(accept, "judged", interrupt)
        said = at_rack(tmp_path / "usb")
    assert (said.code, "nothing was changed" in said.err, Slots(node.places).sequence) == (130, True, 1)
    with monkeypatch.context() as patch:
        patch.setattr(accept, "start", interrupt)
        said = at_rack(tmp_path / "usb")
    assert (said.code, "goes on by itself" in said.err, Slots(node.places).sequence) == (130, True, 2)
    monkeypatch.setattr(load, "tail", interrupt)
    said = at_rack(tmp_path / "usb")
    assert (said.code, "goes on by itself" in said.err) == (130, True)
    assert node.file(MOTD).read_text() == "better"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Publish the stick's folder."""
    (tmp_path / "usb").mkdir(exist_ok=True)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "usb")))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_same_folder_from_a_web_server(
    inventory: Path, node: StoreNode, key: Path, edgectl: Edgectl, at_rack: Load, tmp_path: Path, site: str
) -> None:
    """A static server is enough; where it does not answer any more, exit 4."""
    edgectl("deploy", "store-042")
    declare(inventory, "better")
    edgectl("bundle", "export", "store-042", "--to", str(tmp_path / "usb"), "--sign-with", str(key))
    said = at_rack(site)
    assert said.code == 0, said
    assert node.file(MOTD).read_text() == "better"
    current = Slots(node.places).current
    assert current is not None
    assert current.envelope.sender.host == "pull"
    gone = at_rack("http://127.0.0.1:1/")
    assert (gone.code, "could not be read" in gone.err) == (4, True)
