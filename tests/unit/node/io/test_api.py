"""The local API: "not there", "asked and refused" and "could not ask" are three things, and a look cannot write."""

from __future__ import annotations

import http.client
import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.api import Denied, ReadApi, WriteApi, selector
from edgectl.node.io.look import Hands, Look
from edgectl.node.io.places import Places

Answer = tuple[int, bytes]


class Server:
    """Answers requests; remembers them. `breaks` connections are lost before they answer."""

    def __init__(self, *answers: Answer, breaks: int = 0) -> None:
        self.answers = list(answers)
        self.breaks = breaks
        self.asked: list[tuple[str, str, bytes | None, dict[str, str]]] = []
        self.connections = 0

    def connect(self) -> Any:
        """Return a new connection."""
        self.connections += 1
        return Connection(self)


class Connection:
    """What http.client.HTTPSConnection offers."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def request(self, method: str, path: str, *, body: bytes | None, headers: dict[str, str]) -> None:
        """Remember the question, or break."""
        self._server.asked.append((method, path, body, headers))
        if self._server.breaks:
            self._server.breaks -= 1
            raise http.client.RemoteDisconnected("gone")

    def getresponse(self) -> Any:
        """Return the next answer."""
        status, body = self._server.answers.pop(0)
        return type("Response", (), {"status": status, "read": staticmethod(lambda: body)})

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Server], WriteApi]:
    """Return what makes an API of a server."""

    def api(server: Server) -> WriteApi:
        made = WriteApi(Places())
        monkeypatch.setattr(made, "_connect", server.connect)
        return made

    return api


def status(code: int, message: str) -> Answer:
    """Return an answer as Kubernetes says no."""
    return code, json.dumps({"kind": "Status", "message": message}).encode()


def test_not_there_is_none(serve: Callable[[Server], ReadApi]) -> None:
    """404 is an answer: the object does not exist."""
    assert serve(Server(status(404, "not found"))).get("/api/v1/nodes/x") is None


def test_asked_and_refused_says_why(serve: Callable[[Server], ReadApi]) -> None:
    """A no of the API carries its sentence."""
    with pytest.raises(Denied, match="HTTP 403: forbidden by policy") as caught:
        serve(Server(status(403, "forbidden by policy"))).get("/api/v1/nodes/x")
    assert caught.value.status == 403


@pytest.mark.parametrize("code", [429, 500, 503, 504])
def test_an_api_in_trouble_could_not_be_asked(serve: Callable[[Server], ReadApi], code: int) -> None:
    """Etcd times out, the server is overloaded: no answer about the object, so never drift."""
    with pytest.raises(LookFailed, match="etcdserver: request timed out"):
        serve(Server(status(code, "etcdserver: request timed out"))).get("/api/v1/nodes/x")
    with pytest.raises(LookFailed):
        serve(Server(status(code, "x"))).dry_apply({}, "/api/v1/x")


def test_not_ready_is_an_answer(serve: Callable[[Server], ReadApi]) -> None:
    """Readyz says no with 500, and which check fails."""
    with pytest.raises(Denied, match="etcd failed"):
        serve(Server((500, b"[-]etcd failed: reason withheld"))).get_text("/readyz")
    assert serve(Server((200, b"ok"))).get_text("/readyz") == "ok"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'"text"'])
def test_an_answer_that_cannot_be_read_is_no_look(serve: Callable[[Server], ReadApi], body: bytes) -> None:
    """Something else listens on that port, or the answer was torn."""
    with pytest.raises(LookFailed):
        serve(Server((200, body))).get("/api/v1/nodes/x")


def test_a_connection_that_died_is_made_anew_once(serve: Callable[[Server], ReadApi]) -> None:
    """k3s restarted between two questions: that costs nothing; a fresh connection that fails is "could not ask"."""
    server = Server((200, b"{}"), (200, b"{}"))
    api = serve(server)
    api.get("/a")
    server.breaks = 1
    assert api.get("/b") == {}
    assert server.connections == 2
    server.breaks = 2
    with pytest.raises(LookFailed, match="does not answer"):
        api.get("/c")
    server.breaks = 1
    with pytest.raises(LookFailed, match="does not answer"):
        api.get("/d")


def test_the_reading_patch_stores_nothing(serve: Callable[[Server], ReadApi]) -> None:
    """Its one PATCH has dryRun=All and Helm's field manager hard-wired."""
    server = Server((200, b"{}"))
    serve(server).dry_apply({"kind": "Service"}, "/api/v1/namespaces/n/services/a")
    method, path, body, headers = server.asked[0]
    assert method == "PATCH"
    assert path.endswith("services/a?fieldManager=helm&force=true&dryRun=All")
    assert json.loads(body or b"") == {"kind": "Service"}
    assert headers["Content-Type"] == "application/apply-patch+yaml"


def test_a_dry_creation_cannot_write(serve: Callable[[Server], WriteApi]) -> None:
    """The reading class has one POST, and dryRun=All stands in it whoever calls."""
    server = Server((201, b'{"kind": "Pod"}'))
    assert serve(server).dry_create("/api/v1/namespaces/default/pods", {"kind": "Pod"}) == {"kind": "Pod"}
    method, path, body, headers = server.asked[0]
    assert (method, path) == ("POST", "/api/v1/namespaces/default/pods?dryRun=All")
    assert json.loads(body or b"") == {"kind": "Pod"}
    assert headers["Content-Type"] == "application/json"


def test_without_certificates_it_could_not_ask(tmp_path: Any) -> None:
    """Before k3s has made its certificates, there is nobody to ask."""
    with pytest.raises(LookFailed, match="not made its certificates yet"):
        ReadApi(Places(tmp_path)).get("/api/v1/nodes/x")


def test_deleting_is_idempotent(serve: Callable[[Server], WriteApi]) -> None:
    """Gone already is fine; any other no is not."""
    serve(Server(status(404, "not found"))).delete("/a")
    with pytest.raises(Denied):
        serve(Server(status(403, "forbidden"))).delete("/a")


def test_a_status_is_merged_by_type(serve: Callable[[Server], WriteApi]) -> None:
    """The subresource, and a strategic merge: conditions of others, told by their type, stay."""
    server = Server((200, b"{}"))
    serve(server).patch_status("/api/v1/nodes/node-1", {"conditions": [{"type": "x"}]})
    ((method, path, body, headers),) = server.asked
    assert (method, path) == ("PATCH", "/api/v1/nodes/node-1/status")
    assert headers["Content-Type"] == "application/strategic-merge-patch+json"
    assert json.loads(body or b"") == {"status": {"conditions": [{"type": "x"}]}}


def test_a_probe_has_no_writing_verb() -> None:
    """What a Look offers is a closed list: a new verb needs this test's consent."""
    verbs = {name for name, _ in inspect.getmembers(Look, inspect.isfunction) if not name.startswith("_")}
    assert verbs == {
        "text",
        "names",
        "mode",
        "entry",
        "digest",
        "run",
        "unit",
        "free_bytes",
        "is_read_only",
        "processes",
        "boot_id",
        "booted_at",
        "up_seconds",
    }
    asked = {name for name, _ in inspect.getmembers(ReadApi, inspect.isfunction) if not name.startswith("_")}
    assert asked == {"apart", "get", "get_text", "metadata", "dry_apply", "dry_create", "close"}
    assert type(Look(Places()).api) is ReadApi
    assert type(Hands(Places()).api) is WriteApi


def test_labels_are_a_query() -> None:
    """Sorted and quoted: the same labels give the same question."""
    assert selector({"b": "2", "a": "x/y"}) == "a%3Dx/y%2Cb%3D2"
