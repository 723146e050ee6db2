"""k3s goes to another patch version by the inventory alone: what is declared stays, pods run on, the pause is as said.

And one that does not come up goes back; and certificates that end soon are renewed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.bundle.layout import Bundle
from edgectl.sandbox.k3s.build import K3S_VERSION
from edgectl.sandbox.k3s.relabel import relabel
from tests.e2e.conftest import Shop
from tests.e2e.declared_objects import containers, declared
from tests.e2e.node import Node
from tests.e2e.operator import Operator
from tests.e2e.stock import copy_bundle
from tests.leaf import ends_of, signed_again

pytestmark = pytest.mark.e2e

NEXT = K3S_VERSION.replace("v1.36.3+", "v1.36.4+")
MINOR = K3S_VERSION.replace("v1.36.3+", "v1.37.0+")
_DATA = "/var/lib/rancher/k3s"
_SEEN = "/run/edgectl-upgrade"
_TRIES = 3  # a machine whose load has changed meanwhile starts k3s in another time than the last time
# Two clients of the node: each tenth of a second the API and inference are asked; it says when, and who has answered.
_POLL = f"""
import http.client, ssl, sys, time
tls = ssl.create_default_context(cafile="{_DATA}/server/tls/server-ca.crt")
tls.load_cert_chain("{_DATA}/server/tls/client-admin.crt", "{_DATA}/server/tls/client-admin.key")
def api():
    return http.client.HTTPSConnection("127.0.0.1", 6443, timeout=5, context=tls), "/readyz"
def inference():
    return http.client.HTTPConnection(sys.argv[1], 8000, timeout=5), "/v2/health/ready"
while True:
    began, said = time.monotonic(), []
    for line, path in (api(), inference()):
        try:
            line.request("GET", path)
            said.append(line.getresponse().status == 200)
        except (OSError, http.client.HTTPException):
            said.append(False)
        line.close()
    print(began, *map(int, said), flush=True)
    time.sleep(max(0.1 - (time.monotonic() - began), 0))
