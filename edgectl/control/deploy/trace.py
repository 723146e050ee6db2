"""A deploy as one OpenTelemetry trace: connections, the transfer, and each step of each node's run by its own times.

Owns: the spans and what telling them may cost: it begins when the deploy has ended, takes at most two seconds, and
fails nothing. Nothing of OpenTelemetry is imported where the environment names no collector.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, Any

from edgectl.control.deploy.recorded import Recorded, node_of, steps_of
from edgectl.wire import event

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SECONDS = 2.0
_MOST_LETTERS = 300
_BAD = frozenset({event.FAILED, event.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Told:
    """What the root span says of a deploy."""

    name: str
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    failed: str = ""


def is_on() -> bool:
    """Tell whether the environment names a collector, and nobody has turned this off."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(map(os.environ.get, ENDPOINTS))


def send(record: Recorded, told: Told, *, version: str = "", seconds: float = _SECONDS) -> str:
    """Send the trace; returns why it did not arrive, "" when it did."""
    why = [f"the collector did not answer within {seconds:.0f} s"]

    def work() -> None:
        try:
            why[0] = _send(record, told, version, seconds)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a collector or its address is no deploy's fault
            why[0] = f"the trace could not be made: {type(error).__name__}"

    sending = Thread(target=work, daemon=True, name="trace")
    sending.start()
    sending.join(seconds)
    return why[0]


def _send(record: Recorded, told: Told, version: str, seconds: float) -> str:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExportResult

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # what is wrong is one note, and no traceback
    kept = _Kept()
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "edgectl"}
    provider = TracerProvider(
        resource=Resource.create({**named, "service.version": version} if version else named), shutdown_on_exit=False
    )
    provider.add_span_processor(kept.processor())
    _spans(provider.get_tracer("edgectl"), record, told)
    exporter: SpanExporter = OTLPSpanExporter(timeout=seconds)
    if exporter.export(kept.spans) is SpanExportResult.SUCCESS:
        return ""
    return "the collector has not taken it"


class _Kept:
    """Spans that have ended, for one request."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    def processor(self) -> Any:
        from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

        kept = self.spans

        class Keep(SpanProcessor):
            def on_end(self, span: ReadableSpan) -> None:
                kept.append(span)

        return Keep()


def _spans(tracer: Tracer, record: Recorded, told: Told) -> None:
    from opentelemetry.trace import set_span_in_context

    ended = record.close()
    root = tracer.start_span(told.name, start_time=_ns(record.began), attributes=dict(told.facts))
    inside = set_span_in_context(root)
    for phase in record.phases:
        facts = {"edgectl.node": phase.node, **{f"edgectl.{key}": _value(item) for key, item in phase.facts.items()}}
        span = tracer.start_span(phase.name, context=inside, start_time=_ns(phase.began), attributes=facts)
        _fail(span, phase.failed)
        span.end(_ns(phase.ended))
    for node in record.nodes:
        events = [item for item in record.events if node_of(item) == node]
        began = record.run_began(node)
        steps = list(steps_of(events))
        run = tracer.start_span("run", context=inside, start_time=_ns(began), attributes=_run(record, node, events))
        for step in steps:
            facts = {
                "edgectl.node": node or record.node,
                "edgectl.step": str(step.item.get("step", "")),
                "edgectl.word": str(step.item.get("word", "")),
                "edgectl.waited_seconds": round(
                    sum(end - at for word, at, end in step.spans if word == event.WAITING), 3
                ),
                "edgectl.reason": str(step.item.get("reason", ""))[:_MOST_LETTERS],
            }
            name = str(step.item.get("step", "")) or "step"
            span = tracer.start_span(
                name, context=set_span_in_context(run), start_time=_ns(began + step.began), attributes=facts
            )
            _fail(span, facts["edgectl.reason"] if step.item.get("word") in _BAD else "")
            span.end(_ns(began + step.ended))
        run.end(_ns(began + max((step.ended for step in steps), default=0.0)))
    _fail(root, told.failed)
    root.end(_ns(ended))


def _run(record: Recorded, node: str, events: list[dict[str, Any]]) -> dict[str, str]:
    first = events[0] if events else {}
    return {
        "edgectl.node": node or record.node,
        "edgectl.run": str(first.get("run", "")),
        "edgectl.node_time": str(first.get("time", "")),  # the node's own clock, which may be wrong
    }


def _fail(span: Any, why: Any) -> None:
    from opentelemetry.trace import Status, StatusCode

    if why:
        span.set_status(Status(StatusCode.ERROR, str(why)[:_MOST_LETTERS]))


def _value(value: Any) -> str | int | float:
    return value if isinstance(value, int | float) else str(value)[:_MOST_LETTERS]


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
