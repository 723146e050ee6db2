"""`plan`, `status`, `journal`, `pause`, `resume`, `ssh`, `kubectl`: what they say, and that they change no more."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import KEY, Edgectl, declare
from tests.cli.node import MOTD, StoreNode

pytestmark = pytest.mark.usefixtures("inventory")


def snapshot(node: StoreNode) -> dict[str, bytes]:
    """Return every file of the node, but for the engine's own."""
    files = [path for path in node.places.root.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in files if node.places.runtimes not in path.parents}


def test_plan_of_a_bare_node(node: StoreNode, edgectl: Edgectl) -> None:
    """Bytes, steps, and what can be seen only later; nothing is written on the node."""
    said = edgectl("plan", "store-042")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "store-042  Berlin   1 node, no GPU"
    assert lines[1].startswith("store-042 would change in 1 step (3 looked at, ")
    assert re.fullmatch(r"  send      4 blobs, \d\.\d KB", lines[2])
    assert lines[3] == "  change    host files           /etc/motd differ from what is declared"
    assert lines[4] == "            /etc/motd: missing -> 4 bytes"
    assert lines[5] == "  blocked   1 step can be seen only after that: inference"
    assert lines[6] == "  next      edgectl deploy store-042"
    assert snapshot(node) == {}
    assert edgectl("plan", "store-042", "--exit-code").code == 10


