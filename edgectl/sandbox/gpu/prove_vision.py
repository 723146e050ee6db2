"""Run by the vision image's own interpreter when it is built: all that services import is there and works.

Owns: what is tried. Lives outside of the image; a library that is missing ends it with the loader's words.
"""

from __future__ import annotations

import importlib.util
import io
import pkgutil
import sqlite3
import ssl

import numpy as np

LIBRARIES = (
    *("bz2", "ctypes", "lzma", "uuid", "xml.parsers.expat", "zlib"),  # of the interpreter, each with a library
    *("onnxruntime", "paho.mqtt.client", "prometheus_client", "google.protobuf"),
    *("opentelemetry.sdk.trace.export", "opentelemetry.exporter.otlp.proto.http.trace_exporter"),
)
SERVICES = "edgectl.stack"


def video() -> None:
    """Write and read one frame of H.264, as cameras send it."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=2)
        stream.width = stream.height = 64
        for packet in (*stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))), *stream.encode()):
            out.mux(packet)
    file.seek(0)
    with av.open(file, "r") as read:
        next(read.decode(video=0)).to_ndarray(format="rgb24")


def services() -> list[str]:
    """Import what each service is started by (its `__main__` guards what it does) and return their names."""
    package = importlib.import_module(SERVICES)
    names = [found.name for found in pkgutil.iter_modules(package.__path__, f"{SERVICES}.") if found.ispkg]
    started = [f"{name}.__main__" for name in names if importlib.util.find_spec(f"{name}.__main__")]
    for name in started:
        importlib.import_module(name)
    return started


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    sqlite3.connect(":memory:").execute("CREATE TABLE proven (x)")
    ssl.create_default_context()
    video()
    if not services():
        raise SystemExit("no service is in the image")
