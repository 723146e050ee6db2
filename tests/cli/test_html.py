"""`--html`: a page of what was done, beside the result and never instead of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Edgectl, declare
from tests.cli.node import MOTD, StoreNode

VALUE = "hunter2-of-the-environment"


def words(path: Path) -> str:
    """Return a page's text without its style."""
    return re.sub(r"<style>.*?</style>", "", path.read_text(), flags=re.DOTALL)


@pytest.mark.usefixtures("inventory", "node")
def test_a_deploys_page(tmp_path: Path, edgectl: Edgectl) -> None:
    """The result on stdout is what it always is; the page has it, the steps, bytes, history, digests."""
    page = tmp_path / "out" / "store.html"
    said = edgectl("deploy", "store-042", "--html", str(page))
    assert said.code == 0, said
    text = words(page)
    assert said.out.splitlines()[0] in text
    for shown in (
        "Berlin 1 node, no GPU",
        "connect node-1",
        "send content node-1",
        "host files",
        "/etc/motd",
        "What changed",
        "current",
    ):
        assert shown in text, shown
    assert re.search(r"sha256:[0-9a-f]{64}", text)
    assert "The chain" in text  # this node has none: that is said, and turns nothing down
    assert "It could not be looked at" in text
    assert not [path for path in page.parent.iterdir() if path != page]
    assert page.stat().st_mode & 0o777 == 0o644


def test_a_deploy_that_is_turned_down(tmp_path: Path, inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Why, evidence, what runs now; the exit code is the deploy's."""
    edgectl("deploy", "store-042")
    declare(inventory, "bad")
    page = tmp_path / "store.html"
    assert edgectl("deploy", "store-042", "--html", str(page)).code == 5
    text = words(page)
    for shown in ("Sequence 2 was rejected", "out of memory", "What is not well", "rejected"):
        assert shown in text, shown
    assert node.runs == 2


@pytest.mark.usefixtures("inventory")
def test_a_deploy_that_never_came_there(tmp_path: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """The page says what the command says: what, and what to do next; and nobody is asked for more."""
    from edgectl.wire.errors import Unreachable

    node.refuses = Unreachable("node-1 (root@10.77.0.11:22) did not answer within 15 s")
    page = tmp_path / "store.html"
    assert edgectl("deploy", "store-042", "--html", str(page)).code == 4
    assert "did not answer within 15 s" in words(page)
    assert "<dt>next</dt><dd>see to what it names" in words(page)


@pytest.mark.usefixtures("inventory")
@pytest.mark.parametrize("command", ["deploy", "status"])
def test_a_place_that_cannot_be_written_is_said_first(
    tmp_path: Path, node: StoreNode, edgectl: Edgectl, command: str
) -> None:
    """Law: exit 2 before a store is touched. Seeded: a check after the deploy."""
    (tmp_path / "file").write_text("a file where a folder should be")
    for where in (tmp_path / "file" / "store.html", tmp_path, Path("/dev/null"), Path("/proc/no/such.html")):
        said = edgectl(command, "store-042", "--html", str(where))
        assert said.code == 2, said
        assert f"--html: {where} " in said.err
    assert (node.runs, node.frames) == (0, 0)


@pytest.mark.usefixtures("inventory", "node")
def test_a_disk_that_fills_meanwhile_fails_no_deploy(
    tmp_path: Path, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page that was there stays, whole; a note says so; the deploy is what it is."""
    page = tmp_path / "store.html"
    page.write_text("yesterday's")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edgectl.report.page.page.write", full)
    said = edgectl("deploy", "store-042", "--html", str(page))
    assert said.code == 0
    assert "could not be written: No space left on device" in said.err
    assert page.read_text() == "yesterday's"


def test_status_shows_what_runs_the_newest_run_and_the_history(
    tmp_path: Path, inventory: Path, node: StoreNode, edgectl: Edgectl
) -> None:
    """One file of all that the store's server can say; its document on stdout stays as it was."""
    edgectl("deploy", "store-042")
    declare(inventory, "better")
    edgectl("deploy", "store-042")
    node.join()
    page = tmp_path / "store.html"
    plain, said = (edgectl("status", "store-042", *more) for more in ((), ("--html", str(page))))
    assert plain.out.splitlines()[1:] == said.out.splitlines()[1:]
    text = words(page)
    assert "Berlin" in text
    assert "Where the time went" in text
    assert "the newest run that the node has kept" in text
    assert text.count('<span class="pill ok">current</span>') == 1
    assert "previous" in text
    assert "What differs" not in text
    node.file(MOTD).write_text("by hand")
    assert edgectl("status", "store-042", "--html", str(page)).code == 10
    assert "What differs" in words(page)
    assert "NOT AS DEPLOYED" in words(page)


def test_no_secret_is_on_a_page(
    tmp_path: Path, inventory: Path, node: StoreNode, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 12 holds for pages."""
    monkeypatch.setenv("APP_PASSWORD", VALUE)
    said = "  secrets: {app: {namespaces: [vision], keys: {PASSWORD: {env: APP_PASSWORD}}}}\nstores:\n"
    inventory.write_text(inventory.read_text().replace("stores:\n", said))
    assert edgectl("deploy", "store-042", "--html", str(tmp_path / "deploy.html")).code == 0
    assert edgectl("status", "store-042", "--html", str(tmp_path / "status.html")).code == 0
    assert VALUE in node.places.secret_values.read_text()
    for page in tmp_path.glob("*.html"):
        assert VALUE not in page.read_text()


@pytest.mark.usefixtures("inventory")
def test_without_a_page_nothing_more_is_asked(node: StoreNode, edgectl: Edgectl) -> None:
    """A deploy that changes nothing stays one connection."""
    edgectl("deploy", "store-042")
    node.sessions.clear()
    edgectl("deploy", "store-042")
    assert len(node.sessions) == 1
