"""Clients of inference on a node: several, each asking at its own pace until they are stopped. Standard library only.

Owns: what is asked (frames from a file), and one line for each question: when, how long, answered by which version, by
which kind of version, or why not. Must not know what happens to the service meanwhile.

    python3 asks.py ADDRESS MODEL FRAMES CLIENTS SECONDS_BETWEEN
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from pathlib import Path

SIDE = 64
FRAME_BYTES = 3 * SIDE * SIDE * 4
_TENSOR = {"name": "image", "shape": [1, 3, SIDE, SIDE], "datatype": "FP32"}
_OK = 200


def main(address: str, model: str, frames: str, clients: str, pause: str) -> None:
    """Ask until this process is ended."""
    data = Path(frames).read_bytes()
    pictures = [data[at : at + FRAME_BYTES] for at in range(0, len(data), FRAME_BYTES)]
    threads = [
        threading.Thread(target=_client, args=(address, f"/v2/models/{model}/infer", pictures, number, float(pause)))
        for number in range(int(clients))
    ]
    for thread in threads:
        thread.start()


def _client(address: str, path: str, pictures: list[bytes], number: int, pause: float) -> None:
    line = http.client.HTTPConnection(address, 8000, timeout=5)
    while True:
        picture = pictures[number % len(pictures)]
        number += 1
        at = time.time()
        began = time.monotonic()
        try:
            said = _ask(line, path, picture)
        except (OSError, http.client.HTTPException, ValueError, LookupError) as error:
            line.close()
            said = f"- {type(error).__name__} {error}".replace("\n", " ")
        took = time.monotonic() - began
        sys.stdout.write(f"{at:.4f} {1000 * took:.2f} {said}\n")
        sys.stdout.flush()
        time.sleep(max(pause - took, 0.0))


def _ask(line: http.client.HTTPConnection, path: str, picture: bytes) -> str:
    tensor = {**_TENSOR, "parameters": {"binary_data_size": len(picture)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    line.request("POST", path, head + picture, headers)
    response = line.getresponse()
    body = response.read()
    if response.status != _OK:
        raise ValueError(f"HTTP {response.status} {body[:200]!r}")
    answer = json.loads(body)
    if not answer["outputs"][0]["data"]:
        raise ValueError("an answer of nothing")
    known = answer["parameters"]
    return f"{known['version']} {'candidate' if known.get('candidate') else 'current'}"


if __name__ == "__main__":
    main(*sys.argv[1:])