def test_plan_says_what_deploy_then_changes(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """The same steps, by id; afterwards nothing is pending."""
    edgectl("deploy", "store-042")
    declare(inventory, "better")
    planned = edgectl("plan", "store-042", "--exit-code", "-o", "json")
    assert planned.code == 10
    assert planned.document["pending"] is True
    assert planned.document["missing_blobs"] == 1
    deployed = edgectl("deploy", "store-042", "-o", "json").document
    assert deployed["changed"] == planned.document["verdict"]["pending"]
    after = edgectl("plan", "store-042", "--exit-code")
    assert after.code == 0
    assert "store-042: nothing to change; it is READY" in after.out
    assert node.runs == 2


def test_status_of_a_bare_node(node: StoreNode, edgectl: Edgectl) -> None:
    """Not ready, with the command that would make it so, in this store's own name."""
    said = edgectl("status", "store-042")
    assert (said.code, said.out) == (5, "")
    assert "nothing has been deployed to this node yet" in said.err
    assert "next: edgectl deploy store-042" in said.err
    assert snapshot(node) == {}


def test_status_says_what_runs_and_who_did_it(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """One line when all is well; the whole envelope for programs; every step with -v, on stderr."""
    edgectl("deploy", "store-042")
    said = edgectl("status", "store-042", "-v")
    assert said.code == 0
    assert re.match(r"store-042 is READY \(3 looked at, [\d.]+ KB, [\d.]+ s\)\.\n  runs      sequence 1, ", said.out)
    assert "  ok        inference            answers" in said.err
    assert "  link      node-1 (root@10.77.0.11:22), engine " in said.err
    document = edgectl("status", "store-042", "-o", "json").document
    assert document["current"]["sequence"] == 1
    assert document["current"]["sender"]["key"] == "SHA256:test"
    assert len(document["steps"]) == 3
    assert node.runs == 1
    assert inventory.exists()


def test_status_of_a_store_that_was_changed_by_hand(node: StoreNode, edgectl: Edgectl) -> None:
    """Exit 10: what differs, and that it will be put back."""
    edgectl("deploy", "store-042")
    node.file(MOTD).write_text("by hand")
    said = edgectl("status", "store-042")
    assert said.code == 10
    for line in (
        "store-042 is NOT AS DEPLOYED: 1 step differs (",
        "  drifted   host files           /etc/motd differ from what is declared",
        "            /etc/motd: by hand -> good",
        "  next      the node puts it back within minutes; at once: edgectl deploy store-042",
    ):
        assert line in said.out


def test_status_of_a_store_that_is_not_ready(node: StoreNode, edgectl: Edgectl) -> None:
    """Exit 5: which gate, its evidence, where to look."""
    edgectl("deploy", "store-042")
    node.file(MOTD).unlink()
    node.file(MOTD).mkdir()
    said = edgectl("status", "store-042")
    assert said.code == 5
    assert said.out.startswith("store-042 is UNKNOWN: host files: ")
    assert "  unknown   host files" in said.out
    assert "  next      put right on the node what the reason names (edgectl ssh store-042)" in said.out


def test_pause_stops_deploys_until_resume(node: StoreNode, edgectl: Edgectl) -> None:
    """Who, until when and why are said to everybody who comes."""
    edgectl("deploy", "store-042")
    paused = edgectl("pause", "store-042", "--for", "2h", "--why", "swapping a camera")
    assert paused.code == 0
    assert re.fullmatch(r"store-042 is paused by \S+@\S+ until [\d: -]+ UTC: swapping a camera\n", paused.out)
    deploy = edgectl("deploy", "store-042", "-o", "json")
    assert deploy.code == 7
    assert deploy.document["hint"] == "edgectl resume store-042"
    assert "swapping a camera" in deploy.document["message"]
    assert "  paused    by " in edgectl("status", "store-042").out
    resumed = edgectl("resume", "store-042")
    assert "store-042 is resumed (it was paused by" in resumed.out
    again = edgectl("resume", "store-042", "-o", "json").document
    assert again == {"store": "store-042", "was": "", "exit": 0, "format": 1}
    assert edgectl("deploy", "store-042").code == 0
    assert node.runs == 2


def test_journal_lists_shows_and_follows(node: StoreNode, edgectl: Edgectl) -> None:
    """All runs by time, kind and id; one run by the beginning of its id; one document for programs."""
    assert "no run has left a journal" in edgectl("journal", "store-042", "--list").out
    run = edgectl("deploy", "store-042", "-o", "json").document["run"]
    edgectl("deploy", "store-042")
    listed = edgectl("journal", "store-042", "--list").out.splitlines()
    assert len(listed) == 2
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d  deploy  {run}", listed[1])
    assert edgectl("journal", "store-042", "--list", "-o", "json").document["runs"][1].endswith(f"-deploy-{run}.jsonl")
    shown = edgectl("journal", "store-042", "--run", run[:5])
    assert shown.code == 0
    assert re.search(r"^ +\d\.\d\d s  changed   host files           1 files as declared$", shown.out, re.MULTILINE)
    followed = edgectl("journal", "store-042", "--follow", "-o", "json")
    assert followed.document["events"][-1]["kind"] == "verdict"
    assert "ready" in followed.err
    missing = edgectl("journal", "store-042", "--run", "zzzz")
    assert missing.code == 5
    assert "the node has kept no run zzzz" in missing.err
    assert "edgectl journal store-042 --list" in missing.err
    assert node.runs == 2


def test_ctrl_c_while_following(edgectl: Edgectl, node: StoreNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 130: nothing on the node stops."""
    edgectl("deploy", "store-042")

    def interrupt(_: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("edgectl.report.words.journal_line", interrupt)
    said = edgectl("journal", "store-042", "--follow")
    assert (said.code, said.out) == (130, "")
    assert "stopped watching; the node goes on by itself" in said.err
    assert "edgectl journal store-042 --follow" in said.err
    node.join()


SSH = """#!/bin/sh
[ -n "$SSH_ENDS" ] && { echo "ssh: no route" >&2; exit "$SSH_ENDS"; }
for word; do
  case $word in UserKnownHostsFile=*) cat "${word#*=}" ;; esac
  echo "word: $word"
done
echo "said on stderr" >&2
exit 3
"""


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a client on PATH that tells how it was called."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(SSH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.usefixtures("client")
def test_ssh_knows_the_pinned_key_and_no_other(inventory: Path, edgectl: Edgectl) -> None:
    """Key, port, user and deadlines are on the command line; the exit code is the remote command's own."""
    inventory.write_text(inventory.read_text().replace("host_key:", "ssh: {port: 2222, agent: false}, host_key:"))
    assert edgectl("ssh", "store-042", "--", "uname", "-r").code == 3
    document = edgectl("ssh", "store-042", "-o", "json", "--", "uname", "-r").document
    assert document["stderr"] == "said on stderr\n"
    out = document["stdout"]
    assert f"node-1 {KEY}\n" in out
    words = re.findall(r"word: (.*)", out)
    assert words[-4:] == ["root@10.77.0.11", "--", "uname", "-r"]
    assert words[words.index("-p") + 1] == "2222"
    wanted = {"StrictHostKeyChecking=yes", "HostKeyAlias=node-1", "ConnectTimeout=15", "IdentityAgent=none"}
    assert wanted | {"GlobalKnownHostsFile=/dev/null", "ServerAliveInterval=5", "BatchMode=yes"} <= set(words)


@pytest.mark.usefixtures("client")
def test_kubectl_is_the_stores_own(inventory: Path, edgectl: Edgectl) -> None:
    """Quoted once for the remote shell; with sudo for another user than root; -o behind -- is kubectl's."""
    command = ("kubectl", "store-042", "-o", "json", "--", "get", "pods", "-o", "jsonpath={.items[*].metadata.name}")
    out = edgectl(*command).document["stdout"]
    assert "word: /usr/local/bin/k3s kubectl get pods -o 'jsonpath={.items[*].metadata.name}'\n" in out
    inventory.write_text(inventory.read_text().replace("host_key:", "ssh: {user: ada}, host_key:"))
    out = edgectl(*command).document["stdout"]
    assert "word: sudo -n /usr/local/bin/k3s kubectl get pods" in out


@pytest.mark.usefixtures("client")
def test_ssh_that_does_not_get_there_is_exit_4(edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own words are the evidence."""
    monkeypatch.setenv("SSH_ENDS", "255")
    said = edgectl("ssh", "store-042", "-o", "json", "--", "true")
    assert said.code == 4
    assert said.document["message"] == "ssh did not get to node-1 (root@10.77.0.11:22)"
    assert said.document["details"] == ["ssh: no route"]
    assert "edgectl status store-042" in said.document["hint"]


def test_without_a_client_ssh_says_what_to_install(
    tmp_path: Path, edgectl: Edgectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare machine has none."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    said = edgectl("ssh", "store-042")
    assert said.code == 4
    assert "no ssh client is installed here" in said.err
    assert "openssh-client" in said.err
