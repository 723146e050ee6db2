"""The sentences that end a command. Pure: from an outcome to text, and to one JSON document."""

from __future__ import annotations

from typing import Any

from edgectl.control.deploy.deploy import Outcome
from edgectl.report.words import count, duration, size
from edgectl.wire.envelope import short


def deployed(store: str, outcome: Outcome) -> str:
    """Say how a deploy ended; several lines when it did not end well."""
    verdict = outcome.verdict
    word, reason = str(verdict.get("word", "unknown")), str(verdict.get("reason", ""))
    cost = f"{outcome.looked} looked at, {size(outcome.link_bytes)}, {duration(outcome.seconds)}"
    if word in {"ready", "degraded"}:
        tail = f" {reason}." if word == "degraded" else ""
        if not outcome.changed:
            return f"{store} is {word.upper()}.{tail} Nothing to change ({cost})."
        sent = size(outcome.blob_bytes)
        changes = count(len(outcome.changed), "change")
        before = f", was {outcome.before}" if outcome.before != outcome.sequence else ""
        return (
            f"{store} is {word.upper()}.{tail} {changes}, {sent}, {duration(outcome.seconds)}. "
            f"Sequence {outcome.sequence}{before}."
        )
    lines = []
    returned = verdict.get("returned")
    serving = int(verdict.get("serving", 0))
    rejected = int(verdict.get("sequence", 0))
    if returned and returned.get("word") in {"ready", "degraded"}:
        lines.append(
            f"{store} is {returned['word'].upper()} on the old version (sequence {serving}). "
            f"Sequence {rejected} was rejected."
        )
    elif serving and serving != rejected:
        lines.append(f"{store} is {word.upper()}. What should run is the old version (sequence {serving}).")
    else:
        lines.append(f"{store} is {word.upper()}.")
    lines.append(f"  why       {reason}")
    lines += [f"            {line}" for line in list(verdict.get("evidence", ()))[:12]]
    if outcome.run:
        lines.append(f"  evidence  edgectl journal {store} --run {outcome.run}")
    lines.append(f"  next      {_next(verdict)}")
    return "\n".join(lines)


def looked(store: str, verdict: dict[str, Any], *, link_bytes: int, seconds: float) -> str:
    """Say what a look has shown."""
    word, reason = str(verdict.get("word", "unknown")), str(verdict.get("reason", ""))
    cost = f"({verdict.get('looked', 0)} looked at, {size(link_bytes)}, {duration(seconds)})"
    if word == "pending":
        pending, blocked = len(verdict.get("pending", ())), len(verdict.get("blocked", ()))
        after = f", {blocked} more can be seen only after them" if blocked else ""
        return f"{store} would change: {count(pending, 'step')} differ{'s' if pending == 1 else ''}{after} {cost}."
    if word in {"ready", "degraded"}:
        return f"{store} is {word.upper()}{': ' + reason if reason else ''} {cost}."
    return f"{store} is {word.upper()}: {reason} {cost}."


def running(hello: dict[str, Any]) -> list[str]:
    """Say what a store runs, what waits, what was rejected, who is at it."""
    lines = []
    current, candidate, newest = hello.get("current"), hello.get("candidate"), hello.get("newest")
    if current:
        lines.append(f"runs      {_slot(current)}")
    if candidate:
        lines.append(f"becomes   {_slot(candidate)}")
    rejected = (newest or {}).get("rejected")
    if newest and rejected:
        lines.append(f"rejected  {_slot(newest)}: {rejected.get('reason', '')} ({rejected.get('time', '')})")
    if hello.get("pause"):
        lines.append(str(hello["pause"]))
    if holder := hello.get("holder"):
        sender = holder.get("sender", {})
        lines.append(f"now       a {holder.get('kind')} of {sender.get('user')}@{sender.get('host')} runs")
    return lines


def _slot(envelope: dict[str, Any]) -> str:
    sender = envelope.get("sender", {})
    commit = f", commit {str(envelope['commit'])[:7]} {envelope.get('summary', '')!r}" if envelope.get("commit") else ""
    return (
        f"sequence {envelope.get('sequence')}, payload {short(str(envelope.get('payload', '')))}{commit}, "
        f"by {sender.get('user')}@{sender.get('host')} {envelope.get('created', '')}"
    )


def _next(verdict: dict[str, Any]) -> str:
    if verdict.get("returned"):
        return "correct the inventory (or chart), then deploy again; the store goes on with the old version"
    if int(verdict.get("exit", 0)) == 6:  # noqa: PLR2004 - Exit.FAILED
        return "read the evidence; run the same command again when its cause is gone (the node also retries by itself)"
    return "the node goes on trying by itself; `edgectl status` shows when it is ready"