"""


@dataclass(slots=True)
class Seen:
    """For how many seconds the API and inference were away, at the longest."""

    api: float = 0.0
    inference: float = 0.0
    lines: list[list[str]] = field(default_factory=list)


@contextmanager
def _watched(node: Node) -> Iterator[Seen]:
    seen = Seen()
    node.run("sh", "-c", f"cat > {_SEEN}.py", stdin=_POLL)
    unit = "systemd-run --quiet --collect --unit=edgectl-upgrade"
    node.sh(f"{unit} -p StandardOutput=truncate:{_SEEN} $(command -v python3) {_SEEN}.py {node.address('inference')}")
    try:
        yield seen
        node.wait("both answer again", lambda: node.sh(f"tail -n 1 {_SEEN}").endswith(" 1 1"), seconds=30)
    finally:
        node.sh("systemctl stop edgectl-upgrade")
        seen.lines = [line.split() for line in node.sh(f"cat {_SEEN}").splitlines()]
    seen.api, seen.inference = (_longest(seen.lines, column) for column in (1, 2))


def _longest(lines: list[list[str]], column: int) -> float:
    """Return the longest time without an answer, from the last one before to the first one after."""
    longest, last, failed = 0.0, float(lines[0][0]), False
    for line in lines:
        if line[column] == "1":
            longest = max(longest, float(line[0]) - last) if failed else longest
            last, failed = float(line[0]), False
        else:
            failed = True
    assert not failed, "no answer at the end"
    return longest


def _with_k3s(shop: Shop, name: str, version: str, program: Path) -> Operator:
    """Return an operator whose inventory declares this k3s, and whose bundle has it."""
    bundle = copy_bundle(shop.sandbox, name)
    Bundle.open(bundle).add(program, kind="k3s", name="k3s", version=version)

    def change(doc: dict[str, Any]) -> None:
        doc["bundle"] = str(bundle)
        doc["defaults"]["k3s"]["version"] = version

    return shop.operator.with_(change=change)


def _stock_k3s(shop: Shop) -> Path:
    opened = Bundle.open(copy_bundle(shop.sandbox, "as-it-is"))
    (found,) = [one for one in opened.all("k3s") if one.version == K3S_VERSION]
    return opened.path(found.digest)


def _upgraded(shop: Shop, operator: Operator, version: str) -> tuple[dict[str, Any], Seen]:
    """Deploy; every declared object and every container must be what it was."""
    objects, running = declared(shop.node), containers(shop.node)
    with _watched(shop.node) as seen:
        document = operator.deploy()
    assert document["verdict"]["word"] == "ready"
    assert {"k3s-binary", "k3s"} <= set(document["changed"]) <= {"k3s-binary", "k3s", "k3s-files"}
    assert declared(shop.node) == objects
    assert containers(shop.node) == running, "no container was started anew"
    (node,) = shop.node.objects("nodes")
    assert node["status"]["nodeInfo"]["kubeletVersion"] == version
    assert seen.inference == 0, [line for line in seen.lines if line[2] == "0"]
    assert shop.node.answers() == ""
    return document, seen


def test_a_patch_version_there_and_back(settled: Shop, tmp_path: Path) -> None:
    """Law: what is declared is the same before and after, inference never pauses, the API's pause is as announced."""
    settled.node.sh("find /var/lib/edgectl -name gaps.json -delete; rm -rf /var/lib/edgectl/backups")
    program = relabel(_stock_k3s(settled), tmp_path / "k3s", K3S_VERSION, NEXT)
    operator = _with_k3s(settled, "next", NEXT, program)
    plan = operator.run("plan", code=0)
    plan.has(f"pauses    k3s about 30 s (a guess: not measured here yet)\n            {K3S_VERSION} becomes {NEXT}")
    there, _ = _upgraded(settled, operator, NEXT)
    (pause,) = there["pauses"]
    assert (pause["workload"], pause["measured"]) == ("k3s", False)
    kept = f"/var/lib/edgectl/backups/{K3S_VERSION}"
    assert settled.node.sh(f"ls {kept}").split() == ["state.db", "token", "why.json"]
    assert json.loads(settled.node.sh(f"cat {kept}/why.json"))["why"] == f"before {NEXT}"
    tried = []
    while True:
        back, away = _upgraded(settled, settled.operator, K3S_VERSION)
        (known,) = back["pauses"]
        measured = back["verdict"]["gaps"]["k3s"]
        tried.append((known["seconds"], measured, away.api))
        print("announced, measured, seen by a client:", tried[-1])  # noqa: T201
        assert known["measured"], "by this very node"
        if all(abs(seconds - known["seconds"]) <= known["seconds"] / 2 for seconds in (measured, away.api)):
            break
        assert len(tried) < _TRIES, tried
        _upgraded(settled, operator, NEXT)
    settled.operator.run("plan", "--exit-code")


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("v1.38.0+k3s1", "v1.38.0+k3s1 is more than one minor version further"),
        ("v1.36.1+k3s1", "v1.36.1+k3s1 is older, and not what ran before it"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_changes(
    settled: Shop, tmp_path: Path, version: str, says: str
) -> None:
    """Exit 11, by name, with what to do; the node is as it was."""
    (tmp_path / "k3s").write_text(f"#!/bin/sh\necho 'k3s version {version} (x)'\n")
    operator = _with_k3s(settled, version, version, tmp_path / "k3s")
    before = settled.node.steady()
    operator.run("deploy", code=11).has(says)
    assert settled.node.steady() == before


@pytest.mark.long
def test_a_minor_version_that_does_not_come_up_goes_back_with_its_datastore(settled: Shop, tmp_path: Path) -> None:
    """It empties what is stored and ends: the binary and the datastore from before come back, and every object."""
    script = f"""#!/bin/sh
[ "$1" = --version ] && echo 'k3s version {MINOR} (broken)' && exit 0
python3 -c 'import sqlite3; c = sqlite3.connect("{_DATA}/server/db/state.db"); c.execute("DROP TABLE kine"); c.commit()'
echo 'level=fatal msg="the new datastore is not known"' >&2
exit 1
"""
    (tmp_path / "k3s").write_text(script)
    operator = _with_k3s(settled, "broken", MINOR, tmp_path / "k3s")
    objects, running = declared(settled.node), containers(settled.node)
    said = operator.run("deploy", "-v", code=6)
    said.has("k3s ends as soon as it starts", "is READY on the old version")
    said.has(f"k3s is {MINOR}; a minor version cannot go back on what it has stored: the datastore from before comes")
    assert declared(settled.node) == objects
    assert containers(settled.node) == running
    assert settled.node.answers() == ""
    settled.operator.run("plan", "--exit-code")


def _read(node: Node, path: str) -> str:
    return node.sh(f"cat {_DATA}/{path}") + "\n"


def test_certificates_that_end_soon_are_renewed(settled: Shop) -> None:
    """A heal starts k3s anew, once; the new ones last a year, containers run on, the next heal has nothing to do."""
    node, path = settled.node, "agent/client-kubelet.crt"
    running = containers(node)
    authority = (_read(node, f"server/tls/client-ca.{end}") for end in ("crt", "key"))
    short = signed_again(_read(node, path), *authority, days=12)
    node.run("sh", "-c", f"cat > {_DATA}/{path}", stdin=short)
    settled.operator.run("plan").has(
        f"{path}: ends {ends_of(short):%Y-%m-%d %H:%M} UTC -> renewed, by a restart of k3s"
    )
    verdict = node.heal()
    assert (verdict["word"], verdict["changed"]) == ("ready", ["certificates"])
    assert ends_of(_read(node, path)) > datetime.now(UTC) + timedelta(days=360)
    assert containers(node) == running
    assert node.heal()["changed"] == []
