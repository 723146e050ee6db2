"""`edgectl collect --alerts`: each once, and its end; a receiver that is down loses none. Real HTTP."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Edgectl, declare
from tests.cli.node import StoreNode

TOKEN = "hunter2-of-the-receiver"  # noqa: S105 - an example
PATH = "/hooks/T0-hunter3-in-the-path"


class Receiver(ThreadingHTTPServer):
    """Takes alerts, or answers `status`; `deaf` says nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.deaf = threading.Event()
        self.over = threading.Event()
        self.took: list[Any] = []
        self.tokens: list[str] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Take one request."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.deaf.is_set():
            self.server.over.wait(20)
            return
        self.server.tokens.append(self.headers.get("Authorization", ""))
        if self.server.status < 300:
            self.server.took.append(body)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Stay quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return one that listens."""
    with Receiver() as opened:
        yield opened
        opened.over.set()
        opened.shutdown()


@pytest.fixture
def degraded(inventory: Path, node: StoreNode, edgectl: Edgectl) -> Path:
    """Return the inventory of a store that serves with something missing."""
    declare(inventory, "thin")
    assert edgectl("deploy", "store-042").code == 9
    node.join()
    return inventory


def mend(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """Make the store well."""
    declare(inventory, "good", before="thin")
    assert edgectl("deploy", "store-042").code == 0
    node.join()


def told(receiver: Receiver) -> list[tuple[str, str]]:
    """Return what a webhook was told, in order."""
    return [(one["labels"]["alertname"], one["status"]) for body in receiver.took for one in body["alerts"]]


def test_each_is_told_once_and_its_end_once(
    degraded: Path, node: StoreNode, edgectl: Edgectl, receiver: Receiver
) -> None:
    """A webhook hears of changes alone."""
    said = edgectl("collect", "--alerts", receiver.url + PATH)
    assert said.code == 0, said
    assert "alerts: 1 alert, told of 1" in said.out
    assert edgectl("collect", "--alerts", receiver.url + PATH, "-o", "json").document["alerts"] == {
        "firing": 1,
        "told": 0,
        "why": "",
    }
    assert told(receiver) == [("EdgectlDegraded", "firing")]
    mend(degraded, node, edgectl)
    assert edgectl("collect", "--alerts", receiver.url + PATH).code == 0
    assert edgectl("collect", "--alerts", receiver.url + PATH).code == 0
    assert told(receiver) == [("EdgectlDegraded", "firing"), ("EdgectlDegraded", "resolved")]
    first, last = (body["alerts"][0] for body in receiver.took)
    assert first["labels"] == last["labels"]
    assert first["startsAt"] == last["startsAt"] <= last["endsAt"]
    assert "store-042/node-1 serves with something missing" in first["annotations"]["summary"]


def test_a_receiver_that_is_down_loses_nothing(
    degraded: Path, node: StoreNode, edgectl: Edgectl, receiver: Receiver
) -> None:
    """Law: exit 8 says so; the next collect tells what waits, an end as well. Seeded: settled before it was taken."""
    url = receiver.url + PATH
    receiver.status = 503
    said = edgectl("collect", "--alerts", url)
    assert said.code == 8
    assert f"alerts: 1 alert; not told: {receiver.url} answered 503" in said.out
    assert "what was not told is kept" in said.out
    receiver.status = 200
    assert edgectl("collect", "--alerts", url).code == 0
    mend(degraded, node, edgectl)
    receiver.status = 500
    assert edgectl("collect", "--alerts", url).code == 8
    assert edgectl("collect", "--alerts", url).code == 8
    receiver.status = 204
    assert edgectl("collect", "--alerts", url).code == 0
    assert told(receiver) == [("EdgectlDegraded", "firing"), ("EdgectlDegraded", "resolved")]


@pytest.mark.usefixtures("degraded")
def test_one_that_never_answers_has_a_deadline(
    edgectl: Edgectl, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is a receiver that is down."""
    from edgectl.control.collect import webhook

    receiver.deaf.set()
    with monkeypatch.context() as patched:
        patched.setattr(webhook.Webhook.post, "__kwdefaults__", {"seconds": 0.3})
        said = edgectl("collect", "--alerts", receiver.url)
    assert said.code == 8
    assert "not told: " in said.out
    receiver.deaf.clear()
    assert edgectl("collect", "--alerts", receiver.url).code == 0
    assert len(told(receiver)) == 1


