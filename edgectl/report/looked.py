"""What a look has shown: the texts of `plan` and `status`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgectl.control.deploy.caps import Forecast
from edgectl.control.deploy.look import CONTENT, Seen
from edgectl.report.advice import for_step
from edgectl.report.history import is_split
from edgectl.report.transfer import about, time_of
from edgectl.report.words import count, duration, size
from edgectl.wire import event
from edgectl.wire.envelope import short
from edgectl.wire.errors import Exit

_WRONG = (event.FAILED, event.UNKNOWN, event.WAITING)
_LINES = 12
_TITLE_WIDTH = 20
_COLUMNS = 80
_REBOOT, _TITLE = "reboot", "machine restart"  # the step's id and title
_NEEDED, _NEVER = "a restart is needed", "is told never to restart"  # what the step says that makes none now


def planned(store: str, seen: Seen, all_bytes: int, forecast: Forecast | None = None) -> str:
    """Say what a deploy would change and send."""
    drifted = [item for item in seen.events if item.get("word") == event.DRIFTED]
    lines = []
    if seen.exit == Exit.PENDING:
        lines.append(f"{store} would change in {count(len(drifted), 'step')} {_cost(seen)}.")
    elif seen.exit in {Exit.OK, Exit.DEGRADED}:
        lines.append(f"{store}: nothing to change; it is {_state(seen)} {_cost(seen)}.")
    else:
        lines.append(f"{store} is {_state(seen)}, and no change would mend it {_cost(seen)}.")
    if seen.missing_blobs:
        lines.append(f"  send      {count(seen.missing_blobs, 'blob')}, {sent_of(seen.missing_bytes, all_bytes)}")
        if takes := time_of(forecast or Forecast()):
            lines.append(f"  time      {takes}")
    if seen.neighbour_bytes:
        lines.append(f"  between   its nodes {size(seen.neighbour_bytes)}, over the store's network")
    for pause in seen.pauses:
        lines += [
            f"  pauses    {pause.workload} {about(pause)}",
            *(f"            {why}" for why in pause.why.split("; ")),
        ]
    lines += _restart(store, seen)
    lines += _steps("change", [item for item in drifted if item.get("step") != _REBOOT], differences=True)
    wrong = [item for item in seen.events if item.get("word") in _WRONG and item.get("step") != CONTENT]
    lines += _steps("", wrong)
    lines += _blocked(seen, "can be seen only after that")
    if seen.exit == Exit.PENDING:
        lines.append(f"  next      edgectl deploy {store}")
    elif wrong:
        lines.append(f"  next      {for_step(store, str(wrong[0].get('step', '')))}")
    return "\n".join(lines)


def standing(store: str, seen: Seen) -> str:
    """Say what a store runs, whether it is as deployed, what waits, what was rejected, who is at it."""
    drifted = [item for item in seen.events if item.get("word") == event.DRIFTED]
    wrong = [item for item in seen.events if item.get("word") in _WRONG]
    reason = str(seen.verdict.get("reason", ""))
    if seen.verdict.get("word") == "pending":
        differ = f"{count(len(drifted), 'step')} differ{'' if len(drifted) > 1 else 's'}"
        lines = [f"{store} is NOT AS DEPLOYED: {differ} {_cost(seen)}."]
    else:
        lines = [f"{store} is {_state(seen)}{': ' + reason if reason else ''} {_cost(seen)}."]
    lines += _restart(store, seen)
    lines += _steps("", [item for item in drifted if item.get("step") != _REBOOT], differences=True)
    lines += _steps("", wrong)
    lines += _blocked(seen, "could not be looked at without it")
    lines += running(seen.hello)
    if wrong:
        lines.append(f"  next      {for_step(store, str(wrong[0].get('step', '')))}")
    elif drifted and not seen.hello.get("pause"):
        lines.append(f"  next      the node puts it back within minutes; at once: edgectl deploy {store}")
    return "\n".join(lines)


def running(hello: dict[str, Any]) -> list[str]:
    """Say what a node has accepted, what runs, what was rejected, who is at it."""
    lines = []
    newest = hello.get("newest") or {}
    if current := hello.get("current"):
        lines += _slot("runs", current)
        if is_split(current):
            lines.append(f"            with the apps of sequence {current['apps']}")
    if candidate := hello.get("candidate"):
        lines += _slot("becomes", candidate)
    if rejected := newest.get("rejected"):
        lines += _slot("rejected", newest)
        since = str(rejected.get("time", "")).replace("T", " ")[:16]
        lines.append(f"            because {rejected.get('reason', '')}")
        lines.append(f"            since {since} UTC")
    lines += [f"  held      {sentence}" for sentence in hello.get("held") or ()]
    lines += [f"  rollout   {sentence}" for sentence in hello.get("rollouts") or ()]
    if pause := str(hello.get("pause") or ""):
        lines.append(f"  paused    {pause.removeprefix('paused ')}")
    if holder := hello.get("holder"):
        sender = holder.get("sender", {})
        who = f"{sender.get('user', 'someone')}@{sender.get('host', 'unknown')}"
        lines.append(f"  now       a {holder.get('kind', 'run')} by {who} since {holder.get('since') or 'just now'}")
    return lines


def sent_of(missing_bytes: int, all_bytes: int) -> str:
    """Say how much of all must be sent: `31.0 MB of 412.0 MB`."""
    whole = f" of {size(all_bytes)} (the rest is there)" if all_bytes > missing_bytes else ""
    return f"{size(missing_bytes)}{whole}"


def _state(seen: Seen) -> str:
    word = str(seen.verdict.get("word", "unknown"))
    return "as deployed" if word == "pending" else word.upper()


def _cost(seen: Seen) -> str:
    return f"({seen.verdict.get('looked', 0)} looked at, {size(seen.link_bytes)}, {duration(seen.seconds)})"


def _steps(word: str, items: Iterable[dict[str, Any]], *, differences: bool = False) -> list[str]:
    lines = []
    for item in items:
        said = word or str(item.get("word", ""))
        shown = list(item.get("differences", ()))[:_LINES] if differences else []
        line = f"  {said:<10}{item.get('title', ''):<{_TITLE_WIDTH}} "
        reason = str(item.get("reason", ""))
        # A reason that only names what is listed below anyway gives way to the width of a terminal.
        lines.append(line + (count(len(shown), "difference") if shown and len(line + reason) > _COLUMNS else reason))
        lines += [f"            {field}: {have} -> {want}" for field, have, want in shown]
        lines += [f"            {line}" for line in list(item.get("evidence", ()))[:_LINES]]
    return lines


def _restart(store: str, seen: Seen) -> list[str]:
    """Say that a machine would be restarted, or that it waits for its hours."""
    lines = []
    for item in seen.events:
        if item.get("step") != _REBOOT:
            continue
        node, reason = str(item.get("title", "")).removesuffix(_TITLE).strip(), str(item.get("reason", ""))
        if item.get("word") == event.DRIFTED:
            lines.append(f"  restart   {node or 'the machine'} would restart: {reason}")
        elif reason.startswith(_NEEDED):
            lines.append(f"  restart   {f'{node}: ' if node else ''}{reason}")
            if _NEVER not in reason:
                lines.append(f"            at once: edgectl deploy {store} --reboot-now")
    return lines


def _blocked(seen: Seen, why: str) -> list[str]:
    titles = [str(item.get("title", "")) for item in seen.events if item.get("word") == event.BLOCKED]
    if not titles:
        return []
    first = ", ".join(titles[:3]) + (", ..." if len(titles) > 3 else "")  # noqa: PLR2004 - what fits a line
    return [f"  blocked   {count(len(titles), 'step')} {why}: {first}"]


def _slot(word: str, envelope: dict[str, Any]) -> list[str]:
    sender = envelope.get("sender", {})
    what = f"sequence {envelope.get('sequence')}, payload {short(str(envelope.get('payload', '')))}"
    origin = f"{str(envelope.get('created', '')).replace('T', ' ')[:16]} UTC"
    if commit := str(envelope.get("commit", "")):
        origin += f', commit {commit[:7]} "{envelope.get("summary", "")}"'
    return [f"  {word:<10}{what}, by {sender.get('user')}@{sender.get('host')}", f"            {origin}"]


def plan_code(seen: Seen, *, exit_code: bool) -> int:
    """Return the exit code of a plan; changes that wait are one where that was asked for."""
    return int(Exit.OK) if seen.exit == Exit.PENDING and not exit_code else seen.exit


def plan_document(store: str, payload: str, seen: Seen, forecast: Forecast) -> dict[str, Any]:
    """Return a plan for programs."""
    return {"store": store, "payload": payload, "pending": seen.exit == Exit.PENDING, **seen.document(forecast)}
