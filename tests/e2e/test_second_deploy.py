"""A store that is as declared: nothing touches it, and whoever looks at it learns what it is."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.operator import ROOT

pytestmark = pytest.mark.e2e


def changed_edgectl(folder: Path, note: str) -> Path:
    """Return a copy of edgectl whose engine differs, in a comment: a new version that does the same."""
    for name in ("edgectl", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "edgectl/node/recipe.py").open("a") as source:
        source.write(f"\n# {note}\n")
    return folder


def greeting(text: str) -> Any:
    """Return a change of the inventory that gives the inference service another environment, and so a new pod."""

    def change(doc: dict[str, Any]) -> None:
        doc["defaults"]["releases"]["vision-stack"]["values"]["inference"]["env"] = {"GREETING": text}

    return change


def test_a_second_deploy_changes_nothing(settled: Shop) -> None:
    """Law 2: no apply, no blob; the same k3s, containers, Helm revisions and generations, and no daemon-reload."""
    before = settled.node.steady()
    outcome = settled.operator.deploy()
    assert (outcome["changed"], outcome["blob_bytes"]) == ([], 0)
    assert outcome["sequence"] == outcome["before"]
    assert (outcome["sessions"], outcome["verdict"]["word"]) == (1, "ready")
    assert settled.node.steady() == before
    settled.operator.run("deploy").has("Nothing to change")


def test_a_new_edgectl_alone_changes_nothing(settled: Shop, tmp_path: Path) -> None:
    """Law 2: another engine is sent and taken over by the unit, and does nothing to the store."""
    before = settled.node.steady()
    newer = settled.operator.with_(package=changed_edgectl(tmp_path, "newer"))
    outcome = newer.deploy()
    assert (outcome["changed"], outcome["blob_bytes"]) == ([], 0)
    assert outcome["sequence"] == outcome["before"] + 1, "the store must remember the engine that it is to run"
    assert settled.node.steady() == before
    assert newer.deploy()["sequence"] == outcome["sequence"]


def test_a_plan_writes_nothing_but_the_runtime(settled: Shop, tmp_path: Path) -> None:
    """Law 1: with changes to make and with an engine that the node does not have, no file of the node changes."""
    other = settled.operator.with_(change=greeting("plan"), package=changed_edgectl(tmp_path, "planned"))
    node = settled.node  # whose watchdog journals, too, when the chain becomes well after what went before
    node.wait("the chain is well", lambda: node.chain()[:2] == ("True", "ChainReady"), seconds=120, every=1)
    files, steady = settled.node.listing(), settled.node.steady()
    other.run("plan").has("would change in 1 step")
    assert other.run("plan", "--exit-code", code=10).out
    assert settled.node.listing() ^ files == set()
    assert settled.node.steady() == steady


def test_a_plan_names_exactly_what_a_deploy_then_applies(shop: Shop) -> None:
    """Law 3; and the second plan finds nothing left to do."""
    other = shop.operator.with_(change=greeting("law 3"))
    plan = other.run("plan", "-o", "json").document
    outcome = other.deploy()
    assert plan["verdict"]["pending"] == outcome["changed"] == ["release-vision-stack"]
    assert other.run("plan", "--exit-code").code == 0


def test_status_tells_what_runs(shop: Shop) -> None:
    """In words and as one document, with exit 0 for a store that is ready."""
    shop.operator.run("status").has("is READY")
    document = shop.operator.run("status", "-o", "json").document
    assert document["verdict"]["word"] == "ready"
    assert {step["step"] for step in document["steps"]} >= {"host", "k3s", "gpu", "release-vision-stack", "inference"}
    assert "READY" in shop.node.sh("edgectl-node status"), "the person at the keyboard has the same engine"


def test_the_journal_tells_what_was_done(shop: Shop) -> None:
    """The newest run, a list of runs, one run by the beginning of its id."""
    newest: str = shop.operator.run("journal", "--list", "-o", "json").document["runs"][0]
    run = newest.removesuffix(".jsonl").rpartition("-")[2]
    events = shop.operator.run("journal", "--run", run[:6], "-o", "json").document["events"]
    assert events[-1]["kind"] == "verdict"
    assert "ready" in shop.operator.run("journal", "--follow").out.splitlines()[-1]
    shop.operator.run("journal", "--run", "ffffffffff", code=5).has("kept no run")


def test_ssh_and_kubectl_reach_the_node(shop: Shop) -> None:
    """Exit codes and outputs are those of what runs there."""
    assert shop.operator.run("ssh", "--", "hostname").out == "node-1\n"
    assert shop.operator.run("ssh", "--", "exit 7", code=7).out == ""
    shop.operator.run("kubectl", "--", "get", "pods", "-n", "vision").has("inference-")
    shop.operator.run("kubectl", "--", "get", "pod", "nobody", code=1).has("not found")


def test_a_pause_holds_heals_and_deploys_until_it_ends(shop: Shop) -> None:
    """Hands-on work is not undone meanwhile; whoever deploys is told who paused it and why (exit 7)."""
    said = shop.operator.run("pause", "--for", "1h", "--why", "swapping a camera")
    said.has("paused by tester@")
    shop.node.kubectl("scale", "-n", "vision", "deployment/inference", "--replicas=0")
    runs = shop.node.runs()
    shop.node.run("systemctl", "start", "edgectl-converge.service")
    assert shop.node.runs() == runs
    assert shop.node.inference()["spec"]["replicas"] == 0
    refused = shop.operator.run("deploy", code=7)
    refused.has("swapping a camera")
    refused.has(f"edgectl resume {shop.operator.store}")
    shop.operator.run("status", code=10).has("swapping a camera")
    shop.operator.run("resume")
    assert shop.operator.run("deploy", "-o", "json").document["changed"] == ["release-vision-stack"]
    assert shop.node.answers() == ""


def test_two_deploys_at_once_do_not_mix(shop: Shop) -> None:
    """One goes through; the other ends with 7 and says who deploys, and since when."""
    change = greeting("at once")
    running = [shop.operator.with_(change=change, user=user).start("deploy") for user in ("anna", "bert")]
    ended = [process.finish(seconds=120) for process in running]
    assert sorted(said.code for said in ended) == [0, 7], "\n".join(map(str, ended))
    winner, loser = ("anna", "bert") if ended[0].code == 0 else ("bert", "anna")
    refused = next(said for said in ended if said.code == 7)
    refused.has(f"{winner}@")
    assert f"{loser}@" not in refused.err
    refused.has(" since ")
    refused.has("next: ")


def test_ctrl_c_stops_watching_and_the_same_command_watches_again(shop: Shop) -> None:
    """Exit 130, with how to re-attach; the node goes on; the same command follows the same run to its end."""
    other = shop.operator.with_(change=greeting("interrupted"))
    watching = other.start("deploy")
    watching.until("the node goes on by itself", seconds=60)
    watching.signal(signal.SIGINT)
    left = watching.finish(seconds=20)
    assert left.code == 130, left
    run = left.err.partition("(run ")[2].partition(")")[0]
    left.has("goes on by itself", f"edgectl deploy {shop.operator.store}")
    outcome = other.deploy()
    assert outcome["run"] == run
    assert (outcome["verdict"]["word"], outcome["changed"]) == ("ready", ["release-vision-stack"])