def test_an_alertmanager_is_told_of_what_lasts_each_time(
    degraded: Path, node: StoreNode, edgectl: Edgectl, receiver: Receiver
) -> None:
    """It forgets otherwise; it does the counting itself. Its API is version 2: a list."""
    url = f"{receiver.url}/api/v2/alerts"
    for _ in range(2):
        assert edgectl("collect", "--alerts", url).code == 0
    (first,), (second,) = receiver.took[:2]
    assert set(first) == {"labels", "annotations", "startsAt", "endsAt"}
    assert first["labels"] == {
        "alertname": "EdgectlDegraded",
        "store": "store-042",
        "node": "node-1",
        "severity": "warning",
    }
    assert (first["labels"], first["startsAt"]) == (second["labels"], second["startsAt"])
    assert first["endsAt"] > first["startsAt"]
    mend(degraded, node, edgectl)
    for _ in range(2):
        assert edgectl("collect", "--alerts", url).code == 0
    (over,) = receiver.took[2:]
    assert over[0]["startsAt"] <= over[0]["endsAt"] < second["endsAt"]


def test_two_receivers_are_two(degraded: Path, edgectl: Edgectl, receiver: Receiver) -> None:
    """Law: what one was told is no news of the other's. Their notes are the owner's alone."""
    for path in ("/one", "/two"):
        assert "told of 1" in edgectl("collect", "--alerts", receiver.url + path).out
    notes = list((degraded.parent / "state/edgectl/collected").glob("alerts-*.json"))
    assert len(notes) == 2
    assert {note.stat().st_mode & 0o777 for note in notes} == {0o600}


def test_silence_and_what_cannot_be_asked(
    degraded: Path, node: StoreNode, edgectl: Edgectl, receiver: Receiver
) -> None:
    """A store that is silent for too long is an alert; exit 4 stays what it is when nobody could be asked."""
    edgectl("collect")
    beats = degraded.parent / "state/edgectl/collected/store-042/node-1/beats.jsonl"
    row = json.loads(beats.read_text())
    beats.write_text(json.dumps({**row, "got": "2026-01-01T00:00:00+00:00"}) + "\n")
    node.silent = frozenset({"10.77.0.11"})
    said = edgectl("collect", "--alerts", receiver.url, "--silence", "30m")
    assert said.code == 4
    assert told(receiver) == [("EdgectlSilence", "firing"), ("EdgectlDegraded", "firing")]


RENAMED = ("  store-042:", "  store-077:")


def ended(over: dict[str, Any]) -> bool:
    """Tell whether an alert that an Alertmanager was told has ended by now."""
    return datetime.fromisoformat(over["endsAt"]) <= datetime.now(UTC)


@pytest.mark.parametrize("path", ["/api/v2/alerts", PATH])
@pytest.mark.usefixtures("node")
def test_what_left_the_inventory_is_over(degraded: Path, edgectl: Edgectl, receiver: Receiver, path: str) -> None:
    """Law: the next collect tells its end, once, and nothing of it is kept. Seeded: nodes that were asked, alone."""
    url = receiver.url + path
    assert edgectl("collect", "--alerts", url).code == 0
    degraded.write_text(degraded.read_text().replace(*RENAMED))
    receiver.status = 503
    assert edgectl("collect", "--alerts", url).code == 8
    receiver.status = 200
    for _ in range(2):
        assert edgectl("collect", "--alerts", url).code == 0
    ours: list[Any] = [one for body in receiver.took for one in (body if isinstance(body, list) else body["alerts"])]
    ours = [one for one in ours if one["labels"]["store"] == "store-042"]
    assert [ended(one) if "status" not in one else one["status"] == "resolved" for one in ours] == [False, True]
    (note,) = (degraded.parent / "state/edgectl/collected").glob("alerts-*.json")
    assert "store-042" not in note.read_text()


@pytest.mark.usefixtures("node")
def test_another_inventory_ends_nothing_of_ours(degraded: Path, edgectl: Edgectl, receiver: Receiver) -> None:
    """Law: two inventories, one folder, one receiver: what one lacks is the other's. Gone, its alerts are anybody's.

    Seeded: no inventory in the note; an inventory that is gone still holds.
    """
    other = degraded.with_name("other.yaml")
    other.write_text(degraded.read_text().replace(*RENAMED))
    for inventory in (degraded, other, degraded):
        assert edgectl("collect", "--alerts", receiver.url, "--inventory", str(inventory)).code == 0
    ours = [one for body in receiver.took for one in body["alerts"] if one["labels"]["store"] == "store-042"]
    assert [one["status"] for one in ours] == ["firing"]
    degraded.unlink()
    assert edgectl("collect", "--alerts", receiver.url, "--inventory", str(other)).code == 0
    ours = [one for body in receiver.took for one in body["alerts"] if one["labels"]["store"] == "store-042"]
    assert [one["status"] for one in ours] == ["firing", "resolved"]


