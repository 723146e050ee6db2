"""Commands for many stores through the real entry point: lint, inventory check, schema and diff, render, explain."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from edgectl.control.bundle.layout import Bundle
from tests.cli.conftest import Edgectl

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmKjaR/VKHmdKS9pX0fNnO4vYFZvLCbe0AU5uc+SyJW"


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the inventory of three stores in two groups, without releases, in a git repository."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bundle = Bundle.create(tmp_path / "bundle")
    bundle.add(b"k3s", kind="k3s", name="k3s", version="v1.36.3+k3s1")
    for name in ("mirrored-pause", "mirrored-coredns-coredns"):
        bundle.add(name.encode(), kind="image", name=name, version="1", refs=(f"docker.io/rancher/{name}:1",))
    stores = "".join(
        f"  store-{number}:\n    groups: [{group}]\n"
        f"    nodes: {{node-1: {{address: 10.77.0.{number}, host_key: {KEY}}}}}\n"
        for number, group in ((1, "eu"), (2, "eu"), (3, "us"))
    )
    path = tmp_path / "repo" / "inventory.yaml"
    path.parent.mkdir()
    path.write_text(
        "version: 1\nbundle: ../bundle\ndefaults: {k3s: {version: v1.36.3+k3s1}}\n"
        f"groups: {{eu: {{host: {{sysctls: {{vm.swappiness: 1}}}}}}, us: {{}}}}\nstores:\n{stores}"
    )
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        git(path.parent, *words)
    monkeypatch.setenv("EDGECTL_INVENTORY", str(path))
    return path


def git(folder: Path, *words: str) -> None:
    """Run git as nobody in particular."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True, timeout=60)


@pytest.mark.usefixtures("fleet")
def test_nothing_is_wrong(edgectl: Edgectl) -> None:
    """One line says how many were looked at."""
    assert edgectl("inventory", "check").out == "3 stores: nothing is wrong\n"
    assert edgectl("lint", "group:eu").out == "2 stores: nothing is wrong\n"
    schema = json.loads(edgectl("inventory", "schema").out)
    assert schema["title"] == "edgectl inventory"


def test_the_same_error_in_many_stores_is_one_line(fleet: Path, edgectl: Edgectl) -> None:
    """Exit 3; each line with its place, and the stores in which it is. Seeded fault: a line for each store."""
    fleet.write_text(fleet.read_text().replace("v1.36.3+k3s1", "v1.35.0+k3s1"))
    said, bundle = edgectl("lint"), fleet.parents[1] / "bundle"
    assert said.code == 3
    assert said.out.splitlines() == [
        f"error     {fleet}:3:27  k3s v1.35.0+k3s1 is not in the bundle {bundle} (it has v1.36.3+k3s1)",
        "          in all 3 stores",
        "3 stores: 1 error",
    ]
    assert edgectl("inventory", "check").code == 0


def test_a_rule_refuses_before_a_byte_is_sent(fleet: Path, edgectl: Edgectl) -> None:
    """Render, plan and deploy say the same; an excused store goes on, and lint says by whom."""
    rule = '{over: payload, check: "payload.store != \\"store-1\\"", message: "no"}'
    policy = f"defaults: {{policy: {{rules: {{mine: {rule}}}}}, "
    fleet.write_text(fleet.read_text().replace("defaults: {", policy))
    for words in (["render"], ["plan"], ["deploy"]):
        said = edgectl(*words, "store-1")
        assert said.code == 3
        assert "store-1: mine: no" in said.err
    assert edgectl("render", "store-2").code == 0
    exempt = '"no", exceptions: [{stores: "group:eu", until: "2999-01-01", why: moving}]}'
    fleet.write_text(fleet.read_text().replace('"no"}', exempt))
    assert edgectl("render", "store-1").code == 0
    assert "moving (until 2999-01-01)" in edgectl("lint").out


def test_who_may_deploy_when(fleet: Path, edgectl: Edgectl) -> None:
    """A person who is not named is told before anybody connects."""
    fleet.write_text(fleet.read_text().replace("defaults: {", "defaults: {policy: {deploy: [{who: [nobody]}]}, "))
    said = edgectl("deploy", "store-1")
    assert said.code == 3
    assert "may not deploy store-1 now" in said.err
    assert edgectl("render", "store-1").code == 0


