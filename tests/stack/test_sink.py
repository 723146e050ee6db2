"""The reference sink as it runs: a process, TLS, a token, a file that outlives it."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.stack.certificates import Authority
from tests.stack.process import Process

OURS = "of-this-store"


def test_what_a_sink_has_taken_it_has(tmp_path: Path) -> None:
    """After kill -9 everything that it answered 200 for is there, sorted, once; without its token nothing is taken."""
    authority, port = Authority(tmp_path), free_port()
    pair = authority.sign("sink")
    (tmp_path / "token").write_text(f"{OURS}\n")
    words = ["--port", str(port), "--db", str(tmp_path / "sink.db"), "--token-file", str(tmp_path / "token")]
    sink = Process("edgectl.stack.sink", [*words, "--cert", str(pair.cert), "--key", str(pair.key)], tmp_path)
    trust = ssl.create_default_context(cafile=authority.file)

    def ask(path: str, body: bytes | None = None, key: str = OURS) -> bytes:
        headers = {"Content-Encoding": "deflate", "Authorization": f"Bearer {key}"}
        where = f"https://127.0.0.1:{port}{path}"
        asked = urllib.request.Request(where, data=body, headers=headers)
        with urllib.request.urlopen(asked, timeout=5, context=trust) as answer:  # noqa: S310
            return bytes(answer.read())

    def status(path: str, body: bytes, key: str = OURS) -> int:
        try:
            ask(path, body, key)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        return 200

    def count() -> Any:
        return json.loads(ask("/count"))

    batch = zlib.compress(b'{"id": "b"}\n{"id": "a"}\n{"id": "c", "kind": "canary"}\n')
    sink.start()
    try:
        _answers(sink)
        assert status("/events", batch, "another") == 401
        assert status("/other", batch) == 404
        assert status("/events", b"nothing") == 400
        assert count() == {"events": 0, "duplicates": 0, "canaries": 0}
        assert json.loads(ask("/events", batch)) == {"taken": 2, "duplicates": 0, "canaries": 1}
        sink.kill()
        sink.start()
        _answers(sink)
        assert json.loads(ask("/events", batch)) == {"taken": 0, "duplicates": 2, "canaries": 1}
        assert count() == {"events": 2, "duplicates": 2, "canaries": 2}
        assert ask("/ids") == b"a\nb\n"
        assert sink.stop() == 0
    finally:
        sink.kill()


def _answers(sink: Process) -> None:
    deadline = time.monotonic() + 20
    while sink.status().get("state", {}).get("word") != "ready":
        assert time.monotonic() < deadline, sink.log.read_text()
        time.sleep(0.05)