@pytest.mark.usefixtures("degraded")
def test_metrics_that_cannot_be_written_silence_nothing(
    tmp_path: Path, edgectl: Edgectl, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: alerts are told, the collect's own result is printed, exit 5 says the rest. Seeded: raised at once."""
    from edgectl.control import staging

    staged, path = staging.staged, tmp_path / "edgectl.prom"

    def full(target: Path, *, mode: int = 0o644) -> Any:
        if target == path:
            raise OSError(errno.ENOSPC, "No space left on device")
        return staged(target, mode=mode)

    monkeypatch.setattr(staging, "staged", full)
    said = edgectl("collect", "--alerts", receiver.url, "--textfile", str(path))
    assert said.code == 5, said
    assert "store-042/node-1  degraded" in said.out
    assert f"textfile: {path} cannot be written: No space left on device" in said.out
    assert told(receiver) == [("EdgectlDegraded", "firing")]
    receiver.status = 503
    document = edgectl("collect", "--alerts", receiver.url + PATH, "--textfile", str(path), "-o", "json").document
    assert (document["exit"], document["alerts"]["told"], list(document["nodes"])) == (5, 0, ["store-042/node-1"])
    assert document["textfile"] == {"path": str(path), "why": f"{path} cannot be written: No space left on device"}


@pytest.mark.usefixtures("degraded")
def test_what_opens_it_is_seen_nowhere(
    tmp_path: Path, edgectl: Edgectl, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: neither the token nor the address's path is said or kept; the token goes to the receiver."""
    monkeypatch.setenv("EDGECTL_ALERTS", f"{receiver.url}{PATH}?key=hunter4")
    monkeypatch.setenv("EDGECTL_ALERTS_TOKEN", TOKEN)
    said = [edgectl("collect"), edgectl("collect", "-v", "-o", "json"), edgectl("collect", "--help")]
    receiver.status = 401
    said.append(edgectl("collect", "--alerts", f"{receiver.url}{PATH}"))
    monkeypatch.setenv("EDGECTL_ALERTS", f"https://ada:{TOKEN}@example.com{PATH}")
    said.append(edgectl("collect"))
    assert [one.code for one in said] == [0, 0, 0, 8, 2]
    assert receiver.tokens[0] == f"Bearer {TOKEN}"
    kept = "".join(path.read_text(errors="replace") for path in (tmp_path / "state").rglob("*") if path.is_file())
    for word in (TOKEN, "hunter3", "hunter4"):
        assert word not in kept
        assert not [one for one in said if word in one.out + one.err]


@pytest.mark.usefixtures("inventory")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--alerts", "ftp://x"), "--alerts: https://... is needed"),
        (("--alerts", "http://alerts.example.com/x"), "--alerts: http:// is read by everybody on the way"),
        (("--alerts", "https://a:b@example.com"), "--alerts: no user and no password stand in it: give a token"),
        (("--silence", "soon"), "--silence soon is no length of time"),
        (("--textfile", "/dev/null"), "--textfile: /dev/null is no file"),
    ],
)
def test_what_is_no_receiver_is_said_first(
    node: StoreNode, edgectl: Edgectl, options: tuple[str, str], words: str
) -> None:
    """Exit 2, and no store is asked."""
    said = edgectl("collect", *options)
    assert said.code == 2
    assert words in said.err
    assert node.frames == 0


def test_metrics_of_a_collect(tmp_path: Path, degraded: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """One file, whole, that others may read; a store that could not be asked has its last beat in it."""
    del degraded
    path = tmp_path / "node_exporter" / "edgectl.prom"
    assert edgectl("collect", "--textfile", str(path)).code == 0
    label = 'store="store-042",node="node-1"'
    assert f'edgectl_node_word{{{label},word="degraded"}} 1' in path.read_text()
    assert f"edgectl_node_sequence{{{label}}} 1\n" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644
    node.silent = frozenset({"10.77.0.11"})
    assert edgectl("collect", "--textfile", str(path)).code == 4
    assert f"edgectl_node_asked{{{label}}} 0\n" in path.read_text()
    assert f"edgectl_node_sequence{{{label}}} 1\n" in path.read_text()
    assert [one.name for one in path.parent.iterdir()] == ["edgectl.prom"]
