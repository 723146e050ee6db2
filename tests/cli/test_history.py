"""`edgectl history`, `rollback`, `cancel` against a node that remembers."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
import yaml

from edgectl.control.bundle.layout import Bundle
from edgectl.node import cancel, engine
from edgectl.node.converge.slots import Slots
from tests.cli.conftest import Edgectl, declare
from tests.cli.node import MOTD, StoreNode

pytestmark = pytest.mark.usefixtures("inventory")


def deploy(inventory: Path, edgectl: Edgectl, text: str) -> int:
    """Declare something else and deploy it."""
    inventory.write_text(re.sub(r'text: "\w+"', f'text: "{text}"', inventory.read_text()))
    return edgectl("deploy", "store-042").code


def test_a_bare_node_has_no_history(node: StoreNode, edgectl: Edgectl) -> None:
    """It says so, and there is nothing to go back to or to cancel."""
    del node
    assert edgectl("history", "store-042").out == "store-042: nothing has been deployed to this node yet\n"
    back = edgectl("rollback", "store-042")
    assert back.code == 5
    assert "nothing else has run on this node before" in back.err
    assert edgectl("cancel", "store-042").out == "store-042: nothing is being deployed\n"


def test_history_tells_what_became_of_each(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Newest first: rejected because ..., current, what ran before."""
    del node
    for text in ("one", "two", "bad"):
        deploy(inventory, edgectl, text)
    said = edgectl("history", "store-042")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].split() == ["SEQ", "GIVEN", "(UTC)", "STATE", "PAYLOAD", "COMMIT", "BY"]
    states = [line.split()[3] for line in lines[1:] if line[:4].strip()]
    assert states == ["rejected", "current", "previous"]
    assert " because inference: the model does not load" in said.out
    rows = edgectl("history", "store-042", "-o", "json").document["slots"]
    assert [(row["sequence"], row["here"]) for row in rows] == [(3, True), (2, True), (1, True)]


