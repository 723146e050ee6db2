"""One store of a page: the document of a command, as the template shows it. Pure.

Owns: what is told of a store and in which words. Documents are those of `-o json`, with what `--html` asks besides;
whatever of them is missing is not told. A number that is shown is one, a text is a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgectl.report.history import is_split, state
from edgectl.report.page.picture import picture
from edgectl.report.page.plain import fields, items, moment, number, text, texts
from edgectl.report.page.timeline import drawn, kind_of
from edgectl.report.words import count, duration, size
from edgectl.wire import event
from edgectl.wire.chain import DEGRADED, READY
from edgectl.wire.envelope import short
from edgectl.wire.verdict import PENDING

_COLUMN = 12  # where a terminal's sentences begin, behind their word
_WRONG = frozenset({event.FAILED, event.UNKNOWN, event.BLOCKED, event.WAITING})
_KINDS = {READY: "ok", DEGRADED: "waiting", PENDING: "waiting"}
_SIGNS = {"ok": "\u2713", "waiting": "!", "failed": "\u2715"}


def section(store: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template needs to show a store."""
    doc = fields(document)
    verdict, error = fields(doc.get("verdict")), fields(doc.get("error"))
    said = _said(doc, error)
    # A look says how the store is; the events beside it are of a run that is over.
    found = [fields(item) for item in items(doc.get("steps")) or items(doc.get("events"))]
    last, returned = _last_words(found), fields(verdict.get("returned"))
    wrong = [item for item in found if item.get("word") in {event.FAILED, event.UNKNOWN}] if returned else last
    word = "unknown" if error or not verdict else text(verdict.get("word"), 20)
    kind = "failed" if returned else _KINDS.get(word, "failed")
    return {
        "store": text(store, 80),
        "title": text(doc.get("title"), 120),
        "command": text(doc.get("command"), 80),
        "made": moment(doc.get("made")),
        "word": word,
        "kind": kind,
        "sign": _SIGNS[kind],
        "said": said[0] if said else "",
        "more": _more(said[1:]),
        "timeline": drawn(doc),
        "run": _run(doc),
        "chain": picture(fields(doc.get("chain"))),
        "chain_error": text(doc.get("chain_error")),
        "bytes": _bytes(doc),
        "pauses": _pauses(doc, verdict),
        "reboots": [_reboot(fields(one)) for one in items(doc.get("reboots"))],
        "change_title": "put back" if returned else "differs" if "blob_bytes" not in doc else "changed",
        "changes": [_step(item) for item in last if item.get("word") in {event.CHANGED, event.DRIFTED}],
        "wrong": [_step(item) for item in _last_words(wrong) if item.get("word") in _WRONG],
        "steps": [_step(item) for item in last],
        "nodes": [
            (text(name, 64), text(fields(one).get("word"), 20), text(fields(one).get("reason")))
            for name, one in fields(doc.get("others")).items()
        ],
        "slots": [_slot(fields(row)) for row in items(doc.get("slots"))],
        "slots_error": text(doc.get("slots_error")),
        "versions": _versions(doc),
        "contents": [
            (text(row.get("name"), 160), text(row.get("digest"), 80), size(number(row.get("bytes"))))
            for row in map(fields, items(doc.get("contents")))
        ],
    }


def _said(doc: dict[str, Any], error: dict[str, Any]) -> list[str]:
    """Return the command's own sentences: the first is the verdict in words."""
    if error:
        details = texts(error.get("details"), 20)
        return [text(error.get("message")), *details, f"next: {text(error.get('hint'))}"]
    return [line for line in text(doc.get("sentence"), 8000).splitlines() if line.strip()]


