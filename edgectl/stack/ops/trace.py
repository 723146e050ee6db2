"""Tracing of frames: W3C traceparents always, OpenTelemetry spans where OTEL_EXPORTER_OTLP_ENDPOINT names a collector.

Owns: what a collector that is away may cost (512 spans of memory, no time of a service, 2 s at its end). Nothing of
OpenTelemetry is imported without an endpoint. Must not know what is traced.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import secrets
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
RATIO = "OTEL_TRACES_SAMPLER_ARG"  # 0 to 1: which share of the frames is traced; all where it is not said
SERVICE = "OTEL_SERVICE_NAME"

_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_QUEUED, _BATCH = 512, 128  # spans
_EXPORT_SECONDS, _DELAY_MS, _CLOSE_SECONDS = 2.0, 1000, 2.0

_lock = threading.Lock()
_provider: TracerProvider | None = None


def span(name: str, parent: str = "", **attributes: str | float) -> AbstractContextManager[str]:
    """Time what is done in the `with`, as a child of `parent` (a traceparent, "" for a new trace); gives its own.

    Without a collector the parent's is handed on as it is, so that the ids in the logs of all services are the same. An
    exception that leaves the `with` is noted on the span.
    """
    return _exported(name, parent, attributes) if is_on() else _handed_on(parent)


@contextmanager
def spans(name: str, parents: Sequence[str], **attributes: str | float) -> Iterator[str]:
    """Time what is done for several frames at once, in the trace of each; gives the first one's own."""
    with ExitStack() as opened:
        made = [opened.enter_context(span(name, parent, **attributes)) for parent in parents]
        yield made[0]


def is_on() -> bool:
    """Tell whether there is a collector."""
    return any(map(os.environ.get, ENDPOINTS))


def is_sampled(parent: str) -> bool:
    """Tell whether the frame of this traceparent is traced."""
    found = _PARENT.fullmatch(parent)
    return found is not None and bool(int(found[3], 16) & 1)


def close(seconds: float = _CLOSE_SECONDS) -> None:
    """Send what waits, no longer than so many seconds; the next span begins anew. Called at a process's end, too."""
    global _provider
    with _lock:
        provider, _provider = _provider, None
    if provider is not None:
        ending = threading.Thread(target=provider.shutdown, daemon=True, name="trace-close")
        ending.start()
        ending.join(seconds)


@contextmanager
def _handed_on(parent: str) -> Iterator[str]:
    # Not sampled: nobody has recorded this one.
    yield parent if _PARENT.fullmatch(parent) else f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"


@contextmanager
def _exported(name: str, parent: str, attributes: Mapping[str, str | float]) -> Iterator[str]:
    tracer = _open().get_tracer("edgectl.stack")
    with tracer.start_as_current_span(name, context=_context(parent), attributes=attributes) as made:
        own = made.get_span_context()
        yield f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}"


def _context(parent: str) -> Context:
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    found = _PARENT.fullmatch(parent)
    if found is None:
        return Context()  # empty, not the thread's own: "" is a new trace
    trace, above, flags = (int(word, 16) for word in found.groups())
    return set_span_in_context(NonRecordingSpan(SpanContext(trace, above, True, TraceFlags(flags))), Context())


def _open() -> TracerProvider:
    global _provider  # noqa: PLW0603 - one per process, as atexit is
    with _lock:
        if _provider is None:
            _provider = _made()
            atexit.register(close)
        return _provider


def _made() -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    # A collector that is away for a year is no reason to write a line a second.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(ratio(os.environ.get(RATIO, "")))),
        resource=Resource.create({"service.name": os.environ.get(SERVICE) or "vision"}),
        shutdown_on_exit=False,  # it would wait for 30 s
    )
    exporter = OTLPSpanExporter(timeout=_EXPORT_SECONDS)
    provider.add_span_processor(
        BatchSpanProcessor(
            exporter, max_queue_size=_QUEUED, max_export_batch_size=_BATCH, schedule_delay_millis=_DELAY_MS
        )
    )
    return provider


def ratio(text: str) -> float:
    """Return the share of frames to trace; what is no share is said once and means all."""
    try:
        share = float(text or 1)
    except ValueError:
        share = -1.0
    if 0 <= share <= 1:
        return share
    sys.stderr.write(f"{RATIO}={text!r} is no number from 0 to 1: every frame is traced\n")
    return 1.0
