"""As much of a registry as `docker pull` asks for: manifests and blobs over HTTP (OCI distribution 1.1)."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Registry:
    """A registry; `locked` repositories want a log-in. `asked` is every path that was asked for."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[str, bytes]] = {}  # digest, or repository:tag -> type and bytes
        self.locked: set[str] = set()
        self.asked: list[str] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self._answer(body=False)

            def do_GET(self) -> None:
                self._answer(body=True)

            def _answer(self, *, body: bool) -> None:
                registry.asked.append(self.path)
                code, kind, data = registry.answer(self.path)
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Docker-Content-Digest", _digest(data))
                self.end_headers()
                if body:
                    self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.host = f"127.0.0.1:{self._server.server_port}"

    def publish(self, name: str, arches: Mapping[str, Sequence[bytes]]) -> str:
        """Put an image there, under a repository and tag, with its layers for each architecture; returns its digest."""
        manifests = []
        for arch, layers in arches.items():
            diffs = [_digest(layer) for layer in layers]
            rootfs = {"type": "layers", "diff_ids": diffs}
            config = json.dumps({"architecture": arch, "os": "linux", "rootfs": rootfs, "config": {}}).encode()
            packed = [gzip.compress(layer, mtime=0) for layer in layers]
            document = {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": self._put(_CONFIG, config),
                "layers": [self._put(_LAYER, layer) for layer in packed],
            }
            one = self._put(_MANIFEST, json.dumps(document).encode())
            manifests.append({**one, "platform": {"os": "linux", "architecture": arch}})
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": manifests}
        put = self._put(_INDEX, json.dumps(index).encode())
        self.held[name] = self.held[str(put["digest"])]
        return str(put["digest"])

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Return code, type and body for a path."""
        if path == "/v2/":
            return 200, "application/json", b"{}"
        repository, _, last = path.removeprefix("/v2/").rpartition("/")
        repository = repository.rpartition("/")[0]
        if repository in self.locked:
            return 401, "application/json", _error("UNAUTHORIZED", "authentication required")
        found = self.held.get(last) or self.held.get(f"{repository}:{last}")
        if found is None:
            return 404, "application/json", _error("MANIFEST_UNKNOWN", "manifest unknown")
        return 200, *found

    def _put(self, kind: str, data: bytes) -> dict[str, object]:
        self.held[_digest(data)] = kind, data
        return {"mediaType": kind, "digest": _digest(data), "size": len(data)}

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _error(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()