def test_a_git_change_is_told_store_by_store(fleet: Path, edgectl: Edgectl) -> None:
    """Values, restarts of k3s, new and gone stores; the same change in many stores is said once."""
    assert edgectl("inventory", "diff", "HEAD").out == "3 stores: nothing changes\n"
    text = fleet.read_text().replace("vm.swappiness: 1", "vm.swappiness: 2")
    text = text.replace("us: {}", "us: {k3s: {kubelet: {maxPods: 9}}}").replace("store-1:", "store-9:")
    fleet.write_text(text)
    said = edgectl("inventory", "diff", "HEAD")
    assert said.out.splitlines() == [
        "store-9  new",
        "    new content: 41 B",
        "store-2  changed",
        "  ~ host.sysctls.vm.swappiness: 1 -> 2",
        "store-3  changed",
        "    k3s restarts on node-1",
        "  + k3s.kubelet.maxPods: 9",
        "store-1  gone",
        "4 stores of 4 touched",
    ]
    wrong = edgectl("inventory", "diff", "nonsense")
    assert wrong.code == 3
    assert "git has no revision 'nonsense'" in wrong.err
    shutil.rmtree(fleet.parent / ".git")
    wrong = edgectl("inventory", "diff", "HEAD")
    assert (wrong.code, "lies in no git repository" in wrong.err) == (3, True), wrong


def test_many_stores_are_rendered_each_into_its_folder(fleet: Path, edgectl: Edgectl, tmp_path: Path) -> None:
    """What is written is what is compared with later; a store alone stands in the folder itself."""
    folder = tmp_path / "out"
    said = edgectl("render", "group:eu", "--to", str(folder), "-o", "json").document
    assert [row["store"] for row in said["stores"]] == ["store-1", "store-2"]
    alone = edgectl("render", "store-1", "-o", "json").document
    assert said["stores"][0]["digest"] == alone["digest"]
    assert edgectl("render", "group:eu", "--diff", str(folder)).out == "2 stores: nothing changes\n"
    fleet.write_text(fleet.read_text().replace("vm.swappiness: 1", "vm.swappiness: 2"))
    lines = edgectl("render", "group:eu", "--diff", str(folder)).out.splitlines()
    assert lines[0] == "store-1, store-2  changed"
    assert '  ~ nodes.node-1.host.sysctls.vm.swappiness: "1" -> "2"' in lines
    assert edgectl("render", "store-1", "--diff", "HEAD").out.startswith("store-1  changed\n")
    fleet.write_text(fleet.read_text().replace("v1.36.3+k3s1", "v1.35.0+k3s1"))
    said_wrong = edgectl("render", "group:eu")
    assert (said_wrong.code, "2 stores of 2 cannot be rendered" in said_wrong.err) == (3, True)


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("words", [("explain",), ("journal",), ("chain",), ("gpu",), ("ssh",)])
def test_commands_for_one_store_take_one(edgectl: Edgectl, words: tuple[str, ...]) -> None:
    """A selector that means several is a usage error that names some of them."""
    said = edgectl(*words, "group:eu")
    assert said.code == 2
    assert '"group:eu" means 2 stores (store-1, store-2), and this command takes one' in said.err


@pytest.mark.usefixtures("fleet")
def test_where_a_value_comes_from(edgectl: Edgectl) -> None:
    """A selector that means one store will do."""
    said = edgectl("explain", "group:us", "k3s.version", "-o", "json").document
    (value,) = said["values"]
    assert (said["store"], value["value"], value["layer"], value["line"]) == ("store-3", "v1.36.3+k3s1", "defaults", 3)


def test_versions_of_edgectl_are_pinned(fleet: Path, edgectl: Edgectl) -> None:
    """An inventory says which edgectl may deploy it."""
    fleet.write_text('edgectl: ">=99"\n' + fleet.read_text())
    said = edgectl("render", "store-1")
    assert said.code == 3
    assert "these stores may be deployed by >=99 only" in said.err
