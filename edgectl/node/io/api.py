"""The store's Kubernetes API over HTTPS, with the client certificate that k3s has made for this node.

Owns: one kept connection, deadlines, and the difference between "not there" (None), "asked and refused" and
"could not ask". Must not know any object. The reading class has one PATCH and one POST, with dryRun=All hard-wired.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from edgectl.node.converge.protocol import LookFailed
from edgectl.node.io.places import Places

PORT = 6443
_TIMEOUT_SECONDS = 10.0
FIELD_MANAGER = "helm"  # Helm 4's own (measured with 4.3.1): comparing as Helm shows what Helm would change
_SERVER = re.compile(r'server: *"?https://(\[[^]]+\]|[^:/"\s]+)(?::(\d+))?')
_NOT_FOUND = 404
_OK = 300
_BUSY = 429
_SERVER_ERROR = 500


class Denied(Exception):
    """The API answered, and the answer is no: HTTP status and its sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status
        self.message = message


class ReadApi:
    """Look at objects. Raises LookFailed when the API cannot be asked, Denied when it says no."""

    def __init__(
        self, places: Places, *, host: str = "127.0.0.1", port: int = PORT, seconds: float = _TIMEOUT_SECONDS
    ) -> None:
        self._places = places
        self._seconds = seconds
        self._k3s = places.k3s_data
        self._host = host
        self._port = port
        self._connection: http.client.HTTPSConnection | None = None

    def apart(self, seconds: float) -> ReadApi:
        """Return a connection of its own that only reads, for another thread, with so much patience."""
        return ReadApi(self._places, host=self._host, port=self._port, seconds=seconds)

    def get(self, path: str) -> dict[str, Any] | None:
        """Return an object or list; None when it does not exist."""
        try:
            found = self._ask("GET", path)
        except Denied as answer:
            if answer.status == _NOT_FOUND:
                return None
            raise
        if not isinstance(found, dict):
            raise LookFailed(f"the API's answer to {path} is no object")
        return found

    def metadata(self, path: str) -> tuple[dict[str, Any], ...] | None:
        """Return names, labels and the like of all on a list, without what is in them; None when there is no such."""
        kind = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        try:
            found = self._ask("GET", path, accept=kind)
        except Denied as answer:
            if answer.status == _NOT_FOUND:
                return None
            raise
        items = found.get("items") if isinstance(found, dict) else None
        return tuple(item["metadata"] for item in items or () if isinstance(item.get("metadata"), dict))

    def get_text(self, path: str) -> str:
        """Return a plain-text answer, such as /readyz."""
        return str(self._ask("GET", path, plain=True))

    def dry_apply(self, manifest: dict[str, Any], path: str) -> dict[str, Any]:
        """Return what the object would be if Helm applied this manifest now; nothing is stored."""
        query = urlencode({"fieldManager": FIELD_MANAGER, "force": "true", "dryRun": "All"})
        answer = self._ask("PATCH", f"{path}?{query}", manifest, kind="application/apply-patch+yaml")
        return dict(answer)

    def dry_create(self, path: str, item: dict[str, Any]) -> dict[str, Any]:
        """Return what a collection would make of a new object, or raise Denied; nothing is stored."""
        return dict(self._ask("POST", f"{path}?{urlencode({'dryRun': 'All'})}", item))

    def close(self) -> None:
        """Drop the kept connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: str = "application/json",
        plain: bool = False,
        accept: str = "application/json",
    ) -> Any:
        fresh = self._connection is None
        try:
            return self._once(method, path, body, kind=kind, plain=plain, accept=accept)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if fresh:
                raise LookFailed(f"the Kubernetes API does not answer: {_sentence(error, self._seconds)}") from error
        try:  # the kept connection had died; one new one
            return self._once(method, path, body, kind=kind, plain=plain, accept=accept)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise LookFailed(f"the Kubernetes API does not answer: {_sentence(error, self._seconds)}") from error

    def _once(self, method: str, path: str, body: Any, *, kind: str, plain: bool, accept: str) -> Any:
        if self._connection is None:
            self._connection = self._connect()
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "*/*" if plain else accept}
        if data is not None:
            headers["Content-Type"] = kind
        self._connection.request(method, path, body=data, headers=headers)
        response = self._connection.getresponse()
        text = response.read().decode(errors="replace")
        if not plain and (response.status >= _SERVER_ERROR or response.status == _BUSY):
            raise LookFailed(f"the Kubernetes API cannot answer now: HTTP {response.status}: {_message(text)}")
        if response.status >= _OK:
            raise Denied(response.status, _message(text))
        if plain:
            return text
        try:
            return json.loads(text)
        except ValueError as error:
            raise LookFailed(f"the API's answer to {path} cannot be read") from error

    def _connect(self) -> http.client.HTTPSConnection:
        tls, name, (host, port) = self._k3s / "server/tls", "client-admin", (self._host, self._port)
        if not tls.is_dir() and (self._k3s / "agent/kubelet.kubeconfig").exists():
            tls, name, (host, port) = self._k3s / "agent", "client-kubelet", server_of(self._k3s / "agent")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # k3s's CA has no key identifiers on older versions; chain, name and expiry stay checked (client-python#2394).
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        try:
            context.load_verify_locations(tls / "server-ca.crt")
            context.load_cert_chain(tls / f"{name}.crt", tls / f"{name}.key")
        except (OSError, ssl.SSLError) as error:
            raise LookFailed("k3s has not made its certificates yet") from error
        return http.client.HTTPSConnection(host, port, context=context, timeout=self._seconds)


class WriteApi(ReadApi):
    """Look and change."""

    def annotate(self, path: str, values: dict[str, str]) -> None:
        """Set annotations of an object."""
        self.merge(path, {"metadata": {"annotations": values}})

    def merge(self, path: str, fields: dict[str, Any]) -> None:
        """Lay fields over an object; what is not named stays, and lists are replaced."""
        self._ask("PATCH", path, fields, kind="application/merge-patch+json")

    def patch_status(self, path: str, status: dict[str, Any]) -> None:
        """Lay fields over an object's status; what is listed by name or type there stays beside what is new."""
        self._ask("PATCH", f"{path}/status", {"status": status}, kind="application/strategic-merge-patch+json")

    def create(self, path: str, item: dict[str, Any]) -> None:
        """Make an object in a collection; Denied (409) when there is one of that name."""
        self._ask("POST", path, item)

    def post(self, path: str, item: dict[str, Any]) -> dict[str, Any]:
        """Make an object, or ask for a token, and return what came of it."""
        return dict(self._ask("POST", path, item))

    def replace(self, path: str, item: dict[str, Any]) -> None:
        """Put an object in the place of the one that is there."""
        self._ask("PUT", path, item)

    def delete(self, path: str) -> None:
        """Delete an object; one that is gone is fine."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        try:
            self._ask("DELETE", path, options)
        except Denied as answer:
            if answer.status != _NOT_FOUND:
                raise


def server_of(agent: Path) -> tuple[str, int]:
    """Return where an agent's kubelet asks the API: k3s's own balancer on this machine, or the server itself."""
    try:
        found = _SERVER.search((agent / "kubelet.kubeconfig").read_text())
    except OSError:
        found = None
    if found is None:
        raise LookFailed("k3s has not told this agent yet where its server is")
    return found[1].strip("[]"), int(found[2] or PORT)


def selector(labels: dict[str, str]) -> str:
    """Return labels as a query value."""
    return quote(",".join(f"{key}={value}" for key, value in sorted(labels.items())))


def _message(text: str) -> str:
    try:
        return str(json.loads(text).get("message", text))
    except (ValueError, AttributeError):
        return text.strip()[:500]


def _sentence(error: Exception, seconds: float) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return f"no answer in {seconds:.0f} s"
    return f"{type(error).__name__}: {error}"