def test_rollback_is_a_new_sequence_with_old_content(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Nothing is sent; twice goes there and back again; --to names any that is kept."""
    for text in ("one", "two"):
        deploy(inventory, edgectl, text)
    said = edgectl("rollback", "store-042", "-o", "json")
    assert said.code == 0
    assert (said.document["sequence"], said.document["blob_bytes"]) == (3, 0)
    assert node.file(MOTD).read_text() == "one"
    assert edgectl("rollback", "store-042", "--to", "2").code == 0
    assert node.file(MOTD).read_text() == "two"
    assert "back to sequence 2" in edgectl("history", "store-042").out
    assert "READY. Nothing to change" in edgectl("rollback", "store-042", "--to", "2").out


def test_a_rollback_is_from_what_the_history_has_shown(
    inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: what came to run after the target was chosen is not undone: exit 7.

    Seeded fault: the base of the offer's own greeting, with which the store went two versions back.
    """
    for text in ("one", "two"):
        deploy(inventory, edgectl, text)
    seen = edgectl("history", "store-042", "-o", "json").document
    deploy(inventory, edgectl, "three")
    with monkeypatch.context() as patched:
        patched.setattr("edgectl.control.deploy.look.ask", lambda *_: seen)
        said = edgectl("rollback", "store-042")
    assert said.code == 7
    assert "has changed since you looked: it runs sequence 3 now" in said.err
    assert node.file(MOTD).read_text() == "three"
    assert edgectl("rollback", "store-042").code == 0
    assert node.file(MOTD).read_text() == "two"


def test_rollback_to_what_is_gone(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Refused before anything changes: 11 when its content was swept away, 5 when there is no such sequence."""
    for text in ("one", "two", "three"):
        deploy(inventory, edgectl, text)
    first = Slots(node.places).all()[-1].envelope
    node.places.blob(first.payload).unlink(missing_ok=True)  # most often the last promotion has swept it already
    gone = edgectl("rollback", "store-042", "--to", "1")
    assert gone.code == 11
    assert "the content of sequence 1 is no longer on the node" in gone.err
    never = edgectl("rollback", "store-042", "--to", "99")
    assert never.code == 5
    assert "the node keeps no sequence 99 (it has 3, 2, 1)" in never.err
    assert "edgectl history store-042" in never.err
    assert node.file(MOTD).read_text() == "three"


def test_a_rejected_one_is_tried_again_by_a_person_only(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """`--to` may name it: it is judged anew."""
    for text in ("one", "bad"):
        deploy(inventory, edgectl, text)
    said = edgectl("rollback", "store-042", "--to", "2")
    assert said.code == 5
    assert "on the old version (sequence 1). Sequence 3 was rejected." in said.out
    assert node.file(MOTD).read_text() == "one"


def test_cancel_ends_a_running_deploy(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Its gate waits for something that does not come; the cancel returns when what ran before is back."""
    deploy(inventory, edgectl, "one")
    declare(inventory, "slow", before="one")
    node.one_at_a_time = False
    codes: list[int] = []
    pressing = threading.Thread(target=lambda: codes.append(_quiet(inventory)))
    pressing.start()
    node.until(lambda: (node.places.root / MOTD).read_text() == "slow")
    said = edgectl("cancel", "store-042")
    pressing.join(20)
    assert (said.code, codes) == (0, [130])
    assert "store-042 is READY on sequence 1; sequence 2 is cancelled\n" in said.out
    assert node.file(MOTD).read_text() == "one"
    assert Slots(node.places).candidate is None
    assert edgectl("cancel", "store-042").out == "store-042: nothing is being deployed\n"


def test_a_deploy_that_was_cancelled_before_it_ran_is_no_success(
    inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a cancel between the acceptance and the run ends the deploy with 130, as one in the run does."""
    deploy(inventory, edgectl, "one")
    declare(inventory, "two", before="one")

    def converge() -> None:
        cancel.ask(node.places, "bob")
        engine.run(node.places)

    with monkeypatch.context() as patched:
        patched.setattr(node, "_converge", converge)
        said = edgectl("deploy", "store-042")
    assert said.code == 130
    assert node.file(MOTD).read_text() == "one"
    assert edgectl("deploy", "store-042").code == 0
    assert node.file(MOTD).read_text() == "two"


def _quiet(inventory: Path) -> int:
    from edgectl.cli.main import run

    return run(["deploy", "store-042", "-i", str(inventory)])


def test_adopt_proposes_lines_that_declare_a_hand_edit(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """The whole text of the file; merged into the inventory, the store is as declared, and nothing is changed."""
    deploy(inventory, edgectl, "one")
    assert edgectl("adopt", "store-042").out == "# store-042: nothing was changed by hand\n"
    node.file(MOTD).write_text("by hand\nin two lines\n")
    said = edgectl("adopt", "store-042")
    assert said.code == 0
    patch = yaml.safe_load(said.out)
    (file,) = patch["stores"]["store-042"]["host"]["files"]
    assert file == {"path": "/etc/motd", "text": "by hand\nin two lines\n", "mode": "0644"}
    doc = yaml.safe_load(inventory.read_text())
    doc["stores"]["store-042"]["host"] = patch["stores"]["store-042"]["host"]
    inventory.write_text(yaml.safe_dump(doc))
    assert edgectl("deploy", "store-042", "-o", "json").document["changed"] == []


def test_a_k3s_minor_version_never_goes_back(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Refused where it arrives, before anything is changed: its datastore could not be read."""
    deploy(inventory, edgectl, "one")
    older = "v1.35.9+k3s1"
    Bundle.open(inventory.parent / "bundle").add(b"older", kind="k3s", name="k3s", version=older)
    inventory.write_text(inventory.read_text().replace("v1.36.3+k3s1", older))
    said = edgectl("deploy", "store-042")
    assert said.code == 11
    assert f"store-042 runs v1.36.3+k3s1; a k3s minor version cannot go back to {older}" in said.err
    assert "runs now: sequence 1; this deploy has changed nothing" in said.err
    assert Slots(node.places).sequence == 1
