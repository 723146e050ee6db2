"""The sentences that end a deploy: what, why, evidence, what runs now, what to do next. Pure."""

from __future__ import annotations

from typing import Any

from edgectl.control.deploy.outcome import Outcome
from edgectl.report.advice import for_step
from edgectl.report.words import count, duration, size
from edgectl.wire.errors import Exit

_FINE = frozenset({"ready", "degraded"})
_EVIDENCE_LINES = 12


def deployed(store: str, outcome: Outcome) -> str:
    """Say how a deploy ended; several lines when it did not end well."""
    verdict = outcome.verdict
    word, reason = str(verdict.get("word", "unknown")), str(verdict.get("reason", ""))
    if word in _FINE and not verdict.get("returned"):
        return _well(store, outcome, word, reason)
    lines = [_headline(store, word, verdict), f"  why       {reason or 'the node gave no reason'}", *_others(outcome)]
    lines += [f"            {line}" for line in list(verdict.get("evidence") or ())[:_EVIDENCE_LINES]]
    lines += [*_restarted(outcome), f"  runs now  {_runs_now(verdict)}"]
    if outcome.run:
        lines.append(f"  evidence  edgectl journal {store} --run {outcome.run}")
    again = "correct the inventory or chart and deploy again; or " if verdict.get("returned") else ""
    lines.append(f"  next      {again}{for_step(store, str(verdict.get('gate', '')))}")
    return "\n".join(lines)


def _well(store: str, outcome: Outcome, word: str, reason: str) -> str:
    tail = f" {reason}." if word == "degraded" and reason else ""
    if not outcome.changed:
        cost = f"{outcome.looked} looked at, {size(outcome.link_bytes)}, {duration(outcome.seconds)}"
        return "\n".join((f"{store} is {word.upper()}.{tail} Nothing to change ({cost}).", *_others(outcome)))
    before = f", was {outcome.before}" if outcome.before != outcome.sequence else ""
    sentence = (
        f"{store} is {word.upper()}.{tail} {count(len(outcome.changed), 'change')}, {size(outcome.blob_bytes)}, "
        f"{duration(outcome.seconds)}. Sequence {outcome.sequence}{before}."
    )
    return "\n".join((sentence, *_restarted(outcome), *_paused(outcome), *_others(outcome)))


def _restarted(outcome: Outcome) -> list[str]:
    """Say which machines were restarted, and why."""
    return [
        f"  restart   {one['node']}: {one['reason']}"
        + ("" if one["seconds"] is None else f"; away for {duration(one['seconds'])}")
        for one in outcome.reboots
    ]


def _paused(outcome: Outcome) -> list[str]:
    """Say how long workloads did not serve, beside what was announced."""
    gaps = outcome.verdict.get("gaps") or {}
    return [
        f"  paused    {pause.workload} {gaps[pause.workload]:.0f} s, announced {pause.seconds:.0f}"
        for pause in outcome.pauses
        if pause.workload in gaps
    ]


def _others(outcome: Outcome) -> list[str]:
    """Say which of the nodes that follow the lead are not well."""
    return [
        f"  {name:<9} {said.get('reason', '')}"
        for name, said in outcome.others.items()
        if said.get("exit") not in {int(Exit.OK), int(Exit.DEGRADED)}
    ]


def cancelled(store: str, last: dict[str, Any] | None) -> tuple[str, bool]:
    """Say how a cancel ended, and whether the store is well; `last` is the verdict of the run that it ended."""
    if last is None:
        return f"{store}: nothing is being deployed", True
    data = last.get("data", {})
    returned, sequence = data.get("returned"), data.get("sequence", 0)
    if not data:
        return f"{store}: what waited to be deployed is dropped; no run was at it", True
    if returned:
        fine = returned.get("word") in _FINE
        tail = "" if fine else f": {returned.get('reason', '')}"
        where = f"on sequence {data.get('apps', 0)}; sequence {sequence} is cancelled{tail}"
        return f"{store} is {str(returned.get('word')).upper()} {where}", fine
    if last.get("word") == "interrupted":
        return f"{store}: sequence {sequence} stops here until the next deploy or boot; nothing ran before it", True
    return f"{store} is {str(last.get('word')).upper()}: sequence {sequence} had ended before the cancel came", True


def _headline(store: str, word: str, verdict: dict[str, Any]) -> str:
    returned, rejected = verdict.get("returned"), verdict.get("sequence", 0)
    if not returned:
        return f"{store} is {word.upper()}."
    if returned.get("word") in _FINE:
        apps = verdict.get("apps", verdict.get("serving", 0))
        return (
            f"{store} is {returned['word'].upper()} on the old version (sequence {apps}). "
            f"Sequence {rejected} was rejected."
        )
    return f"{store} is {str(returned.get('word', 'unknown')).upper()}. Sequence {rejected} was rejected."


def _runs_now(verdict: dict[str, Any]) -> str:
    returned, serving, tried = verdict.get("returned"), int(verdict.get("serving", 0)), verdict.get("sequence", 0)
    apps = int(verdict.get("apps", serving))
    if returned and returned.get("word") in _FINE:
        if apps != serving:
            return f"the apps of sequence {apps}, as before this deploy, on the base of sequence {serving}"
        return f"sequence {serving}, as before this deploy"
    if returned:
        return f"sequence {serving} is put back, but it is {returned.get('word')}: {returned.get('reason', '')}"
    if serving and serving != tried:
        return f"sequence {serving}"
    if serving:
        return f"sequence {serving} itself, as far as it goes; the node keeps trying by itself"
    return "this is the first deploy, nothing ran before; the node keeps trying by itself"