def _more(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Return what follows the first sentence, by the words in the terminal's first column."""
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        indented = line.startswith(" " * _COLUMN)
        word, rest = ("", line.strip()) if indented else (line[:_COLUMN].strip(), line[_COLUMN:].strip())
        if not line.startswith("  "):
            word, _, rest = line.partition(": ") if line.startswith("next: ") else ("", "", line)
        if word or not found:
            found.append((word, [rest]))
        else:
            found[-1][1].append(rest)
    return found


def _last_words(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each step's last event, with the differences that it had to change."""
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for item in found:
        if item.get("kind", event.STEP) != event.STEP:
            continue
        key = (text(item.get("node"), 64), text(item.get("step"), 120) + "/" + text(item.get("title"), 120))
        before = last.get(key, {})
        kept = {name: before[name] for name in ("differences", "evidence") if before.get(name) and not item.get(name)}
        last[key] = {**item, **kept}
    return list(last.values())


def _step(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": text(item.get("title"), 120) or text(item.get("step"), 120),
        "word": text(item.get("word"), 20),
        "kind": kind_of(item.get("word")),
        "reason": text(item.get("reason")),
        "differences": [
            tuple(text(part, 300) for part in row)
            for row in items(item.get("differences"))
            if isinstance(row, list | tuple) and len(row) == 3  # noqa: PLR2004 - field, have, want
        ],
        "evidence": texts(item.get("evidence")),
    }


def _run(doc: dict[str, Any]) -> str:
    """Say which run the timeline shows."""
    events = [fields(item) for item in items(doc.get("events"))]
    first = next((item for item in events if item.get("kind") == event.RUN), {})
    run = text(doc.get("run") or first.get("run"), 40)
    began = moment(first.get("time"))
    newest = "the newest run that the node has kept" if items(doc.get("steps")) and events else ""
    parts = [newest, f"run {run}" if run else "", f"began {began} UTC by the node's clock" if began else ""]
    return ", ".join(part for part in parts if part)


def _bytes(doc: dict[str, Any]) -> dict[str, Any] | None:
    if "blob_bytes" not in doc:
        return None
    sent, wire = number(doc.get("blob_bytes")), number(doc.get("wire_bytes"))
    near, all_ = number(doc.get("neighbour_bytes")), number(doc.get("all_bytes"))
    reused = max(all_ - number(doc.get("bytes_missing")), 0.0) if all_ else 0.0
    whole = max(sent + near + reused, 1.0)
    parts = [
        ("reused", "already there", reused),
        ("near", "from nodes of the store", near),
        ("sent", "sent", sent),
    ]
    at, bars = 0.0, []
    for kind, title, amount in parts:
        width = round(1000 * amount / whole, 1)
        bars.append({"kind": kind, "title": title, "x": round(at, 1), "width": width, "size": size(amount)})
        at += width
    saved = max(sent - wire, 0.0)
    rows = [
        ("needed in all", size(all_) if all_ else ""),
        ("on the line for it", f"{size(wire)}" if sent else ""),
        ("spared by deltas and packing", f"{size(saved)} ({100 * saved / sent:.0f} %)" if sent and saved else ""),
        ("all of the connection", size(number(doc.get("link_bytes")))),
        ("connections", f"{number(doc.get('sessions')):.0f}" if doc.get("sessions") else ""),
        ("took", duration(number(doc.get("seconds")))),
    ]
    return {"bars": bars, "rows": [row for row in rows if row[1]]}


def _pauses(doc: dict[str, Any], verdict: dict[str, Any]) -> list[dict[str, str]]:
    """Say how long workloads do not serve: as announced, and as the node has measured it."""
    gaps = fields(verdict.get("gaps"))
    announced = {text(one.get("workload"), 160): one for one in map(fields, items(doc.get("pauses")))}
    return [
        {
            "workload": name,
            "announced": duration(number(announced[name].get("seconds"))) if name in announced else "not announced",
            "measured": duration(number(gaps[name])) if name in gaps else "not measured",
            "why": text(announced.get(name, {}).get("why")),
        }
        for name in [*announced, *(text(name, 160) for name in gaps if text(name, 160) not in announced)]
    ]


def _reboot(one: dict[str, Any]) -> tuple[str, str, str]:
    away = duration(number(one.get("seconds"))) if one.get("seconds") is not None else "not seen"
    return text(one.get("node"), 64), text(one.get("reason")), away


def _slot(row: dict[str, Any]) -> dict[str, Any]:
    sender, rejected = fields(row.get("sender")), fields(row.get("rejected"))
    found = text(state(row), 20)
    kind = "failed" if rejected else "ok" if found == "current" else "blocked"
    notes = [text(row.get("summary"))]
    if rejected:
        notes.append(f"rejected {moment(rejected.get('time'))} UTC because {text(rejected.get('reason'))}")
    if is_split(row):
        notes.append(f"its base runs, under the apps of sequence {text(row.get('apps'), 12)}")
    return {
        "sequence": text(row.get("sequence"), 12),
        "given": moment(text(row.get("created"), 40)),
        "state": found,
        "kind": kind,
        "payload": short(text(row.get("payload"), 80)),
        "commit": text(row.get("commit"))[:7],
        "by": f"{text(sender.get('user'), 64)}@{text(sender.get('host'), 64)}",
        "notes": [note for note in notes if note],
    }


def _versions(doc: dict[str, Any]) -> list[tuple[str, str]]:
    current = fields(doc.get("current"))
    rows = [
        ("payload", doc.get("payload") or current.get("payload")),
        ("sequence", doc.get("sequence")),
        ("ran before", doc.get("before")),
        ("commit", doc.get("commit") or current.get("commit")),
        ("engine", doc.get("runtime") or current.get("runtime")),
        ("edgectl", doc.get("edgectl")),
        *fields(doc.get("versions")).items(),
    ]
    return [(text(name, 80), text(value, 200)) for name, value in rows if value not in (None, "", 0)]


def summary(sections: list[dict[str, Any]]) -> str:
    """Say how several stores stand in one line."""
    found: dict[str, int] = {}
    for one in sections:
        found[one["word"]] = found.get(one["word"], 0) + 1
    return f"{count(len(sections), 'store')}: " + ", ".join(f"{number} {word}" for word, number in found.items())
